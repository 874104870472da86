"""A task beside the run that follows committed events: the loop that receipts, briefs, deliveries and the search share.

It is woken by the events that concern it, works until nothing is left, and waits. It never holds up the run, and a
fault of its own ends it as little as a database that takes no writes: both are logged, and it tries again.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from base.tasks import end_tasks
from events import Event, EventType
from store.writer import DatabaseUnavailable

DATABASE_S: Final = 5.0  # before the next try while the database takes no writes
FAULT_S: Final = 60.0  # after a fault of ours; an event that concerns the follower causes an earlier one

log = logging.getLogger("sprint_runner.run")


class Follower(ABC):
    """A follower of events. `take` is a subscriber; `start` begins with what an earlier server has left.

    A subclass names itself and the events that wake it, and does its work in `work`.
    """

    name: ClassVar[str]
    waking: ClassVar[Collection[EventType]]
    fault_s: ClassVar[float] = FAULT_S
    rest_s: ClassVar[float] = 0.0  # between two works, however many events there are

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def work(self) -> float | None:
        """Do what is due; return the seconds until the next look, None where an event has to come first."""

    def take(self, events: Sequence[Event]) -> None:
        if any(event.type in self.waking for event in events):
            self.wake()

    def wake(self) -> None:
        self._settled.clear()
        self._woken.set()

    async def settled(self) -> None:
        """Return when the work on all that was committed until now is done, or has failed for now."""
        await self._settled.wait()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._follow(), name=self.name)

    async def stop(self) -> None:
        """End what is under way; the next start continues it."""
        await end_tasks(self._task)

    def failed(self, error: Exception) -> None:
        """Report a fault of the program itself."""
        log.error("%s: an internal error, trying again", self.name, exc_info=error)

    async def _follow(self) -> None:
        while True:
            self._woken.clear()
            wait_s = await self._work_once()
            if not self._woken.is_set():
                self._settled.set()
            if self.rest_s:
                await asyncio.sleep(self.rest_s)
            await self._wait(wait_s)

    async def _work_once(self) -> float | None:
        try:
            return await self.work()
        except DatabaseUnavailable as error:
            log.warning("%s: waiting for the database: %s", self.name, error)
            return DATABASE_S
        # Of any kind: one fault must not end what follows until the server is started again.
        except Exception as error:
            self.failed(error)
            return self.fault_s

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
