"""The selection of the stories of a cycle from the tracker, and the rows that record it.

Three sources, in this order: the cycles this batch was in when the server ended, the cycle in which the batch before
it was stopped, and the tracker. A story that was moved in the tracker meanwhile enters at its present status, and
one that an earlier batch has left in a lane continues in that lane.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import msgspec
from msgspec import UNSET

import sprint
from events import emit
from payloads import CycleStart
from running.journal import Journal
from running.lanes.worktree import name_lane
from running.selection import Selection
from running.story import StoryRun, record_status
from running.tracker import read_tracker
from running.workspace import Workspace, until_stored
from store.batches import get_batch_before
from store.commands import Command, get_cycle_commands
from store.lanes import Lane, create_lane, get_lane, get_unfinished_lane
from store.questions import get_questions
from store.stories import (
    Story,
    create_story,
    create_story_afresh,
    forgotten_until,
    get_stories_by_batch,
    get_story,
    mark_afresh,
    update_story,
)
from workflow import STORIES_PER_CYCLE, Candidate, pick, runnable
from workflow.picking import FILE_ORDER, RUNNABLE

_FILE_NAME: Final = re.compile(r"(?!.*\.\.)\w[\w.+-]{0,199}")  # letters of any script; nothing that leads elsewhere
GIT_COLUMNS: Final = ("commit_base", "base_commit", "work_tree", "commit_hash", "commit_failure", "stash")
LINEAGE_MAX: Final = 100  # batches in a row through which a story may have been carried unfinished


@dataclass(slots=True)
class PlannedCycle:
    """A cycle to run: its stories, its journal, and its lane, None for the user's own tree."""

    number: int
    stories: list[StoryRun]
    journal: Journal
    lane: Lane | None = None

    @property
    def epic(self) -> str:
        return self.stories[0].epic


