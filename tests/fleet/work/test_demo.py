"""The demo sprint with two lanes on two real workers, a real broker between: the whole program as a user starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from base.program import PROGRAM_DIR
from tests.fleet.stream.nats_server import NatsServer
from tests.git.repositories import git
from tests.servers import Server, get, post

RUN_S: Final = 300.0  # takes about half a minute; a busy machine may need much longer
LANES: Final = {"SPRINT_RUNNER_PARALLEL": "2", "SPRINT_RUNNER_PARALLEL_HERE": "0", "SPRINT_RUNNER_AUTO_RESUME": "true"}


@contextmanager
def worker(name: str, folder: Path, address: str, speed: str = "20") -> Iterator[subprocess.Popen[bytes]]:
    """A worker with the demo's agent, ready to take lanes."""
    command = [sys.executable, str(PROGRAM_DIR / "server.py"), "worker", "--fleet", address, "--name", name, "--demo"]
    env = {**os.environ, "SPRINT_RUNNER_DEMO_SPEED": speed}
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--data-dir", str(folder / "data")], stdout=subprocess.PIPE, stderr=log, cwd=folder, env=env
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"Sprint Runner worker {name}: 1 places, agents demo\n".encode()
        yield process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture
def workers(tmp_path: Path, nats: NatsServer) -> Iterator[list[subprocess.Popen[bytes]]]:
    with (
        worker("desktop", tmp_path / "desktop", nats.address) as one,
        worker("laptop", tmp_path / "laptop", nats.address) as other,
    ):
        yield [one, other]


@pytest.fixture
def server(tmp_path: Path, nats: NatsServer, workers: list[subprocess.Popen[bytes]]) -> Iterator[Server]:
    environment = {"SPRINT_RUNNER_FLEET": nats.address, **LANES}
    made = Server([str(tmp_path / "perch"), "--demo", "--port", "0"], tmp_path, environment).start()
    yield made
    if made.process is not None:
        made.end()


async def until_idle(client: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(RUN_S):
        while True:
            run = await get(client, "/api/run")
            if run["state"] == "idle" and run["resumable"] is None:
                return
            await asyncio.sleep(0.1)


async def until_works(client: aiohttp.ClientSession, command: str) -> dict[str, Any]:
    """Return a command of this name that runs on a worker and has said something."""
    async with asyncio.timeout(RUN_S):
        while True:
            for operation in (await get(client, "/api/run"))["operations"]:
                if operation["command"] == command and operation["machine"] and operation["message"]:
                    return dict(operation)
            await asyncio.sleep(0.02)


async def stories(client: aiohttp.ClientSession) -> dict[str, str]:
    return {story["story_key"]: story["status"] for story in (await get(client, "/api/run"))["stories"]}


async def commands(client: aiohttp.ClientSession) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await get(client, "/api/commands"))["commands"]
    return found


def succeeded(rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((row["story_key"], row["command"]) for row in rows if row["status"] == "success")


async def test_the_demo_sprint_runs_on_two_workers(server: Server, tmp_path: Path) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        assert await post(client, "/api/run/start") == (202, {"batch_id": 1})
        await until_idle(client)
        assert Counter((await stories(client)).values()) == {"done": 3, "blocked": 1}  # as the demo has it
        rows = await commands(client)
        called = [row for row in rows if row["agent"] == "demo" and row["batch_id"] == 1]
        assert {row["machine"] for row in called if row["command"] == "dev-story"} == {"desktop", "laptop"}
        assert {row["machine"] for row in rows if row["agent"] == "runner"} == {None}
        assert [count for count in succeeded(rows).values() if count > 1] == []
        totals = (await get(client, "/api/run"))["totals"]
        assert totals["cost_usd"] == pytest.approx(sum(row["cost_usd"] or 0 for row in rows))
        seqs = [event["seq"] for event in (await get(client, "/api/events?limit=10000"))["events"]]
        assert seqs == list(range(1, len(seqs) + 1))
    log = git(tmp_path / "perch", "log", "--first-parent", "--format=%s").splitlines()
    assert sum(line.startswith("merge(") for line in log) == 2


async def test_a_killed_coordinator_adopts_what_a_worker_runs(server: Server) -> None:
    """It resumes by itself: the command is not begun again, and no event is lost or doubled."""
    async with aiohttp.ClientSession(server.url) as client:
        await post(client, "/api/run/start")
        working = await until_works(client, "dev-story")
    server.end(signal.SIGKILL)
    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        await until_idle(client)
        rows = await commands(client)
        row = next(row for row in rows if row["id"] == working["command_id"])
        assert (row["status"], row["machine"]) == ("success", working["machine"])
        assert [count for count in succeeded(rows).values() if count > 1] == []
        assert Counter((await stories(client)).values()) == {"done": 3, "blocked": 1}
        events = (await get(client, "/api/events?limit=10000"))["events"]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        begun = Counter(event["payload"]["command_id"] for event in events if event["type"] == "command:start")
        assert set(begun.values()) == {1}
