"""Which stories the next cycle takes, and the rows that remember it.

Three sources, in this order: the cycle this batch was in when the server ended, the cycle in which the batch before
it was stopped, and the tracker. A story that somebody moved in the tracker meanwhile enters where it stands now.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Collection, Sequence
from typing import Any, Final

import sprint
from db import (
    Command,
    Story,
    create_story,
    get_batch_before,
    get_cycle_commands,
    get_questions,
    get_stories_by_batch,
    get_story,
    update_story,
)
from events import EventType, emit_event
from running.journal import Journal
from running.story import StoryRun
from running.workspace import Workspace, durable
from workflow import PAIR, Candidate, pick

_FILE_NAME: Final = re.compile(r"(?!.*\.\.)\w[\w.+-]{0,199}")  # letters of any script; nothing that leads elsewhere
LINEAGE_MAX: Final = 100  # batches in a row through which a story may have been carried unfinished


class Intake:
    """The stories of one batch, cycle by cycle. `only` are the keys the operator asked for, None for any."""

    def __init__(self, workspace: Workspace, batch_id: int, only: Collection[str] | None, most: int = PAIR) -> None:
        self.journal = Journal()
        self._workspace = workspace
        self._batch_id = batch_id
        self._only = only
        self._most = most
        self._taken: set[str] = set()

    async def unfinished(self, cycle_number: int) -> list[StoryRun]:
        """The cycle to go on with, its journal loaded; empty when there is none. Call once, at the batch's start."""
        database = self._workspace.database
        own = await database.read(get_stories_by_batch, self._batch_id)
        self._taken.update(row.story_key for row in own if row.cycle_number < cycle_number)
        rows = [row for row in own if row.cycle_number == cycle_number]
        if rows:
            await self._load_journal(rows, failures=True)
            return await self._revive(rows)
        rows = [] if own else await database.read(_stopped_cycle, self._batch_id)
        if not rows or not self._wanted(rows):
            return []
        await self._load_journal(rows, failures=False)
        return await self._begin(cycle_number, await self._revive(rows), continues=rows)

    async def fresh(self, cycle_number: int) -> list[StoryRun]:
        """The next one or two stories of the tracker; empty when nothing is left to run."""
        project = self._workspace.project
        tracker = await asyncio.to_thread(sprint.read, project)
        picked = pick(candidates(tracker), exclude=self._taken, only=self._only, most=self._most)
        if not picked:
            return []
        self.journal = Journal()
        titles = await asyncio.to_thread(_titles, project)
        stories = [
            StoryRun(0, story.key, story.epic, titles.get(story.key, story.key), story.status, story.status)
            for story in picked
        ]
        return await self._begin(cycle_number, stories)

    def finish(self, stories: Sequence[StoryRun]) -> None:
        """The cycle is over; this batch takes none of its stories again, whatever the tracker says of them."""
        self._taken.update(story.key for story in stories)

    async def _begin(
        self, cycle_number: int, stories: list[StoryRun], continues: Sequence[Story] = ()
    ) -> list[StoryRun]:
        """Rows and `cycle:start` in one commit."""
        keys = [story.key for story in stories]

        def write() -> Awaitable[list[Any]]:
            with self._workspace.database.atomic():
                rows = [self._write_story(cycle_number, story, place, continues) for place, story in enumerate(stories)]
                told = emit_event(EventType.CYCLE_START, {"cycle_number": cycle_number, "story_keys": keys})
            return asyncio.gather(*rows, told)

        for story, row_id in zip(stories, await durable(write), strict=False):
            story.row_id = row_id
        return stories

    def _write_story(
        self, cycle_number: int, story: StoryRun, place: int, continues: Sequence[Story]
    ) -> asyncio.Future[int]:
        return self._workspace.database.write(
            create_story,
            self._batch_id,
            story.key,
            epic=story.epic,
            cycle_number=cycle_number,
            position=place,
            status=story.status,
            entry_status=story.entered,
            base_tree=story.base_tree,
            needs_spec=story.needs_spec,
            continues=continues[place].id if continues else None,
        )

    def _wanted(self, rows: Sequence[Story]) -> bool:
        return self._only is None or all(row.story_key in self._only for row in rows)

    async def _load_journal(self, rows: Sequence[Story], *, failures: bool) -> None:
        commands = await self._workspace.database.read(_commands_of_lineage, rows)
        questions = await self._workspace.database.read(get_questions, [command.id for command in commands])
        self.journal = Journal.of(commands, failures=failures, questions=questions)

    async def _revive(self, rows: Sequence[Story]) -> list[StoryRun]:
        """The stories as the rows have them, or as the tracker has them where somebody moved them since."""
        tracker = await asyncio.to_thread(sprint.read, self._workspace.project)
        titles = await asyncio.to_thread(_titles, self._workspace.project)
        stories = []
        for row in rows:
            title = titles.get(row.story_key, row.story_key)
            story = StoryRun(row.id, row.story_key, row.epic, title, row.entry_status, row.status, row.base_tree)
            story.needs_spec = None if row.needs_spec is None else bool(row.needs_spec)
            entry = tracker.story(row.story_key)
            if entry is not None and entry.editable and entry.status.value != row.status:
                await self._enter_afresh(story, row, entry.status.value)
            stories.append(story)
        return stories

    async def _enter_afresh(self, story: StoryRun, row: Story, status: str) -> None:
        """Nothing that was recorded for the story counts any more."""
        story.entered = story.status = status
        story.base_tree = story.needs_spec = None
        self.journal.forget(story.key)
        if row.batch_id == self._batch_id:
            columns = {"status": status, "entry_status": status, "base_tree": None, "needs_spec": None}
            await durable(lambda: self._workspace.database.write(update_story, row.id, **columns))


def candidates(tracker: sprint.Sprint) -> list[Candidate]:
    """The tracker's stories as the workflow sees them.

    One whose status cannot be written must not run, nor one whose key could not be a file name.
    """
    fit = {entry.key: entry.editable and _FILE_NAME.fullmatch(entry.key) is not None for entry in tracker.stories}
    return [
        Candidate(entry.key, entry.epic, entry.status.value if fit[entry.key] else "unknown")
        for entry in tracker.stories
    ]


def _titles(project: sprint.Project) -> dict[str, str]:
    return {story.key: story.title for story in sprint.overview(project).stories}


def _stopped_cycle(connection: sqlite3.Connection, batch_id: int) -> list[Story]:
    """The rows of the last cycle of the batch before this one, if that batch ended in the middle of it."""
    last = get_batch_before(connection, batch_id)
    if last is None or last.status not in ("stopped", "error"):
        return []
    rows = get_stories_by_batch(connection, last.id)
    return [row for row in rows if row.cycle_number == last.cycles_completed + 1]


def _commands_of_lineage(connection: sqlite3.Connection, rows: Sequence[Story]) -> list[Command]:
    """The commands of these stories' rows and of all the rows they go on with."""
    ids: list[int] = []
    for row in rows:
        current: Story | None = row
        while current is not None and len(ids) < LINEAGE_MAX * len(rows):
            ids.append(current.id)
            current = None if current.continues is None else get_story(connection, current.continues)
    return get_cycle_commands(connection, sorted(ids))
