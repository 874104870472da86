"""How soon a stop ends an agent on a worker, beside one of the runner's own machine in the same run."""

from __future__ import annotations

import asyncio
import os
import select
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import aiohttp

from agents.marks import running_pids
from tests.bench.load import table
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.test_demo import worker
from tests.servers import Server, get, post

ROUNDS: Final = 7
WORKER: Final = "bench"
GIVE_UP_S: Final = 60.0
HEAD: Final = ("agent", "p50 ms", "max ms", "stops")
SPEED: Final = "0.5"  # of the demo's agents: each works for longer than a round takes to begin


async def run() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nats = NatsServer(folder / "nats")
        await nats.start()
        try:
            with worker(WORKER, folder / WORKER, nats.address, speed=SPEED):
                rows = await _measure(folder, nats.address)
        finally:
            nats.close()
    table("From `POST /api/run/stop` with the mode `now` to the end of the agent's process", HEAD, rows)


async def _measure(folder: Path, address: str) -> list[tuple[Any, ...]]:
    environment = {
        "SPRINT_RUNNER_FLEET": address,
        "SPRINT_RUNNER_PARALLEL": "2",
        "SPRINT_RUNNER_PARALLEL_HERE": "1",
        "SPRINT_RUNNER_DEMO_SPEED": SPEED,
    }
    server = Server([str(folder / "perch"), "--demo", "--port", "0"], folder, environment).start()
    taken: dict[str, list[float]] = {"of this machine": [], "of the worker": []}
    try:
        async with aiohttp.ClientSession(server.url) as client:
            for _ in range(ROUNDS):
                for place, seconds in (await _round(client, folder)).items():
                    taken[place].append(seconds * 1000)
    finally:
        server.end()
    return [(place, statistics.median(times), max(times), len(times)) for place, times in taken.items()]


async def _round(client: aiohttp.ClientSession, folder: Path) -> dict[str, float]:
    """Return how long the agents of both places outlived a stop, in seconds."""
    await post(client, "/api/run/start")
    async with asyncio.timeout(GIVE_UP_S):
        while {operation["machine"] for operation in await _working(client)} != {None, WORKER}:
            await asyncio.sleep(0.05)
    agents = {"of this machine": _agents(folder / "perch"), "of the worker": _agents(folder / WORKER)}
    watched = {place: asyncio.to_thread(_until_gone, found) for place, found in agents.items()}
    ends = {place: asyncio.ensure_future(watching) for place, watching in watched.items()}
    await asyncio.sleep(0.2)  # the threads look by then
    began = time.monotonic()
    await post(client, "/api/run/stop", {"mode": "now"})
    found = {place: await end - began for place, end in ends.items()}
    async with asyncio.timeout(GIVE_UP_S):
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.05)
    return found


async def _working(client: aiohttp.ClientSession) -> list[dict[str, Any]]:
    """Return the operations of agents that have said something."""
    operations = (await get(client, "/api/run"))["operations"]
    return [operation for operation in operations if operation["agent"] == "demo" and operation["message"]]


def _agents(folder: Path) -> list[int]:
    """Open the processes of the agents that work below a folder."""
    agents = [pid for pid in running_pids() if _is_agent(pid, folder)]
    assert agents
    return [os.pidfd_open(pid) for pid in agents]


def _is_agent(pid: int, folder: Path) -> bool:
    try:
        is_below = os.readlink(f"/proc/{pid}/cwd").startswith(f"{folder}/")
        return is_below and b"demo/agent.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return False


def _until_gone(processes: list[int]) -> float:
    """Return when the last of these has ended. Blocks."""
    for process in processes:
        readable, _, _ = select.select([process], [], [], GIVE_UP_S)
        assert readable
        os.close(process)
    return time.monotonic()
