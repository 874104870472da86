"""Stories that continue from their rows: after the end of the server, from the batch before, or in a lane.

A story that another writer has moved meanwhile enters again at its present status, without its earlier records; one
that a migration has renamed has its new key from then on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

import msgspec

import sprint
from running.journal import Journal
from running.story import StoryRun, record_status
from running.tracker import read_tracker
from running.workspace import Workspace, until_stored
from store.commands import Command, get_cycle_commands
from store.questions import get_questions
from store.stories import Story, get_lineage, mark_afresh, update_story
from workflow.picking import RUNNABLE

GIT_COLUMNS: Final = ("commit_base", "base_commit", "work_tree", "commit_hash", "commit_failure", "stash")


class ContinuedStories:
    """The stories of rows that a batch continues. Without `recording` nothing is written: only looked at."""

    def __init__(self, workspace: Workspace, batch_id: int, *, recording: bool = True) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._recording = recording

    async def journal(self, rows: Sequence[Story], *, failures: bool) -> Journal:
        commands, forgotten = await self._workspace.database.read(_commands_of_lineage, rows)
        questions = await self._workspace.database.read(get_questions, [command.id for command in commands])
        return Journal.of(commands, failures=failures, questions=questions, forgotten=forgotten)

    async def revive(self, rows: Sequence[Story], journal: Journal) -> list[StoryRun]:
        """Return the stories with the status of their rows, or of the tracker if another writer changed it since."""
        tracker = await asyncio.to_thread(read_tracker, self._workspace)
        rows = renamed(rows, tracker)
        titles = await asyncio.to_thread(sprint.titles, self._workspace.project, [row.story_key for row in rows])
        stories = []
        for row in rows:
            title = titles.get(row.story_key, row.story_key)
            story = StoryRun(row.id, row.story_key, row.epic, title, row.entry_status, row.status, row.base_tree)
            story.needs_spec = None if row.needs_spec is None else bool(row.needs_spec)
            story.reason = row.reason
            _restore_git(story, row, failure=row.batch_id == self._batch_id)
            entry = tracker.story(row.story_key)
            # `next_status` is stored before the file is written, the status after it: this is our own write.
            if entry is not None and row.next_status == entry.status.value != row.status:
                await self._finish_move(story, row)
            elif entry is not None and entry.editable and not tracker.store and entry.status.value != row.status:
                journal.forget(row.story_key)
                await self._enter_afresh(story, row, entry.status.value)
            stories.append(story)
        return stories

    async def _finish_move(self, story: StoryRun, row: Story) -> None:
        """Complete a status change that the runner wrote into the tracker just before it ended; its records count."""
        if row.batch_id == self._batch_id and self._recording:
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
        if row.batch_id == self._batch_id and self._recording:
            columns = {"status": status, "entry_status": status, "base_tree": None, "needs_spec": None}
            columns |= {"reason": story.reason, **dict.fromkeys(GIT_COLUMNS)}
            await until_stored(lambda: self._write_afresh(row.id, columns))

    def _write_afresh(self, row_id: int, columns: Mapping[str, Any]) -> Awaitable[object]:
        with self._workspace.database.atomic():
            self._workspace.database.write(mark_afresh, row_id)
            return self._workspace.database.write(update_story, row_id, **columns)


def renamed(rows: Sequence[Story], plan: sprint.Sprint) -> list[Story]:
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
    if not failure and story.commit_hash is None:  # one that was made has left something out: its reason holds
        story.commit_failure = None


def _commands_of_lineage(connection: sqlite3.Connection, rows: Sequence[Story]) -> tuple[list[Command], dict[str, int]]:
    """Return the commands of these stories' rows and of all rows that they continue.

    With them, for each story that was entered afresh, the newest command that does not count any more.
    """
    ids: list[int] = []
    forgotten: dict[str, int] = {}
    for row in rows:
        lineage, newest = get_lineage(connection, row.id)
        ids += lineage
        if newest:
            forgotten[row.story_key] = newest
    return get_cycle_commands(connection, ids), forgotten
