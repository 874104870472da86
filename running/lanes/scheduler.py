"""Cycles side by side: so many at once, never two of one epic, ended in the order of their numbers."""

from __future__ import annotations

import asyncio

from running.cycle import Cycle
from running.cycle_queue import CycleQueue
from running.cycle_source import PlannedCycle
from running.gate import Stopped
from running.lanes.lane import LaneRun
from running.lanes.place import Places
from running.run_context import RunContext
from store.lanes import Lane


class FinishOrder:
    """The queue at the end of cycles: each waits for those before it. `first` is the number of the next one to end."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._abandoned = False
        self._change = asyncio.Event()

    async def wait(self, number: int) -> None:
        """Return when all cycles before this one have ended; raises `Stopped` when one of them will not."""
        while self._next < number:
            if self._abandoned:
                raise Stopped
            await self._change.wait()

    def end(self, number: int) -> None:
        self._next = number + 1
        self._tell()

    def abandon(self) -> None:
        """A cycle has ended before its end: those behind it never get their turn."""
        self._abandoned = True
        self._tell()

    def _tell(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


class Scheduler:
    """Runs the cycles of a batch: one after the other, or up to `width` side by side, never two of one epic.

    `places` are those for lanes on this machine.
    """

    def __init__(self, context: RunContext, queue: CycleQueue, width: int, places: Places) -> None:
        self._context = context
        self._queue = queue
        self._width = width
        self._places = places
        self._order = FinishOrder(queue.completed + 1)
        self._active: dict[asyncio.Task[None], PlannedCycle] = {}

    async def run(self) -> None:
        """Until nothing is left to run; what was begun in the user's own tree comes before all lanes."""
        if self._width == 1:
            while (cycle := await self._queue.next()) is not None:
                await self._run(cycle)
            return
        while (cycle := self._queue.next_outside_lanes()) is not None:
            await self._run(cycle)
        await self._run_side_by_side()

    # -- one cycle ---------------------------------------------------------------------------------------------

    async def _run(self, cycle: PlannedCycle) -> None:
        if cycle.lane is not None:
            await self._run_in_lane(cycle, cycle.lane)
            return
        run = Cycle(self._context.for_cycle(cycle.number, cycle.journal), cycle.stories)
        await run.run()
        done = await run.approve()
        await self._queue.end(cycle, done)
        self._order.end(cycle.number)

    async def _run_in_lane(self, cycle: PlannedCycle, names: Lane) -> None:
        """Side by side up to the commit, one after the other from there on."""
        lane = LaneRun(self._context, cycle, names, self._places)
        await lane.work()
        await self._order.wait(cycle.number)
        done = await lane.finish()
        await self._queue.end(cycle, done, merge=lane.merged)
        self._order.end(cycle.number)  # the next one need not wait for the worktree to be removed
        await lane.close()

    # -- side by side ------------------------------------------------------------------------------------------

    async def _run_side_by_side(self) -> None:
        """When a cycle fails, the others are ended and waited for; raises its error."""
        try:
            while await self._fill():
                await self._one_ended()
        except BaseException as error:
            self._fail(error)
            rest = await asyncio.gather(*self._active, return_exceptions=True)
            real = [other for other in (error, *rest) if other is not None and not isinstance(other, Stopped)]
            raise (real[0] if real else error) from None

    async def _fill(self) -> bool:
        """Start what may start; whether anything runs."""
        while len(self._active) < self._width:
            cycle = await self._queue.next({other.epic for other in self._active.values()})
            if cycle is None:
                break
            task = asyncio.get_running_loop().create_task(self._one(cycle), name=f"cycle {cycle.number}")
            self._active[task] = cycle
        return bool(self._active)

    async def _one_ended(self) -> None:
        done, _ = await asyncio.wait(self._active, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # when it raises, those that ended at the same time are still there to be looked at
            del self._active[task]

    async def _one(self, cycle: PlannedCycle) -> None:
        try:
            await self._run(cycle)
        except BaseException as error:
            self._fail(error)
            raise

    def _fail(self, error: BaseException) -> None:
        """At once, whatever is waited for: no further turn comes, and a failure ends the other agents."""
        self._order.abandon()
        if not isinstance(error, Stopped):
            self._context.gate.end_agents()
