"""What the guardian costs: memory, the server's start, an idle run; and how soon everything is gone after SIGKILL."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
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
MOST_MIB, MOST_MS = 12.0, 50.0  # what it may cost


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
    bare_ms, bare_kib = _bare_interpreter()
    took, mib = statistics.median(starts), memory / 1024
    rows = [
        (
            f"start, as the server waits for it, ms (median, worst; at most {MOST_MS:.0f})",
            f"{took:.1f}, {max(starts):.1f}: {took / bare_ms:.1f} times a bare interpreter's {bare_ms:.1f}",
        ),
        (
            f"resident memory, MiB (at most {MOST_MIB:.0f})",
            f"{mib:.1f}: {memory / bare_kib:.2f} times a bare interpreter's {bare_kib / 1024:.1f}",
        ),
        ("CPU while an agent runs, % of one core", f"{busy / IDLE_S * 100:.2f}"),
    ]
    for name in ("direct", "leaves group and environment", "a child that ignores SIGTERM"):
        seconds = [await _kill(name) for _ in range(KILLS)]
        rows.append((f"SIGKILL to last process gone, {name}, s (worst of {KILLS})", f"{max(seconds):.2f}"))
    table("The guardian", ("what", "measured"), rows)
    if took > MOST_MS or mib > MOST_MIB:
        raise SystemExit("the guardian costs more than it may")


def _bare_interpreter() -> tuple[float, int]:
    """What the same interpreter takes that does nothing: to start it (ms, median), and its memory (KiB)."""
    argv, times, kib = [sys.executable, "-I", "-S", "-B", "-c", "print(flush=True); input()"], [], 0
    for _ in range(STARTS):
        began = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        times.append((time.perf_counter() - began) * 1000)
        assert process.stdout is not None
        process.stdout.readline()
        kib = _memory_kib(process.pid)
        process.communicate(b"\n")
    return statistics.median(times), kib


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
