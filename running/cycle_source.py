"""The selection of the stories of a cycle from the tracker, and the rows that record it.

Three sources, in this order: the cycles this batch was in when the server ended, the cycle in which the batch before
it was stopped, and the tracker. A story that was moved in the tracker meanwhile enters at its present status, and
one that an earlier batch has left in a lane continues in that lane.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from msgspec import UNSET

import sprint
from events import emit
from payloads import CycleStart
from running.candidates import candidates, order_of
from running.continued import ContinuedStories, renamed
from running.epic_branch import branch_of, held_by_branch
from running.journal import Journal
from running.lanes.worktree import name_lane
from running.plan_pin import is_other_initiative, pin_name
from running.selection import Selection
from running.story import StoryRun
from running.tracker import read_tracker
from running.workspace import Workspace, until_stored
from store.batches import get_batch_before
from store.lanes import Lane, create_lane, get_lane, get_unfinished_lane
from store.meta import get_meta
from store.stories import (
    Story,
    create_story,
    create_story_afresh,
    get_stories_by_batch,
)
from workflow import STORIES_PER_CYCLE, Candidate, pick, runnable
from workflow.picking import RUNNABLE


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
    """The source of the cycles of one batch. `only` are the keys that the operator chose, None for any.

    `recording`: what it selects is recorded; without it, it only looks (`peek`) and writes nothing.
    """

    def __init__(
        self,
        workspace: Workspace,
        batch_id: int,
        only: Sequence[str] | None,
        most: int = STORIES_PER_CYCLE,
        *,
        recording: bool = True,
        selection: Selection | None = None,
    ) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._continued = ContinuedStories(workspace, batch_id, recording=recording)
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
        own = await self._recall(completed)
        if rows := [row for row in own if row.cycle_number > completed]:
            return [await self._again(number, list(cycle)) for number, cycle in groupby(rows, _cycle_number)]
        rows = [] if own else await database.read(_stopped_cycle, self._batch_id)
        if not rows or not self._wanted(renamed(rows, await asyncio.to_thread(read_tracker, self._workspace))):
            return []
        return [await self._go_on(completed + 1, rows, None)]

    async def fresh(self, number: int, *, beside: bool = False, busy: Collection[str] = ()) -> PlannedCycle | None:
        """Return a cycle of the next one or two stories of the tracker; None when nothing is left to run.

        `beside`: in a lane, where `busy` are the epics of the cycles that run now. Raises `TrackerUnreadable`.
        """
        picked, plan = await self._picked(busy)
        if not picked:
            return None
        left = await self._left_in_lane(picked[0], plan)
        if left is not None:
            return await self._go_on(number, left[1], left[0])
        stories = await self._stories(picked)
        keys = [story.key for story in stories]
        names = await name_lane(self._workspace, self._batch_id, keys) if beside else None
        return await self._begin(PlannedCycle(number, stories, Journal()), names)

    async def begun(self, completed: int) -> list[PlannedCycle]:
        """Return the cycles of this batch that were begun and have not ended, as they would continue.

        Only without recording. Raises `TrackerUnreadable`.
        """
        rows = [row for row in await self._recall(completed) if row.cycle_number > completed]
        return [await self._again(number, list(cycle)) for number, cycle in groupby(rows, _cycle_number)]

    async def peek(self, completed: int) -> PlannedCycle | None:
        """Return the cycle that would be begun next, without its rows; None where nothing is left to run.

        Only without recording. Raises `TrackerUnreadable`.
        """
        own = await self._recall(completed)
        running = [row for row in own if row.cycle_number > completed]
        number = completed + 1 + len({row.cycle_number for row in running})
        rows = [] if own else await self._workspace.database.read(_stopped_cycle, self._batch_id)
        if rows and self._wanted(renamed(rows, await asyncio.to_thread(read_tracker, self._workspace))):
            return await self._earlier(number, rows, None)
        busy = {row.epic for row in running}
        picked, plan = await self._picked(busy if self._workspace.settings().parallel > 1 else ())
        if not picked:
            return None
        left = await self._left_in_lane(picked[0], plan)
        if left is not None:
            return await self._earlier(number, left[1], left[0])
        return PlannedCycle(number, await self._stories(picked), Journal())

    async def _recall(self, completed: int) -> list[Story]:
        """Note which stories the records say this batch has taken; return its rows."""
        await self._selection.load(self._workspace.database)
        own = await self._workspace.database.read(get_stories_by_batch, self._batch_id)
        ended = [row for row in own if row.cycle_number <= completed]
        self._taken.update(row.story_key for row in ended if row.status not in RUNNABLE)  # others were released
        self._started.update(row.story_key for row in own if row.cycle_number > completed)
        return own

    async def _picked(self, busy: Collection[str]) -> tuple[list[Candidate], sprint.Sprint]:
        """Return the stories that are next, with the plan. Raises `TrackerUnreadable`."""
        plan = await self._plan()
        possible = candidates(plan, self._selection.skipped | self._workspace.taken_trees.keys)
        exclude = self._taken | self._started
        if plan.kind is sprint.PlanKind.STORIES and busy:  # a list is worked on one after the other
            return [], plan
        if plan.kind is not sprint.PlanKind.TICKETS:  # whose tickets say themselves what they wait for
            exclude |= {candidate.key for candidate in possible if candidate.epic in busy}
        order = order_of(self._workspace.settings().story_order, plan)
        only, first = self._selection.allowed(self._only), self._selection.queue.stories
        return pick(possible, exclude=exclude, only=only, most=self._most, order=order, first=first), plan

    async def _left_in_lane(self, story: Candidate, plan: sprint.Sprint) -> tuple[Lane, list[Story]] | None:
        """Return the lane in which an earlier batch left a story, with its rows."""
        entry = plan.story(story.key)
        known = entry.names if entry else (story.key,)
        left = await self._workspace.database.read(_lane_left, self._batch_id, known)
        return left if left is not None and self._wanted(renamed(left[1], plan)) else None

    async def _stories(self, picked: Sequence[Candidate]) -> list[StoryRun]:
        titles = await asyncio.to_thread(sprint.titles, self._workspace.project, [story.key for story in picked])
        # The row is 0 until `_begin` has written it.
        return [
            StoryRun(0, story.key, story.epic, titles.get(story.key, story.key), story.status, story.status)
            for story in picked
        ]

    async def _again(self, number: int, rows: list[Story]) -> PlannedCycle:
        """Return a cycle of this same batch, whose failures count."""
        journal = await self._continued.journal(rows, failures=True)
        lane = await self._workspace.database.read(get_lane, self._batch_id, number)
        cycle = PlannedCycle(number, await self._continued.revive(rows, journal), journal, lane)
        self._selection.follow(cycle.stories)
        return cycle

    async def _go_on(self, number: int, rows: Sequence[Story], lane: Lane | None) -> PlannedCycle:
        """Return a cycle of an earlier batch, in its lane."""
        names = None
        if lane is not None:
            names = {"worktree": lane.worktree, "branch": lane.branch, "target": lane.target}
        return await self._begin(await self._earlier(number, rows, lane), names, continues=rows)

    async def _earlier(self, number: int, rows: Sequence[Story], lane: Lane | None) -> PlannedCycle:
        """Return a cycle of an earlier batch without beginning it."""
        journal = await self._continued.journal(rows, failures=False)
        return PlannedCycle(number, await self._continued.revive(rows, journal), journal, lane)

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
        tracker = await self._plan()
        only = self._selection.allowed(self._only)
        left = runnable(candidates(tracker, self._selection.skipped | self._workspace.taken_trees.keys), only=only)
        return [story.key for story in left if story.key not in self._taken]

    async def _plan(self) -> sprint.Sprint:
        """Return the plan with what the batch's branch holds back. Raises `TrackerUnreadable`."""
        plan = await asyncio.to_thread(read_tracker, self._workspace)
        return held_by_branch(plan, await branch_of(self._workspace))

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

        def write() -> Iterator[Awaitable[Any]]:
            if names is not None:
                database.write(create_lane, self._batch_id, number, **names)
            for place, story in enumerate(taken.stories):
                yield self._write_story(number, story, place, continues)
            yield emit(start)

        # There is one result more than there are stories: that of the event, at the end.
        written = await until_stored(lambda: database.in_one_commit(write))
        for story, row_id in zip(taken.stories, written, strict=False):
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
            commit_failure=story.commit_failure,
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


