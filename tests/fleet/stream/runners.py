"""A runner of a fleet in this process: its database, and routes that note what they were asked."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

import events
from api.history import envelope_of
from db import Database
from events import emit
from fleet.stream.login import BrokerLogin
from fleet.stream.presence import Identity
from fleet.stream.requests import Headers
from fleet.stream.runner import FleetRunner, RunnerParts
from fleet.stream.shared_quota import SharedQuota
from fleet.work.machines import FleetMachines
from payloads import Error
from runstate.fold import RunState
from runstate.server_state import FleetView, ServerState
from runstate.views import run_view
from security.grants import Role
from store.log import EventFilter, find_events
from tests.fleet.stream.accounts import Accounts


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: IO[bytes]
    size: int


@dataclass
class Machine:
    """`asked` has role, method and path of each request; `answer` is what a request responds."""

    name: str
    database: Database
    runner: FleetRunner
    accounts: Accounts
    clock_ahead_s: float = 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    views: list[FleetView] = field(default_factory=list)
    answer: bytes = b"{}"
    hold: asyncio.Event | None = None  # what requests wait for

    async def commit(self, count: int) -> None:
        await asyncio.gather(*[emit(Error(type="test", message=str(number))) for number in range(count)])

    async def relay(self, role: Role, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        self.asked.append((role.value, method, target))
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answer
        if target.startswith("/api/events"):
            since = int(target.partition("since=")[2].partition("&")[0])
            rows = await self.database.read(find_events, EventFilter(since=since), 500)
            answer = b'{"events":[%b]}' % b",".join(envelope_of(row) for row in rows)
        return Answer(200, (("Content-Type", "application/json"),), io.BytesIO(answer), len(answer))

    async def until_connected(self) -> None:
        async with asyncio.timeout(30):
            while not (self.views and self.views[-1].connected):
                await asyncio.sleep(0.02)

    async def until_problem(self, words: str) -> None:
        async with asyncio.timeout(30):
            while not (self.views and words in (self.views[-1].problem or "")):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def machine(
    folder: Path,
    address: str,
    name: str = "box",
    password: str | None = None,
    login: BrokerLogin | None = None,
    **more: str,
) -> AsyncIterator[Machine]:
    """A machine whose runner is started, and ended in order."""
    database = await Database.open(folder / f"{name}{more.get('place', '')}.db")
    state = RunState()
    made: list[Machine] = []
    accounts = Accounts()

    def clock() -> float:
        return time.time() + made[0].clock_ahead_s

    def snapshot() -> tuple[int, bytes]:
        return state.run.seq, msgspec.json.encode(run_view(state.run, ServerState(), "idle"))

    def init() -> bytes:
        return b'{"type":"init","payload":{"seq":%d}}' % state.run.seq

    identity = Identity(
        name=name,
        project="Perch",
        machine=more.get("machine", f"machine of {name}"),
        folder=str(folder),
        place=more.get("place", "here"),
        branch="main",
        started_at=1,
        epoch=database.epoch,
        instance=f"{name} {id(database)}",
    )
    parts = RunnerParts(
        snapshot=snapshot,
        init=init,
        relay=lambda *given: made[0].relay(*given),
        quota=SharedQuota(name, accounts, clock),
        clock=clock,
    )
    login = login or BrokerLogin(address=address, user=name, password=password)
    machines = FleetMachines(login, name)
    runner = FleetRunner(login, identity, database, parts, lambda view: made[0].views.append(view), machines)
    made.append(Machine(name, database, runner, accounts))
    if more.get("silent") is None:
        events.start(database, state.apply, runner.take)
    runner.start()
    try:
        yield made[0]
    finally:
        await runner.stop()
        if more.get("silent") is None:
            events.stop()
        await database.close()
