"""Sick clients cost a bounded buffer for a bounded time, and the others nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.realtime.bystander import bystander
from tests.realtime.pages import PageClient, quantile
from tests.realtime.server import DrivenServer
from tests.realtime.sick import SickClients
from tests.store.disks import Metronome

EVENT = 2_000  # letters of an event: stalls are met in seconds
RATE_S = 0.02


async def emit_until(server: DrivenServer, done: Callable[[], bool]) -> None:
    async with asyncio.timeout(240):
        while not done():
            started = time.monotonic()
            await server.emit(10, EVENT, wait=False)
            await asyncio.sleep(max(0.0, started + RATE_S - time.monotonic()))


@pytest.mark.slow
async def test_sick_clients_in_quick_time_and_the_heartbeat_in_real_time(tmp_path: Path) -> None:
    """Both at once, on a server each: most of the real time is waiting."""
    await asyncio.gather(healthy_among_sick(tmp_path / "quick"), heartbeat(tmp_path / "real"))


async def healthy_among_sick(folder: Path) -> None:
    server = DrivenServer(folder, SPRINT_RUNNER_HEARTBEAT_S="2", SPRINT_RUNNER_PONG_TIMEOUT_S="1")
    async with server:
        sick, epoch = SickClients(server), await server.epoch()
        pages = [PageClient(server, epoch) for _ in range(10)]
        await emit_until(server, lambda: all(len(page.delays) > 50 for page in pages))
        before, memory, met = server.sockets(), server.memory(), await clients_so_far(server)
        for _ in range(3):
            sick.stalled()
            sick.silent()
            sick.pinging()
            sick.babbling()
            await sick.frozen()
        assert await clients_so_far(server) == met + 15
        for page in pages:
            page.delays.clear()
        ends = time.monotonic() + 8
        async with bystander(folder / "noise") as others:
            await emit_until(server, lambda: time.monotonic() > ends)
        delays = [delay for page in pages for delay in page.delays]
        assert quantile(delays, 0.5) < 0.25 + max(others)
        assert max(delays) < 2 + 3 * max(others)
        # a stalled one is let go when it has 1 MiB too much, after what the kernel takes for it
        assert server.memory() - memory < 15 * (1 << 20) + (10 << 20)
        await emit_until(server, lambda: server.sockets() <= before + 2)
        for _ in range(2):
            sick.returning()
        ends = time.monotonic() + 3
        await emit_until(server, lambda: time.monotonic() > ends)
        assert server.memory() - memory < 15 * (1 << 20) + (20 << 20)
        await sick.close()
        await server.emit()  # stored and handed out, so everything before it is, too
        last = (await server.get("healthz"))["seq"]
        for page in pages:
            await page.until(last)
            await page.leave()
            assert page.seen == list(range(1, last + 1))
            assert page.codes == []  # never let go
        assert "Traceback" not in server.errors.read_text()


async def clients_so_far(server: DrivenServer) -> int:
    """Those that are there and those that were let go: on a slow machine some are gone before the last one came."""
    facts = await server.get("drive/facts")
    return int(facts["clients"] + facts["dropped"])


async def heartbeat(folder: Path) -> None:
    """A ping at 30 s, the end at 40 s, every sick client gone at 45 s, and healthy ones stay.

    The upper bounds are let out by what the machine took from both processes at worst.
    """
    async with DrivenServer(folder) as server:
        sick, page = SickClients(server), PageClient(server, await server.epoch())
        before = server.sockets()
        received: dict[str, float] = {}
        started = time.monotonic()

        async def silent() -> None:
            async with server.connect("?since=0&epoch=other", autoping=False) as line:
                await line.receive_str()
                while (message := await line.receive()).type is aiohttp.WSMsgType.TEXT:
                    assert message.json()["type"] == "tick"  # the plan was read
                assert message.type is aiohttp.WSMsgType.PING
                received["ping"] = time.monotonic() - started
                received["tick"] = float((await line.receive_json())["type"] == "tick")
                await line.receive()
                received["end"] = time.monotonic() - started

        await server.get("drive/facts")
        async with Metronome() as metronome:
            watched = asyncio.create_task(silent())
            for _ in range(3):
                sick.stalled()
                sick.silent()
                await sick.frozen()  # a process of its own, which takes a while to start on a busy machine
            connected = time.monotonic()
            await watched
            async with asyncio.timeout(240):
                while server.sockets() > before + 2:
                    await asyncio.sleep(0.1)
            gone = time.monotonic() - connected
        late = 3 * (metronome.worst + (await server.get("drive/facts"))["late_s"])
        assert 29.9 < received["ping"] < 33 + late
        assert 39.9 < received["end"] < 44 + late
        assert received["tick"] == 1
        assert gone < 45 + late
        await server.emit()
        await page.until(1)
        assert page.codes == []
        await page.leave()
        await sick.close()