class CycleSource:
    """The source of the cycles of one batch. `only` are the keys that the operator chose, None for any."""

    def __init__(
        self,
        workspace: Workspace,
        batch_id: int,
        only: Sequence[str] | None,
        most: int = STORIES_PER_CYCLE,
        selection: Selection | None = None,
    ) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._only = only
        self._most = most
        self._selection = selection or Selection()
        self._taken: set[str] = set()
        self._started: set[str] = set()  # the stories of cycles that run now, and of those that have ended

    async def unfinished(self, completed: int) -> list[PlannedCycle]:
        """Return the cycles to continue, in order. To be called once, at the batch's start.

        Raises `TrackerUnreadable` before anything is written; may then be called again.
        """
        database = self._workspace.database
        await self._selection.load(database)
        own = await database.read(get_stories_by_batch, self._batch_id)
        ended = [row for row in own if row.cycle_number <= completed]
        self._taken.update(row.story_key for row in ended if row.status not in RUNNABLE)  # others were released
        if rows := [row for row in own if row.cycle_number > completed]:
            self._started.update(row.story_key for row in rows)
            return [await self._again(number, list(cycle)) for number, cycle in groupby(rows, _cycle_number)]
        rows = [] if own else await database.read(_stopped_cycle, self._batch_id)
        if not rows or not self._wanted(_renamed(rows, await asyncio.to_thread(read_tracker, self._workspace))):
            return []
        return [await self._go_on(completed + 1, rows, None)]

    async def fresh(self, number: int, *, beside: bool = False, busy: Collection[str] = ()) -> PlannedCycle | None:
        """Return a cycle of the next one or two stories of the tracker; None when nothing is left to run.

        `beside`: in a lane, where `busy` are the epics of the cycles that run now. Raises `TrackerUnreadable`.
        """
        project = self._workspace.project
        plan = await asyncio.to_thread(read_tracker, self._workspace)
        possible = candidates(plan, self._selection.skipped)
        exclude = self._taken | self._started
        if plan.kind is sprint.PlanKind.STORIES and busy:  # a list is worked on one after the other
            return None
        if plan.kind is not sprint.PlanKind.TICKETS:  # whose tickets say themselves what they wait for
            exclude |= {candidate.key for candidate in possible if candidate.epic in busy}
        order = order_of(self._workspace.settings().story_order, plan)
        only, first = self._selection.allowed(self._only), self._selection.queue.stories
        picked = pick(possible, exclude=exclude, only=only, most=self._most, order=order, first=first)
        if not picked:
            return None
        left = await self._workspace.database.read(get_unfinished_lane, picked[0].key)
        if left is not None and self._wanted(left[1]):
            return await self._go_on(number, left[1], left[0])
        titles = await asyncio.to_thread(_titles, project)
        stories = [
            # 0 until `_begin` has written the row.
            StoryRun(0, story.key, story.epic, titles.get(story.key, story.key), story.status, story.status)
            for story in picked
        ]
        keys = [story.key for story in stories]
        names = await name_lane(self._workspace, self._batch_id, keys) if beside else None
        return await self._begin(PlannedCycle(number, stories, Journal()), names)

    async def _again(self, number: int, rows: list[Story]) -> PlannedCycle:
        """Return a cycle of this same batch, whose failures count."""
        journal = await self._journal(rows, failures=True)
        lane = await self._workspace.database.read(get_lane, self._batch_id, number)
        cycle = PlannedCycle(number, await self._revive(rows, journal), journal, lane)
        self._selection.follow(cycle.stories)
        return cycle

    async def _go_on(self, number: int, rows: Sequence[Story], lane: Lane | None) -> PlannedCycle:
        """Return a cycle of an earlier batch, in its lane."""
        journal = await self._journal(rows, failures=False)
        names = None
        if lane is not None:
            names = {"worktree": lane.worktree, "branch": lane.branch, "target": lane.target}
        return await self._begin(
            PlannedCycle(number, await self._revive(rows, journal), journal), names, continues=rows
        )

    def finish(self, stories: Sequence[StoryRun]) -> None:
        """Exclude the stories of an ended cycle from the rest of the batch, whatever their status in the tracker.

        Not those that the operator has skipped in it: the batch takes them again once they are brought back.
        """
        left = self._selection.leave(stories)
        self._taken.update(story.key for story in stories if story.key not in left)
        self._started -= left

    def release(self, keys: Sequence[str]) -> None:
        """Let stories of ended cycles be taken again; those of a cycle that runs are tried again in it."""
        ended = self._taken.intersection(keys)
        self._taken -= ended
        self._started -= ended

    async def left(self) -> list[str]:
        """The stories that could run and were not taken. Raises `TrackerUnreadable`."""
        tracker = await asyncio.to_thread(read_tracker, self._workspace)
        only = self._selection.allowed(self._only)
        left = runnable(candidates(tracker, self._selection.skipped), only=only)
        return [story.key for story in left if story.key not in self._taken]

    async def _begin(
        self, taken: PlannedCycle, names: Mapping[str, str] | None, continues: Sequence[Story] = ()
    ) -> PlannedCycle:
        """Write the rows and `cycle:start` in one commit."""
        self._started.update(story.key for story in taken.stories)
        self._selection.follow(taken.stories)
        number, database = taken.number, self._workspace.database
        start = CycleStart(
            cycle_number=number,
            story_keys=[story.key for story in taken.stories],
            branch=UNSET if names is None else names["branch"],
        )

        def write() -> Awaitable[list[Any]]:
            with database.atomic():
                if names is not None:
                    database.write(create_lane, self._batch_id, number, **names)
                rows = [self._write_story(number, story, place, continues) for place, story in enumerate(taken.stories)]
                event = emit(start)
            return asyncio.gather(*rows, event)

        # There is one result more than there are stories: that of the event, at the end.
        for story, row_id in zip(taken.stories, await until_stored(write), strict=False):
            story.row_id = row_id
        if names is not None:
            taken.lane = await database.read(get_lane, self._batch_id, number)
        return taken

    def _write_story(
        self, cycle_number: int, story: StoryRun, place: int, continues: Sequence[Story]
    ) -> asyncio.Future[int]:
        return self._workspace.database.write(
            create_story_afresh if story.afresh else create_story,
            self._batch_id,
            story.key,
            epic=story.epic,
            cycle_number=cycle_number,
            position=place,
            status=story.status,
            entry_status=story.entered,
            base_tree=story.base_tree,
            commit_base=story.commit_base,
            base_commit=story.base_commit,
            work_tree=story.work_tree,
            commit_hash=story.commit_hash,
            stash=story.stash,
            needs_spec=story.needs_spec,
            reason=story.reason,
            continues=continues[place].id if continues else None,
        )

    def _wanted(self, rows: Sequence[Story]) -> bool:
        only = self._selection.allowed(self._only)
        if all(row.story_key in self._selection.skipped for row in rows):
            return False
        return only is None or all(row.story_key in only for row in rows)

    async def _journal(self, rows: Sequence[Story], *, failures: bool) -> Journal:
        commands, forgotten = await self._workspace.database.read(_commands_of_lineage, rows)
        questions = await self._workspace.database.read(get_questions, [command.id for command in commands])
        return Journal.of(commands, failures=failures, questions=questions, forgotten=forgotten)

    async def _revive(self, rows: Sequence[Story], journal: Journal) -> list[StoryRun]:
        """Return the stories with the status of their rows, or of the tracker if another writer changed it since."""
        tracker = await asyncio.to_thread(read_tracker, self._workspace)
        titles = await asyncio.to_thread(_titles, self._workspace.project)
        stories = []
        for row in _renamed(rows, tracker):
            title = titles.get(row.story_key, row.story_key)
            story = StoryRun(row.id, row.story_key, row.epic, title, row.entry_status, row.status, row.base_tree)
            story.needs_spec = None if row.needs_spec is None else bool(row.needs_spec)
            story.reason = row.reason
            _restore_git(story, row, failure=row.batch_id == self._batch_id)
            entry = tracker.story(row.story_key)
            # `next_status` is stored before the file is written, the status after it: this is our own write.
            if entry is not None and row.next_status == entry.status.value != row.status:
                await self._finish_move(story, row)
            elif entry is not None and entry.editable and entry.status.value != row.status:
                journal.forget(row.story_key)
                await self._enter_afresh(story, row, entry.status.value)
            stories.append(story)
        return stories

    async def _finish_move(self, story: StoryRun, row: Story) -> None:
        """Complete a status change that the runner wrote into the tracker just before it ended; its records count."""
        if row.batch_id == self._batch_id:
            await record_status(self._workspace, story, row.next_status or story.status, row.next_reason)
        else:
            story.status, story.reason = row.next_status or story.status, row.next_reason

    async def _enter_afresh(self, story: StoryRun, row: Story, status: str) -> None:
        """Enter the story again at a status, without its earlier records."""
        story.entered = story.status = status
        story.afresh = True
        story.base_tree = story.needs_spec = None
        story.reason = None if status in RUNNABLE else f"it is {status} in the sprint status file"
        for name in GIT_COLUMNS:
            setattr(story, name, None)
        if row.batch_id == self._batch_id:
            columns = {"status": status, "entry_status": status, "base_tree": None, "needs_spec": None}
            columns |= {"reason": story.reason, **dict.fromkeys(GIT_COLUMNS)}
            await until_stored(lambda: self._write_afresh(row.id, columns))

    def _write_afresh(self, row_id: int, columns: Mapping[str, Any]) -> Awaitable[object]:
        with self._workspace.database.atomic():
            self._workspace.database.write(mark_afresh, row_id)
            return self._workspace.database.write(update_story, row_id, **columns)


