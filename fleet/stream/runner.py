"""A runner in a fleet: it dials out to the broker, and works alone while there is none.

Promises: nothing here delays an event or a command; what is wrong is one sentence in the log, in the state of the run
and, unless it is a lost connection, in the log of events; the next connection begins from what the broker has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from base.tasks import end_tasks
from db import Database
from events import Event, emit
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem
from fleet.stream.login import BrokerLogin
from fleet.stream.names import PRESENCE, STATE, bucket, key_subject
from fleet.stream.outbox import Outbox
from fleet.stream.presence import Identity, Presence, Snapshot, State
from fleet.stream.requests import Relay, Requests
from fleet.stream.shared_quota import SharedQuota
from fleet.work.machines import FleetMachines
from payloads import Error
from runstate.server_state import FleetView
from store.writer import DatabaseUnavailable

WAITS_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # before the next connection; the last one again and again
END_S: Final = 1.0  # for the last words to the broker

KINDS: Final = ("permission", "connection", "outbox")  # of problems, the most telling one first

log = logging.getLogger("sprint_runner.fleet")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerParts:
    """What of the server a fleet sees: the state with its seq, the first message of `/ws`, the routes, its quota."""

    snapshot: Snapshot
    init: Callable[[], bytes]
    relay: Relay
    quota: SharedQuota
    clock: Callable[[], float]


class FleetRunner:
    """This server as a runner of a fleet. `take` is a subscriber of commits; `on_change` is called with each view."""

    def __init__(
        self,
        login: BrokerLogin,
        identity: Identity,
        database: Database,
        parts: RunnerParts,
        on_change: Callable[[FleetView], None],
        machines: FleetMachines,
    ) -> None:
        self.machines = machines  # the workers for this runner's lanes
        self._login = login
        self._identity = identity
        self._on_change = on_change
        self._quota = parts.quota
        self._outbox = Outbox(database, identity.name, lambda problem: self._report("outbox", problem))
        self._presence = Presence(identity, parts.clock)
        self._state = State(identity, parts.snapshot, parts.clock)
        self._requests = Requests(database, identity.name, parts.relay, parts.init, parts.clock)
        self._problems: dict[str, str] = {}
        self._connected = False
        self._broker: Broker | None = None
        self._task: asyncio.Task[None] | None = None

    def take(self, events: Sequence[Event]) -> None:
        self._outbox.take(events)
        self._state.changed()

    async def first_unpublished(self) -> int | None:
        """Return the first event that is still to be published; None for none."""
        return await self._outbox.first_unpublished()

    def gave_up(self, days: int) -> None:
        """Report that events were removed before they were published."""
        self._report("outbox", f"the broker took no events for {days} days: the oldest ones were removed unpublished")

    def changed(self) -> None:
        """Something of the state has changed that no event carries."""
        self._state.changed()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work(), name="fleet")
        self._show()

    async def stop(self) -> None:
        """Say goodbye where that is possible; what is not published yet is at the next start."""
        if self._connected and self._broker is not None:
            try:
                async with asyncio.timeout(END_S):
                    await self._presence.end(self._broker)
            except (BrokerProblem, TimeoutError) as error:
                log.info("the end was not announced to the fleet: %s", error)
        await end_tasks(self._task)
        await self._requests.close()
        await self.machines.stop()

    async def _work(self) -> None:
        failures = 0
        while True:
            try:
                await self._session()
            except BrokerProblem as problem:
                failures = 0 if self._connected else failures
                self._lost(problem)
            except Exception as error:  # whatever is wrong here, the run goes on
                log.exception("the connection to the fleet failed")
                self._lost(BrokerProblem(f"the connection to the fleet failed ({error!r})"))
            await asyncio.sleep(WAITS_S[min(failures, len(WAITS_S) - 1)])
            failures += 1

    async def _session(self) -> None:
        """Work with one connection until it ends. Raises `BrokerProblem`."""
        broker = await Broker.log_in(self._login, f"runner {self._identity.name}")
        self._broker = broker
        broker.on_refusal = lambda sentence: self._report("permission", sentence)
        try:
            for name in (PRESENCE, STATE):
                await broker.ensure(bucket(name), key_subject(name, self._identity.name))
            place = await self._presence.begin(broker)  # before any event: the name may be another's
            self._is_connected()
            await _first(
                self._presence.keep(broker, place),
                self._outbox.publish(broker),
                self._state.keep(broker),
                self._requests.serve(broker),
                self._quota.keep(broker),
            )
            raise BrokerLost("the connection to the broker was lost")
        finally:
            self._broker = None
            await broker.close()

    def _is_connected(self) -> None:
        log.info("in the fleet at %s as %s", self._login.address, self._identity.name)
        self._connected = True
        self._report("permission", None)
        self._report("connection", None)
        self._show()

    def _lost(self, problem: BrokerProblem) -> None:
        self._connected = False
        self._report("connection", f"{problem}; this runner works on alone", quiet=isinstance(problem, BrokerLost))
        self._show()

    def _report(self, kind: str, problem: str | None, *, quiet: bool = False) -> None:
        """Keep what is wrong, and say it once; `quiet`: not in the log of events."""
        if self._problems.get(kind) == problem:
            return
        if problem is None:
            log.info("fleet: %s is over", kind)
            del self._problems[kind]
        else:
            self._problems[kind] = problem
            log.warning("fleet: %s", problem)
            if not quiet:
                _emit(problem)
        self._show()

    def _show(self) -> None:
        problem = next((self._problems[kind] for kind in KINDS if kind in self._problems), None)
        self._on_change(FleetView(self._identity.name, self._login.address, self._connected, problem))


def _emit(problem: str) -> None:
    try:
        emit(Error(type="fleet", message=f"The fleet: {problem}."))
    except DatabaseUnavailable:
        log.debug("and the database takes no writes")


async def _first(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until the first one ends; then end the others, and raise what it raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end_tasks(*[task for task in tasks if not task.done()])
    for task in done:
        task.result()
