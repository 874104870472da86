"""The queue of the cycles of a batch: first those that were begun before, then new ones, up to the batch size."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from payloads import CycleEnd, or_unset
from running.checkpoints import EpicGates
from running.cycle_source import CycleSource, PlannedCycle
from running.delivery.mending import mend_deliveries
from running.delivery.planning import plan_deliveries
from running.gate import StopMode
from running.run_context import RunContext
from running.tracker import TrackerUnreadable, wait_for_tracker
from running.workspace import record_batch

T = TypeVar("T")


class CycleQueue:
    """The queue, which selects the next cycle and records its end.

    limit: cycles of the batch, None for all. completed: those that have ended. lanes: whether fresh cycles get a lane.
    """

    def __init__(
        self, context: RunContext, source: CycleSource, *, limit: int | None, completed: int, lanes: bool
    ) -> None:
        self.completed = completed
        self._context = context
        self._source = source
        self._limit = limit
        self._lanes = lanes
        self._begun: deque[PlannedCycle] = deque()
        self._epics = EpicGates(context.workspace, context.gate)
        self._newest = completed  # number of the newest started cycle

    async def load(self) -> None:
        """Read the cycles that were started and not ended; to be called once, before the first `next`."""
        self._begun.extend(await self._with_tracker(lambda: self._source.unfinished(self.completed)))
        self._newest = self.completed + len(self._begun)

    def next_outside_lanes(self) -> PlannedCycle | None:
        """Return the next cycle, if it was started in the user's own tree."""
        return self._begun.popleft() if self._begun and self._begun[0].lane is None else None

    async def next(self, busy: Collection[str] = ()) -> PlannedCycle | None:
        """Return the next cycle, of an epic that is not busy; None if there is none now. Raises `Stopped`."""
        await mend_deliveries(self._context)
        if self._limit is not None and self.completed >= self._limit:
            return None
        # Before the size of the batch is checked: these cycles were counted when they began.
        if self._begun:
            return self._begun.popleft()
        if self._limit is not None and self._newest >= self._limit:
            return None
        if self._context.gate.stop_after is not None and self._newest > 0:
            if busy:
                return None  # those that run come to their end
            self._context.gate.stop(StopMode.GRACEFUL)
        await self._context.gate.enter()
        number = self._newest + 1
        cycle = await self._with_tracker(lambda: self._source.fresh(number, beside=self._lanes, busy=busy))
        # While cycles run, a story that ends may release others: an epic is closed only when nothing else can run.
        while cycle is None and not busy and not self._begun and await self._epics.open_next():
            cycle = await self._with_tracker(lambda: self._source.fresh(number, beside=self._lanes))
        if cycle is not None:
            self._newest = cycle.number
        return cycle

    async def _with_tracker(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what reads the tracker, and do it again when a tracker that could not be read is back."""
        while True:
            try:
                return await work()
            except TrackerUnreadable:
                await wait_for_tracker(self._context.workspace, self._context.gate)

    async def end(self, cycle: PlannedCycle, done: list[str], merge: str | None = None) -> None:
        """Record the end of a cycle, whose stories `done` are done; `merge` is the commit that took its branch."""
        await plan_deliveries(self._context.workspace, self._context.batch_id, cycle.stories)
        self._source.finish(cycle.stories)
        self.completed = cycle.number
        payload = CycleEnd(
            cycle_number=cycle.number,
            completed_stories=done,
            blocked_stories=[story.key for story in cycle.stories if story.status == "blocked"],
            merge=or_unset(merge),
        )
        batch_id = self._context.batch_id
        await record_batch(self._context.workspace, batch_id, payload, cycles_completed=cycle.number)

    async def left(self) -> list[str]:
        """The stories that could run and that the batch, which was to run all, has not taken. Raises `Stopped`."""
        return await self._with_tracker(self._source.left) if self._limit is None else []
