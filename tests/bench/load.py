"""Starting and asking the processes that are measured and those that load them; figures as tables."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.realtime.server import ROOT, DrivenServer

NOISE_HEAD: Final = "noise: sleep, sync p99 ms"


class Report(msgspec.Struct):
    """What the clients of one process saw since the last report. `at` is the clock's ns of the newest event."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    seq: int
    at: int
    gone: int


class Load:
    """Clients in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def report(self) -> Report:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"report\n")
        return msgspec.convert(json.loads(await self.process.stdout.readline()), Report)

    async def until(self, seq: int) -> Report:
        """Wait until all of the timed clients have seen the event."""
        async with asyncio.timeout(300):
            while (received := await self.report()).seq < seq:
                await asyncio.sleep(0.1)
        return received


@asynccontextmanager
async def clients(port: int, count: int, timed: int = 0, path: str = "/ws") -> AsyncIterator[Load]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.clients", str(port), str(count), str(timed), path,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield Load(process)
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def driven_server() -> AsyncIterator[DrivenServer]:
    with tempfile.TemporaryDirectory() as folder:
        async with DrivenServer(Path(folder) / "tiny", SPRINT_RUNNER_MAX_CLIENTS="2000") as server:
            yield server


# The machine's own share: how late a process is that only sleeps, and what it takes to sync 4 KiB, 50 times a second.
NOISE = """
import os, signal, sys, time
late, sync, file = [], [], os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print(*(sorted(v)[int(len(v) * 0.99)] * 1e3 for v in (late, sync)))))
while True:
    started = time.perf_counter(); time.sleep(0.02); late.append(time.perf_counter() - started - 0.02)
    os.pwrite(file, os.urandom(4096), 0)
    started = time.perf_counter(); os.fdatasync(file); sync.append(time.perf_counter() - started)
"""


@asynccontextmanager
async def noise(folder: Path, received: list[str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NOISE, str(folder / "noise"), stdout=asyncio.subprocess.PIPE
    )
    await asyncio.sleep(0.3)
    yield
    process.terminate()
    out, _ = await process.communicate()
    received.append(", ".join(f"{float(part):.3g}" for part in out.split()))


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table."""
    lines = [f"\n**{title}**\n", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


median = statistics.median
