"""Cycles side by side: so many at once, never two of one epic, ended in the order of their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from running.cycle_source import PlannedCycle
from running.gate import Gate, Stopped


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


class Lanes:
    """Runs cycles side by side. `take` answers with the next one of an epic that is not busy, None for none now."""

    def __init__(
        self,
        width: int,
        gate: Gate,
        turns: FinishOrder,
        take: Callable[[Collection[str]], Awaitable[PlannedCycle | None]],
        run: Callable[[PlannedCycle], Awaitable[None]],
    ) -> None:
        self._width = width
        self._gate = gate
        self._turns = turns
        self._take = take
        self._run = run
        self._active: dict[asyncio.Task[None], PlannedCycle] = {}

    async def run(self) -> None:
        """Until nothing is left to take. When a cycle fails, the others are ended and waited for; raises its error."""
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
            taken = await self._take({other.epic for other in self._active.values()})
            if taken is None:
                break
            task = asyncio.get_running_loop().create_task(self._one(taken), name=f"cycle {taken.number}")
            self._active[task] = taken
        return bool(self._active)

    async def _one_ended(self) -> None:
        done, _ = await asyncio.wait(self._active, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # when it raises, those that ended at the same time are still there to be looked at
            del self._active[task]

    async def _one(self, taken: PlannedCycle) -> None:
        try:
            await self._run(taken)
        except BaseException as error:
            self._fail(error)
            raise

    def _fail(self, error: BaseException) -> None:
        """At once, whoever is waiting for what: nobody's turn comes any more, and a failure ends the other agents."""
        self._turns.abandon()
        if not isinstance(error, Stopped):
            self._gate.end_agents()