def _cycle_number(row: Story) -> int:
    return row.cycle_number


def _stopped_cycle(connection: sqlite3.Connection, batch_id: int) -> list[Story]:
    """The rows of the last cycle of the batch before this one, if that batch ended in the middle of it.

    None of a cycle in a lane: its stories are found in the tracker, and their lane by its row.
    """
    last = get_batch_before(connection, batch_id)
    # A completed batch ended after a cycle, and an interrupted one is resumed itself.
    if last is None or last.status not in ("stopped", "error"):
        return []
    if is_other_initiative(get_meta(connection, pin_name(last.id)), get_meta(connection, pin_name(batch_id))):
        return []
    number = last.cycles_completed + 1
    if get_lane(connection, last.id, number) is not None:
        return []
    return [row for row in get_stories_by_batch(connection, last.id) if row.cycle_number == number]


def _lane_left(connection: sqlite3.Connection, batch_id: int, names: Sequence[str]) -> tuple[Lane, list[Story]] | None:
    """The lane in which an earlier batch left the story; not one of another initiative that has such a key, too."""
    left = get_unfinished_lane(connection, names)
    if left is None or not left[1]:
        return left
    pins = (get_meta(connection, pin_name(number)) for number in (left[1][0].batch_id, batch_id))
    return None if is_other_initiative(*pins) else left
