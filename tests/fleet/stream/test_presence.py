"""Who is there is right within three seconds, however a runner goes: here, and through a broker."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
import pytest

from base.tasks import end_tasks
from fleet.registry import LaunchOptions, Registry
from fleet.service import FleetService
from fleet.source import RunnerId
from fleet.stream.login import BrokerLogin
from fleet.stream.source import StreamRunners
from tests.fleet.conftest import MakeServer, until
from tests.fleet.line import Line, line_to
from tests.fleet.stream.nats_server import NatsServer

RIGHT_S = 3.0
STEP_S = 0.02


class Delay:
    """How long this process was kept from running, in seconds: a busy machine delays the test as well."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(STEP_S)
            self.seconds += max(clock() - before - STEP_S, 0.0)


async def within(condition: Callable[[], object]) -> None:
    """Wait until something holds that must hold in time."""
    clock, delay = asyncio.get_running_loop().time, Delay()
    watching, since = asyncio.create_task(delay.watch()), clock()
    try:
        await until(condition)
    finally:
        await end_tasks(watching)
    assert clock() - since < RIGHT_S + delay.seconds


class Seen:
    """One runner as the pages see it."""

    def __init__(self, service: FleetService, id: RunnerId) -> None:
        self._service = service
        self.id = id

    @property
    def lost(self) -> str | None:
        state = self._service.fleet.state(self.id)
        return "it is not listed" if state is None else state.lost


@asynccontextmanager
async def remote(nats: NatsServer) -> AsyncIterator[Seen]:
    service = FleetService([StreamRunners(BrokerLogin(address=nats.address, user="page"))])
    service.start()
    try:
        yield Seen(service, RunnerId("stream", "box"))
    finally:
        await service.stop()


def in_fleet(address: str) -> dict[str, str]:
    return {"SPRINT_RUNNER_FLEET": address, "SPRINT_RUNNER_FLEET_NAME": "box"}


@pytest.mark.parametrize("end", ["SIGKILL", "SIGSTOP", "SIGTERM"])
async def test_the_end_of_a_remote_runner(nats: NatsServer, make_server: MakeServer, end: str) -> None:
    async with remote(nats) as seen:
        server = make_server("shop", **in_fleet(nats.address)).start()
        await until(lambda: seen.lost is None)
        assert server.process is not None
        server.process.send_signal(signal.Signals[end])
        words = "It has ended." if end == "SIGTERM" else "Nothing is heard of it."
        await within(lambda: seen.lost == words)
        server.process.send_signal(signal.SIGCONT)
        if end == "SIGSTOP":
            await within(lambda: seen.lost is None)
        server.end(signal.SIGKILL)


@pytest.mark.parametrize("trouble", [Line.cut, Line.freeze])
async def test_a_broken_line_of_a_remote_runner(
    nats: NatsServer, make_server: MakeServer, trouble: Callable[[Line], None]
) -> None:
    async with remote(nats) as seen, line_to(nats.port) as line:
        server = make_server("shop", **in_fleet(f"nats://127.0.0.1:{line.own}")).start()
        await until(lambda: seen.lost is None)
        trouble(line)
        await within(lambda: seen.lost == "Nothing is heard of it.")
        line.mend()
        await until(lambda: seen.lost is None)  # in the runner's own time: it tries again every five seconds at most
        await asyncio.to_thread(server.end)


@pytest.mark.parametrize("end", ["SIGKILL", "SIGSTOP", "SIGTERM"])
async def test_the_end_of_a_local_runner(
    service: FleetService, registry: Registry, make_server: MakeServer, end: str
) -> None:
    server = make_server("shop").start()
    seen = Seen(service, RunnerId("local", registry.entries()[0].key))
    await until(lambda: seen.lost is None)
    assert server.process is not None
    server.process.send_signal(signal.Signals[end])
    if end == "SIGTERM":  # the server itself needs a moment to end
        await asyncio.to_thread(server.process.wait)
    words = {"SIGKILL": "Its process has ended.", "SIGSTOP": "It does not answer.", "SIGTERM": "it is not listed"}[end]
    if end == "SIGKILL":
        await asyncio.to_thread(server.process.wait)
    await within(lambda: seen.lost == words)
    server.process.send_signal(signal.SIGCONT)
    if end == "SIGSTOP":
        await within(lambda: seen.lost is None)


@pytest.mark.parametrize("trouble", [Line.cut, Line.freeze])
async def test_a_broken_line_of_a_local_runner(
    service: FleetService, registry: Registry, make_server: MakeServer, trouble: Callable[[Line], None]
) -> None:
    server = make_server("shop").start()
    (entry,) = registry.entries()
    async with line_to(urlsplit(server.url).port or 0) as line:
        registry.enter(msgspec.structs.replace(entry, url=f"http://127.0.0.1:{line.own}/"), LaunchOptions())
        seen = Seen(service, RunnerId("local", entry.key))
        await until(lambda: line.is_used and seen.lost is None)
        trouble(line)
        await within(lambda: seen.lost in ("It does not answer.", "No connection to it can be made."))
        line.mend()
        await within(lambda: seen.lost is None)
