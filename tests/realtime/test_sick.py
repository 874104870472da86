"""Sick clients cost a bounded buffer for a bounded time, and the others nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.realtime.bystander import bystander
from tests.realtime.house import House
from tests.realtime.pages import Page, quantile
from tests.realtime.sick import Ward
from tests.store.disks import Metronome

EVENT = 2_000  # letters of an event: stalls are met in seconds
RATE_S = 0.02


async def emit_until(house: House, done: Callable[[], bool]) -> None:
    async with asyncio.timeout(240):
        while not done():
            started = time.monotonic()
            await house.emit(10, EVENT, wait=False)
            await asyncio.sleep(max(0.0, started + RATE_S - time.monotonic()))


@pytest.mark.slow
async def test_sick_clients_in_quick_time_and_the_heartbeat_in_real_time(tmp_path: Path) -> None:
    """Both at once, on a server each: most of the real time is waiting."""
    await asyncio.gather(healthy_among_sick(tmp_path / "quick"), heartbeat(tmp_path / "real"))


async def healthy_among_sick(folder: Path) -> None:
    house = House(folder, SPRINT_RUNNER_HEARTBEAT_S="2", SPRINT_RUNNER_PONG_TIMEOUT_S="1")
    async with house:
        ward, epoch = Ward(house), await house.epoch()
        pages = [Page(house, epoch) for _ in range(10)]
        await emit_until(house, lambda: all(len(page.delays) > 50 for page in pages))
        before, memory, met = house.sockets(), house.memory(), await clients_so_far(house)
        for _ in range(3):
            ward.stalled()
            ward.silent()
            ward.pinging()
            ward.babbling()
            await ward.frozen()
        assert await clients_so_far(house) == met + 15
        for page in pages:
            page.delays.clear()
        ends = time.monotonic() + 8
        async with bystander(folder / "noise") as others:
            await emit_until(house, lambda: time.monotonic() > ends)
        delays = [delay for page in pages for delay in page.delays]
        assert quantile(delays, 0.5) < 0.25 + max(others)
        assert max(delays) < 2 + 3 * max(others)
        # a stalled one is let go when it has 1 MiB too much, after what the kernel takes for it
        assert house.memory() - memory < 15 * (1 << 20) + (10 << 20)
        await emit_until(house, lambda: house.sockets() <= before + 2)
        for _ in range(2):
            ward.returning()
        ends = time.monotonic() + 3
        await emit_until(house, lambda: time.monotonic() > ends)
        assert house.memory() - memory < 15 * (1 << 20) + (20 << 20)
        await ward.close()
        await house.emit()  # stored and handed out, so everything before it is, too
        last = (await house.get("healthz"))["seq"]
        for page in pages:
            await page.until(last)
            await page.leave()
            assert page.seen == list(range(1, last + 1))
            assert page.codes == []  # never let go
        assert "Traceback" not in house.errors.read_text()


async def clients_so_far(house: House) -> int:
    """Those that are there and those that were let go: on a slow machine some are gone before the last one came."""
    facts = await house.get("drive/facts")
    return int(facts["clients"] + facts["dropped"])


async def heartbeat(folder: Path) -> None:
    """A ping at 30 s, the end at 40 s, every sick client gone at 45 s, and healthy ones stay.

    The upper bounds are let out by what the machine took from both processes at worst.
    """
    async with House(folder) as house:
        ward, page = Ward(house), Page(house, await house.epoch())
        before = house.sockets()
        told: dict[str, float] = {}
        started = time.monotonic()

        async def silent() -> None:
            async with house.connect("?since=0&epoch=other", autoping=False) as line:
                await line.receive_str()
                assert (await line.receive()).type is aiohttp.WSMsgType.PING
                told["ping"] = time.monotonic() - started
                told["tick"] = float((await line.receive_json())["type"] == "tick")
                await line.receive()
                told["end"] = time.monotonic() - started

        await house.get("drive/facts")
        async with Metronome() as metronome:
            watched = asyncio.create_task(silent())
            for _ in range(3):
                ward.stalled()
                ward.silent()
                await ward.frozen()  # a process of its own, which takes a while to start on a busy machine
            connected = time.monotonic()
            await watched
            async with asyncio.timeout(240):
                while house.sockets() > before + 2:
                    await asyncio.sleep(0.1)
            gone = time.monotonic() - connected
        late = 3 * (metronome.worst + (await house.get("drive/facts"))["late_s"])
        assert 29.9 < told["ping"] < 33 + late
        assert 39.9 < told["end"] < 44 + late
        assert told["tick"] == 1
        assert gone < 45 + late
        await house.emit()
        await page.until(1)
        assert page.codes == []
        await page.leave()
        await ward.close()
