"""How long a message to a running agent takes, from the request to the agent's input, beside pages that watch.

The agent is the scripted one behind a program that notes when each line reaches its input; the clock is the machine's,
the same for all processes. Rounds without and with pages take turns; their ratio is to be compared between machines.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.bench.load import clients, table
from tests.running.projects import LONG_S, make_project
from tests.servers import ROOT, Server, get, post

KEY: Final = "1-1-a"
PAGES: Final = 100
MESSAGES: Final = 20  # in each round
ROUNDS: Final = 2
PROMISED_MS: Final = 200
WORKS_S: Final = 600  # that the agent works, longer than the measurement takes

# Named as the real program is, since others get no messages.
NOTES: Final = """#!{python}
import os, subprocess, sys, time
agent = subprocess.Popen({agent} + sys.argv[1:], stdin=subprocess.PIPE)
with open({notes!r}, "a", buffering=1) as notes:
    for line in sys.stdin.buffer:
        notes.write(f"{{time.monotonic()}} {{line.decode()}}")
        agent.stdin.write(line)
        agent.stdin.flush()
agent.stdin.close()
sys.exit(agent.wait())
"""


async def run() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = _server(folder)
        await asyncio.to_thread(server.start)
        try:
            async with aiohttp.ClientSession(server.url) as client:
                await _measure(client, server, folder / "notes")
        finally:
            await asyncio.to_thread(server.end)


def _server(folder: Path) -> Server:
    project = make_project(folder / "tiny", {KEY: "ready-for-dev"})
    (folder / "script.json").write_text(json.dumps({"dev-story": [f"slow:{WORKS_S}"]}))
    demo = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "1", "--script", str(folder / "script.json")]
    program = folder / "claude"
    program.write_text(NOTES.format(python=sys.executable, agent=json.dumps(demo), notes=str(folder / "notes")))
    program.chmod(0o755)
    agents = {"own": {"kind": "claude", "command": [str(program)]}}
    (project / "sprint-runner.yaml").write_text(f"agent: own\nagents: {json.dumps(agents)}\nverify: 'true'\n")
    return Server([str(project), "--port", "0"], folder)


async def _measure(client: aiohttp.ClientSession, server: Server, notes: Path) -> None:
    assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
    command = await _developing(client)
    port = int(server.url.rpartition(":")[2].strip("/"))
    alone: list[float] = []
    watched: list[float] = []
    for _ in range(ROUNDS):
        alone += await _round(client, command, notes)
        async with _pages(port):
            watched += await _round(client, command, notes)
    none, many = _figures(alone), _figures(watched)
    ratios = [one / other for one, other in zip(many, none, strict=True)]
    rows = [("none", *none), (str(PAGES), *many), ("ratio", *ratios)]
    title = f"A message from the request to the agent's input, promised {PROMISED_MS} ms, {ROUNDS * MESSAGES} each"
    table(title, ("pages", "p50 ms", "p99 ms", "max ms"), rows)


def _figures(took: list[float]) -> tuple[float, float, float]:
    return statistics.median(took), sorted(took)[int(len(took) * 0.99)], max(took)


@asynccontextmanager
async def _pages(port: int) -> AsyncIterator[None]:
    async with clients(port, PAGES):
        yield


async def _developing(client: aiohttp.ClientSession) -> int:
    """Return the command of the development as soon as its agent takes messages."""
    async with asyncio.timeout(LONG_S):
        while True:
            commands = (await get(client, "/api/commands"))["commands"]
            for each in commands:
                if each["command"] == "dev-story" and each["status"] == "running":
                    async with client.get(f"/api/commands/{each['id']}/transcript") as response:
                        page: dict[str, Any] = await response.json()
                    if response.status == 200 and page["takes_messages"]:
                        return int(each["id"])
            await asyncio.sleep(0.05)


async def _round(client: aiohttp.ClientSession, command: int, notes: Path) -> list[float]:
    """Return the ms of each message of one round."""
    took = []
    for number in range(MESSAGES):
        text = f"message {time.monotonic_ns()} of {number}"
        begun = time.monotonic()
        status, answer = await post(client, f"/api/commands/{command}/message", {"text": text})
        assert status == 202, answer
        took.append((await _arrived(notes, text) - begun) * 1000)
        await asyncio.sleep(0.1)
    return took


async def _arrived(notes: Path, text: str) -> float:
    async with asyncio.timeout(LONG_S):
        while True:
            for line in (await asyncio.to_thread(notes.read_text)).splitlines():
                if text in line:
                    return float(line.partition(" ")[0])
            await asyncio.sleep(0.01)