def _renamed(rows: Sequence[Story], plan: sprint.Sprint) -> list[Story]:
    """The rows with the keys and epics that their stories have since a migration.

    What an earlier workflow recorded of them is under the key before it, and is nothing that the newer one repeats.
    """
    entries = [plan.story(row.story_key) for row in rows]
    return [
        row if entry is None or entry.conditions.alias != row.story_key else _with_key(row, entry)
        for row, entry in zip(rows, entries, strict=True)
    ]


def _with_key(row: Story, entry: sprint.StoryEntry) -> Story:
    return msgspec.structs.replace(row, story_key=entry.key, epic=entry.epic)


def _restore_git(story: StoryRun, row: Story, *, failure: bool) -> None:
    """Take over what commits are measured from; a commit that an earlier batch could not make is tried once more."""
    for name in GIT_COLUMNS:
        setattr(story, name, getattr(row, name))
    if not failure:
        story.commit_failure = None


def _cycle_number(row: Story) -> int:
    return row.cycle_number


def candidates(tracker: sprint.Sprint, skipped: Collection[str] = ()) -> list[Candidate]:
    """The tracker's stories as the workflow sees them, with those that the operator has skipped.

    One whose status cannot be written must not run, nor one whose key could not be a file name.
    """
    leftovers = tracker.leftovers
    fit = {entry.key: entry.editable and _FILE_NAME.fullmatch(entry.key) is not None for entry in tracker.stories}
    return [
        Candidate(
            entry.key,
            entry.epic,
            entry.status.value if fit[entry.key] else "unknown",
            entry.position,
            leftover=entry.key in leftovers,
            held=bool(entry.conditions.waiting_for or entry.conditions.hold or entry.key in skipped),
        )
        for entry in tracker.stories
    ]


def order_of(setting: str, tracker: sprint.Sprint) -> str:
    """The order in which stories run: as set for a tracker; every other kind of plan says it itself."""
    return setting if tracker.kind is sprint.PlanKind.TRACKER else FILE_ORDER


def _titles(project: sprint.Project) -> dict[str, str]:
    return {story.key: story.title for story in sprint.overview(project).stories}


def _stopped_cycle(connection: sqlite3.Connection, batch_id: int) -> list[Story]:
    """The rows of the last cycle of the batch before this one, if that batch ended in the middle of it.

    None of a cycle in a lane: its stories are found in the tracker, and their lane by its row.
    """
    last = get_batch_before(connection, batch_id)
    # A completed batch ended after a cycle, and an interrupted one is resumed itself.
    if last is None or last.status not in ("stopped", "error"):
        return []
    number = last.cycles_completed + 1
    if get_lane(connection, last.id, number) is not None:
        return []
    return [row for row in get_stories_by_batch(connection, last.id) if row.cycle_number == number]


def _commands_of_lineage(connection: sqlite3.Connection, rows: Sequence[Story]) -> tuple[list[Command], dict[str, int]]:
    """Return the commands of these stories' rows and of all rows that they continue.

    With them, for each story that was entered afresh, the newest command that does not count any more.
    """
    ids: list[int] = []
    forgotten: dict[str, int] = {}
    for row in rows:
        current: Story | None = row
        while current is not None and len(ids) < LINEAGE_MAX * len(rows):
            ids.append(current.id)
            forgotten[row.story_key] = max(forgotten.get(row.story_key, 0), forgotten_until(connection, current.id))
            current = None if current.continues is None else get_story(connection, current.continues)
    return get_cycle_commands(connection, sorted(ids)), {key: newest for key, newest in forgotten.items() if newest}
