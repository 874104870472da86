"""Tests of a database that another process locks for 35 seconds: clients are notified, none is blocked."""

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

from tests.realtime.server import DrivenServer

LOCK_S = 35.0
PROMPT_S = 15.0  # far more than an answer takes on any machine, far less than the lock
LOCK = """
import sqlite3, sys, time
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
other.execute("ROLLBACK")
"""


@contextlib.asynccontextmanager
async def locked(server: DrivenServer) -> AsyncIterator[asyncio.subprocess.Process]:
    """The lock is held inside, by a process that releases it by itself."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOCK, str(server.database), str(LOCK_S), stdout=asyncio.subprocess.PIPE
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
        async with asyncio.timeout(240):
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
@pytest.mark.worlds
async def test_a_lock_of_35_seconds_in_the_middle_of_a_run(tmp_path: Path) -> None:
    async with DrivenServer(tmp_path / "tiny", SPRINT_RUNNER_HEARTBEAT_S="2", SPRINT_RUNNER_DEMO_SPEED="max") as server:
        watcher = Watcher(await server.connect(f"?since=0&epoch={await server.epoch()}"))
        async with server.session.post(server.url + "api/run/start", json={"batch_size": 1}) as response:
            assert response.status == 202, await response.text()
        await watcher.until("command:start")
        async with locked(server):
            ends = time.monotonic() + LOCK_S - 2
            waiting = asyncio.create_task(server.emit(5))
            await failing(server)
            await received(server, watcher)
            await look_around(server, watcher, ends)
        await waiting  # the caller has its answer, its events are stored
        await watcher.until("batch:end")
        await checks_after(server, watcher)
        await watcher.leave()
        assert "Traceback" not in server.errors.read_text()


async def failing(server: DrivenServer) -> None:
    async with asyncio.timeout(LOCK_S):
        while True:
            async with server.session.get(server.url + "healthz") as response:
                if response.status == 503:
                    assert "another process has locked the database" in str((await response.json())["problems"])
                    return
            await asyncio.sleep(0.05)


async def received(server: DrivenServer, watcher: Watcher) -> None:
    """The page has all that was stored before the lock, and the first tick that says why nothing more comes."""
    stored = (await server.get("healthz"))["seq"]
    async with asyncio.timeout(LOCK_S):
        while watcher.events[-1]["seq"] < stored or not any("problem" in tick for tick in watcher.ticks):
            await asyncio.sleep(0.05)


async def look_around(server: DrivenServer, watcher: Watcher, ends: float) -> None:
    """For as long as the lock lasts: every answer is prompt, and nothing that is not stored is shown."""
    await server.get("drive/facts")
    shown, pongs, ticks = len(watcher.events), watcher.pongs, len(watcher.ticks)
    seq, rounds, said = watcher.events[-1]["seq"], 0, watcher.ticks[:0]
    while True:
        async with asyncio.timeout(PROMPT_S):
            async with server.session.get(server.url) as response:
                assert response.status == 200
            async with server.connect() as line:
                greeted = (await line.receive_json())["payload"]
            run = await server.get("api/run")
            await watcher.line.send_str('{"type":"ping"}')
        if time.monotonic() > ends:
            break  # this round may have seen the end of the lock
        assert len(watcher.events) == shown
        assert greeted["seq"] == run["seq"] == seq
        assert run["state"] == "running"
        assert "Nothing can be saved, so the run waits" in greeted["run"]["problem"]
        assert run["problem"] == greeted["run"]["problem"]
        rounds, said = rounds + 1, watcher.ticks[ticks:]
        await asyncio.sleep(0.2)
    assert rounds >= 3
    assert watcher.pongs - pongs >= rounds - 1
    assert len(said) >= 3
    assert all("so the run waits" in tick["problem"] for tick in said)
    facts = await server.get("drive/facts")
    assert facts["busy_s"] < 0.5
    assert facts["late_s"] < PROMPT_S


async def checks_after(server: DrivenServer, watcher: Watcher) -> None:
    """The run has continued and says what happened; everything that waited came, in order and once."""
    ends = [one["payload"]["status"] for one in watcher.events if one["type"] == "batch:end"]
    assert ends == ["completed"]
    warnings = [one["payload"] for one in watcher.events if one["type"] == "batch:warning"]
    assert "the database took no writes" in str([one["message"] for one in warnings if one["warning_type"] == "disk"])
    assert [one["seq"] for one in watcher.events] == list(range(1, len(watcher.events) + 1))
    async with asyncio.timeout(240):
        while watcher.ticks[-1].get("problem") is not None or (await server.get("api/run"))["problem"] is not None:
            await asyncio.sleep(0.1)
    async with server.session.get(server.url + "healthz") as response:
        assert response.status == 200
