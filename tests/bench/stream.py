"""A runner in a fleet by a broker: how late an event is at the fleet's page beside a local one, and what it costs.

Two real servers with the same routes emit by turns, one of them in a fleet; a local page follows each by `/ws`, the
fleet's page follows the one through a real nats-server. Clocks are the machine's monotonic one, in the events.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

from fleet.source import Committed
from fleet.stream.login import BrokerLogin
from fleet.stream.source import StreamRunners
from tests.bench.load import table
from tests.fleet.stream.logs import log_of
from tests.fleet.stream.nats_server import NatsServer
from tests.realtime.server import DrivenServer

RATE: Final = 50  # events a second
ROUNDS: Final = 3  # of each server, by turns
BACKLOG: Final = 20_000  # events that wait for a broker
HEAD: Final = ("page", "p50 ms", "p99 ms", "max ms", "events")
COST_HEAD: Final = ("server", "processor ms/s at 50 events/s", "idle ms/s", "µs per event of a burst", "commit p50 ms")


class Delays:
    """How late events were, in ms."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    def take(self, message: str) -> None:
        at, _, filler = message.partition(" ")
        if filler:  # those of a burst have none, and wait for each other
            self.ms.append((time.monotonic_ns() - int(at)) / 1e6)

    def row(self, name: str) -> tuple[Any, ...]:
        found = sorted(self.ms)
        return name, statistics.median(found), found[int(len(found) * 0.99)], found[-1], len(found)


async def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nats = await NatsServer(folder / "nats").start()
        try:
            await _rate(folder, nats.address)
            await _compare(folder, nats.address, seconds)
        finally:
            nats.close()


async def _rate(folder: Path, address: str) -> None:
    async with log_of(folder, address) as log:
        await log.commit(BACKLOG)
        started = time.monotonic()
        async with log.publishing():
            await log.until_published()
        print(f"\n{BACKLOG / (time.monotonic() - started):,.0f} acknowledged events a second, {BACKLOG:,} that waited")


async def _compare(folder: Path, address: str, seconds: float) -> None:
    local, alone, remote = Delays(), Delays(), Delays()
    costs: dict[str, list[Sequence[float]]] = {"alone": [], "in a fleet": []}
    async with AsyncExitStack() as stack:
        without = await stack.enter_async_context(DrivenServer(folder / "alone"))
        within = await stack.enter_async_context(
            DrivenServer(folder / "fleet", SPRINT_RUNNER_FLEET=address, SPRINT_RUNNER_FLEET_NAME="bench")
        )
        await stack.enter_async_context(_page(without, alone))
        await stack.enter_async_context(_page(within, local))
        await stack.enter_async_context(_fleet_page(address, remote))
        for _ in range(ROUNDS):
            for name, server in (("alone", without), ("in a fleet", within)):
                costs[name].append(await _round(server, seconds))
    rows = [remote.row("fleet's page"), local.row("local page, same runner"), alone.row("local page, without a fleet")]
    table("An event on its way to a page", HEAD, rows)
    medians = [(name, *map(statistics.median, zip(*found, strict=True))) for name, found in costs.items()]
    table("What a runner pays", COST_HEAD, medians)
    print(f"Load of the machine: {os.getloadavg()[0]:.1f}")


async def _round(server: DrivenServer, seconds: float) -> tuple[float, float, float, float]:
    """Processor time a second with events and without, of a burst per event, and the time of a commit."""
    commits = []
    before, started = await _cpu(server), time.monotonic()
    for number in range(int(RATE * seconds)):
        await asyncio.sleep(max(0.0, started + number / RATE - time.monotonic()))
        asked = time.perf_counter()
        await server.post("drive/emit", count=1)
        commits.append((time.perf_counter() - asked) * 1e3)
    steady = (await _cpu(server) - before) / (time.monotonic() - started) * 1e3
    before, started = await _cpu(server), time.monotonic()
    await asyncio.sleep(seconds / 2)
    idle = (await _cpu(server) - before) / (time.monotonic() - started) * 1e3
    before = await _cpu(server)
    await server.post("drive/emit", count=2000, size=0)
    await asyncio.sleep(1.0)  # the outbox is done by then
    return steady, idle, (await _cpu(server) - before) / 2000 * 1e6 - idle * 1e3 / 2000, statistics.median(commits)


async def _cpu(server: DrivenServer) -> float:
    return float((await server.get("drive/facts"))["cpu_s"])


@asynccontextmanager
async def _page(server: DrivenServer, delays: Delays) -> AsyncIterator[None]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{server.port}/ws", max_msg_size=0) as socket,
    ):

        async def read() -> None:
            async for message in socket:
                event = json.loads(message.data)
                if event["type"] == "command:progress":
                    delays.take(event["payload"]["message"])

        task = asyncio.create_task(read())
        yield
        task.cancel()


@asynccontextmanager
async def _fleet_page(address: str, delays: Delays) -> AsyncIterator[None]:
    source = StreamRunners(BrokerLogin(address=address, user="page", password=None))
    begun = asyncio.Event()

    async def read() -> None:
        async for news in source.news():
            begun.set()
            if isinstance(news, Committed):
                for event in news.events:
                    if event.type == "command:progress":
                        delays.take(event.payload["message"])

    task = asyncio.create_task(read())
    await begun.wait()
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
