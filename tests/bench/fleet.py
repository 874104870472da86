"""The page of 20 runners with 200 pages: how late an event is beside the page of one runner; presence; memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.bench.load import Report, clients, table
from tests.realtime.server import ROOT

RUNNERS: Final = 20
PAGES: Final = 200
TIMED: Final = 50
RATE: Final = 50  # events a second of all runners together
HEAD: Final = ("page", "p50 ms", "p99 ms", "max ms", "measured deliveries")
FIGURES: Final = ("what", "figure")
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Helper:
    """A process that is spoken with by lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def emit(self, rate: float, seconds: float, *, only_first: bool) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{rate} {seconds} {int(only_first)}\n".encode())
        assert await self.line() == "done"

    def memory(self) -> float:
        """Resident MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@asynccontextmanager
async def helper(state: Path, *command: str) -> AsyncIterator[Helper]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env={**os.environ, "XDG_STATE_HOME": str(state)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Helper(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        command = ("-m", "tests.bench.fake_runners", str(RUNNERS), folder)
        async with helper(state, *command) as runners, helper(state, "server.py", "fleet", "--port", "0") as fleet:
            ports = [int((await runners.line()).split()[1]) for _ in range(RUNNERS)]
            assert await runners.line() == "ready"
            port = int((await fleet.line()).rstrip("/").rpartition(":")[2])
            rows, figures = await measure(runners, fleet, ports[0], port, seconds)
    table(f"{PAGES} pages, {RUNNERS} runners, {RATE} events/s together, from emit to the pages' process", HEAD, rows)
    table("The fleet's server", FIGURES, figures)


async def measure(
    runners: Helper, fleet: Helper, runner_port: int, port: int, seconds: float
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows of the delays, and what else there is to say of the server."""
    while len(await states(port)) < RUNNERS:
        await asyncio.sleep(0.1)
    rows = []
    idle = fleet.memory()
    for turn in (1, 2):
        async with clients(runner_port, PAGES, TIMED) as load:
            await runners.emit(RATE, 1, only_first=True)
            await load.report()
            await runners.emit(RATE, seconds, only_first=True)
            rows.append(row(f"of one runner, turn {turn}", await load.report()))
        async with clients(port, PAGES, TIMED) as load:
            await runners.emit(RATE, 1, only_first=False)
            await load.report()
            before = fleet.processor_s()
            await runners.emit(RATE, seconds, only_first=False)
            spent = (fleet.processor_s() - before) / (seconds + 0.5)
            rows.append(row(f"of the fleet, turn {turn}", await load.report()))
            busy = fleet.memory()
    figures = [
        (f"MB with {RUNNERS} runners and no page", idle),
        (f"MB with {PAGES} pages", busy),
        ("processor time, ms a second", spent * 1000),
        ("seconds until all runners are known as lost after their process was killed", await lost(runners, port)),
    ]
    return rows, figures


def row(name: str, report: Report) -> tuple[Any, ...]:
    assert report.gone == 0
    return (name, report.p50_ms, report.p99_ms, report.max_ms, report.count)


async def lost(runners: Helper, port: int) -> float:
    assert runners.process.stdin is not None
    runners.process.kill()
    started = time.monotonic()
    while any(lost is None for lost in await states(port)):
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def states(port: int) -> list[str | None]:
    """Why each runner that was heard is lost, null for those that are not."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/api/fleet") as response:
        runners = json.loads(await response.read())["runners"]
    return [runner["lost"] for runner in runners if runner["run"] is not None]
