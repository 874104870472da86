"""The connection to the broker of what works over many of them: made again after each loss, and waited for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem
from fleet.stream.login import BrokerLogin

WAITS_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # before the next connection; the last one again and again

T = TypeVar("T")
Session = Callable[[Broker], Awaitable[None]]

log = logging.getLogger("sprint_runner.fleet")


class BrokerLink:
    """A connection that is made again. `session` runs with each one; `on_problem` is called with what is wrong, and
    with None when there is a connection."""

    def __init__(
        self, login: BrokerLogin, name: str, session: Session, on_problem: Callable[[str | None], None]
    ) -> None:
        self._login, self._name = login, name
        self._session, self._on_problem = session, on_problem
        self._broker: Broker | None = None
        self._since = 0.0
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        return self._broker is not None

    @property
    def connected_s(self) -> float:
        """How long the connection has lasted, in seconds."""
        return 0.0 if self._broker is None else time.monotonic() - self._since

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"link of {self._name}")

    async def stop(self) -> None:
        await end_tasks(self._task)

    async def broker(self) -> Broker:
        """Return the connection, when there is one."""
        while self._broker is None:
            await self._ready.wait()
        return self._broker

    async def call(self, work: Callable[[Broker], Awaitable[T]]) -> T:
        """Do work with a connection, once more with the next one where it was lost. Raises `BrokerProblem`."""
        while True:
            broker = await self.broker()
            try:
                return await work(broker)
            except BrokerLost:
                await self.drop(broker)

    async def drop(self, broker: Broker) -> None:
        """Give a connection up that does not answer: the next one begins from what the broker has."""
        if self._broker is broker:
            self._forget()
        await broker.close()

    def _forget(self) -> None:
        self._broker = None
        self._ready.clear()

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                await self._connected()
                failures = 0
            except BrokerProblem as problem:
                self._on_problem(str(problem))
            except Exception as error:  # whatever is wrong here, the work goes on
                log.exception("the connection to the fleet failed")
                self._on_problem(f"the connection to the fleet failed ({error!r})")
            await asyncio.sleep(WAITS_S[min(failures, len(WAITS_S) - 1)])
            failures += 1

    async def _connected(self) -> None:
        """Work with one connection until it ends. Raises `BrokerProblem`."""
        broker = await Broker.log_in(self._login, self._name)
        session = asyncio.ensure_future(self._run(broker))
        try:
            self._broker, self._since = broker, time.monotonic()
            self._ready.set()
            await asyncio.wait({session, broker.lost}, return_when=asyncio.FIRST_COMPLETED)
            if session.done():
                session.result()
            raise BrokerLost("the connection to the broker was lost")
        finally:
            if self._broker is broker:
                self._forget()
            await end_tasks(session)
            await broker.close()

    async def _run(self, broker: Broker) -> None:
        await self._session(broker)
        await broker.lost
