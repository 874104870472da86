"""A line as an agent prints it -> `emit_event` -> SQLite -> a client: how many a second, and how late.

The lines come from a process of their own through a pipe, each with the clock at which it was written; the clients are
another process. What is measured is the whole way from the write of the line to the client's read.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.bench.load import NOISE_HEAD, clients, driven_server, noise, table
from tests.realtime.server import ROOT, DrivenServer

HEAD: Final = (
    "clients",
    "offered lines/s",
    "events/s",
    "p50 ms",
    "p99 ms",
    "max ms",
    "server's µs per event",
    NOISE_HEAD,
)
TIMED: Final = 3  # clients whose messages are read; all are sent the same

# Writes argv[2] lines a second (0: as fast as the pipe takes them), argv[3] in all, ten a write.
WRITER = """
import os, sys, time
pipe, rate, left = os.open(sys.argv[1], os.O_WRONLY), int(sys.argv[2]), int(sys.argv[3])
filler, started, sent = b"x" * 60 + b"\\n", time.monotonic(), 0
while sent < left:
    if rate:
        time.sleep(max(0.0, started + sent / rate - time.monotonic()))
    os.write(pipe, b"".join(b"%d %b" % (time.monotonic_ns(), filler) for _ in range(10)))
    sent += 10
"""


async def flow(server: DrivenServer, rate: int, count: int) -> int:
    """Let so many lines through; the clock's ns at the start."""
    pipe = Path(server.root) / "lines"
    if not pipe.exists():
        os.mkfifo(pipe)
    reading = asyncio.create_task(server.post("drive/lines", pipe=str(pipe)))
    await asyncio.sleep(0.2)
    started = time.monotonic_ns()
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(pipe), str(rate), str(count), cwd=ROOT
    )
    await writer.wait()
    await reading
    return started


async def run(seconds: float) -> None:
    rows: list[tuple[Any, ...]] = []
    for count in (1, 10, 100):
        async with driven_server() as server, clients(server.port, count, TIMED) as load:
            done = 0
            for rate in (2_000, 5_000, 10_000, 0):
                lines = int((rate or 10_000) * seconds)
                noises: list[str] = []
                before = (await server.get("drive/facts"))["cpu_s"]
                async with noise(server.root, noises):
                    started = await flow(server, rate, lines)
                    done += lines
                    received = await load.until(done)
                per_second = lines / (received.at - started) * 1e9
                spent = ((await server.get("drive/facts"))["cpu_s"] - before) / lines * 1e6
                late = (received.p50_ms, received.p99_ms, received.max_ms)
                rows.append((count, rate or "all at once", round(per_second), *late, spent, noises[0]))
    table("From an agent's line to the page", HEAD, rows)
