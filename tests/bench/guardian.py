"""What the guardian costs: memory, the server's start, an idle run; and how soon everything is gone after SIGKILL."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from agents import cgroup
from agents.guarding import Guarding
from tests.agents.children import gone
from tests.agents.test_guarding import PROGRAMS, MiniServer, program
from tests.bench.load import table

STARTS = 20
KILLS = 5
IDLE_S = 10.0


async def run() -> None:
    cgroup.own_folder = lambda *_: None  # the group of the user who measures
    starts, memory, busy = [], 0, 0.0
    for number in range(STARTS):
        guarding, began = Guarding(), time.perf_counter()
        guarding.start()
        starts.append((time.perf_counter() - began) * 1000)
        pid = guarding.pid
        assert pid is not None
        if number == 0:
            with guarding.command(os.getpid()):  # as while an agent runs: it looks at the processes once a second
                await asyncio.sleep(IDLE_S)
            memory, busy = _memory_kib(pid), _cpu_s(pid)
        guarding.close()
        await gone(pid)
        await asyncio.to_thread(os.waitpid, pid, 0)
    rows = [
        (
            "start, as the server waits for it, ms (median, worst)",
            f"{statistics.median(starts):.1f}, {max(starts):.1f}",
        ),
        ("resident memory, MiB", f"{memory / 1024:.1f}"),
        ("CPU while an agent runs, % of one core", f"{busy / IDLE_S * 100:.2f}"),
    ]
    for name in ("direct", "leaves group and environment", "a child that ignores SIGTERM"):
        seconds = [await _kill(name) for _ in range(KILLS)]
        rows.append((f"SIGKILL to last process gone, {name}, s (worst of {KILLS})", f"{max(seconds):.2f}"))
    table("The guardian", ("what", "measured"), rows)


async def _kill(name: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        code = PROGRAMS[name]
        server = MiniServer(Path(folder), "text", "--no-cgroup", *program(Path(folder), code))
        return await server.killed(await server.pids(2 if "'b'" in code or '"b"' in code else 1))


def _memory_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
