"""Another process holds the database for 35 seconds while a run is in progress: everybody is told, nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.realtime.house import House

LOCK_S = 35.0
PROMPT_S = 5.0  # far more than an answer takes on any machine, far less than the lock
LOCK = """
import sqlite3, sys, time
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
other.execute("ROLLBACK")
"""


@contextlib.asynccontextmanager
async def locked(house: House) -> AsyncIterator[asyncio.subprocess.Process]:
    """The lock is held inside, by a process that lets go by itself."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOCK, str(house.database), str(LOCK_S), stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"locked\n"
    yield other
    assert await other.wait() == 0


class Watcher:
    """A page that notes all it is sent."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self.line = line
        self.events: list[dict[str, Any]] = []
        self.ticks: list[dict[str, Any]] = []
        self.pongs = 0
        self._task = asyncio.create_task(self._read())

    async def until(self, type: str) -> None:
        async with asyncio.timeout(60):
            while type not in (one["type"] for one in self.events):
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        await self.line.close()
        await self._task

    async def _read(self) -> None:
        async for message in self.line:
            one = message.json()
            if one["type"] == "tick":
                self.ticks.append(one)
            elif one["type"] == "pong":
                self.pongs += 1
            elif "seq" in one:
                self.events.append(one)


@pytest.mark.slow
async def test_a_lock_of_35_seconds_in_the_middle_of_a_run(tmp_path: Path) -> None:
    async with House(tmp_path / "tiny", SPRINT_RUNNER_HEARTBEAT_S="2", SPRINT_RUNNER_DEMO_SPEED="max") as house:
        watcher = Watcher(await house.connect(f"?since=0&epoch={await house.epoch()}"))
        async with house.session.post(house.url + "api/run/start", json={"batch_size": 1}) as response:
            assert response.status == 202, await response.text()
        await watcher.until("command:start")
        async with locked(house) as other:
            waiting = asyncio.create_task(house.emit(5))
            await failing(house)
            await asyncio.sleep(0.5)  # what was committed before the lock has arrived
            await look_around(house, watcher, other)
            assert not waiting.done()
        await waiting  # the caller has its answer, its events are stored
        await watcher.until("batch:end")
        await checks_after(house, watcher)
        await watcher.leave()
        assert "Traceback" not in house.errors.read_text()


async def failing(house: House) -> None:
    async with asyncio.timeout(PROMPT_S * 4):
        while True:
            async with house.session.get(house.url + "healthz") as response:
                if response.status == 503:
                    assert "another process has locked the database" in str((await response.json())["problems"])
                    return
            await asyncio.sleep(0.05)


async def look_around(house: House, watcher: Watcher, other: asyncio.subprocess.Process) -> None:
    """For as long as the lock lasts: every answer is prompt, and nothing that is not stored is shown."""
    await house.get("drive/facts")
    told, ticks, pongs, rounds = len(watcher.events), len(watcher.ticks), watcher.pongs, 0
    seq, ends = watcher.events[-1]["seq"], time.monotonic() + LOCK_S - 4
    while time.monotonic() < ends:
        async with asyncio.timeout(PROMPT_S):
            async with house.session.get(house.url) as response:
                assert response.status == 200
            async with house.connect() as line:
                greeted = (await line.receive_json())["payload"]
            run = await house.get("api/run")
            await watcher.line.send_str('{"type":"ping"}')
        assert greeted["seq"] == run["seq"] == seq
        assert run["state"] == "running"
        assert "Nothing can be saved, so the run waits" in greeted["run"]["problem"]
        assert run["problem"] == greeted["run"]["problem"]
        rounds += 1
        await asyncio.sleep(0.2)
    assert other.returncode is None  # the lock has lasted all the while
    assert len(watcher.events) == told
    assert rounds >= 5
    assert watcher.pongs - pongs >= rounds - 1
    assert len(watcher.ticks) - ticks >= 5
    assert all("so the run waits" in tick["problem"] for tick in watcher.ticks[ticks:])
    facts = await house.get("drive/facts")
    assert facts["busy_s"] < 0.5
    assert facts["late_s"] < PROMPT_S


async def checks_after(house: House, watcher: Watcher) -> None:
    """The run has gone on and says what happened; everything that waited came, in order and once."""
    ended = watcher.events[-1] if watcher.events[-1]["type"] == "batch:end" else None
    stories = [one["payload"] for one in watcher.events if one["type"] == "batch:end"]
    assert ended is None or ended["payload"]["status"] == "completed"
    assert [one["status"] for one in stories] == ["completed"]
    warnings = [one["payload"] for one in watcher.events if one["type"] == "batch:warning"]
    assert "the database took no writes" in str([one["message"] for one in warnings if one["warning_type"] == "disk"])
    assert [one["seq"] for one in watcher.events] == list(range(1, len(watcher.events) + 1))
    async with asyncio.timeout(60):
        while watcher.ticks[-1].get("problem") is not None or (await house.get("api/run"))["problem"] is not None:
            await asyncio.sleep(0.1)
    async with house.session.get(house.url + "healthz") as response:
        assert response.status == 200
