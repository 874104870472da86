"""The identity of a process: its start time distinguishes it from a later one with the same pid.

From /proc on Linux, from `ps` elsewhere. Two answers are compared, never read: their forms differ by system.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
PS_TIMEOUT_S = 5.0  # a machine that needs longer to list one process has other troubles
GROUP_GRACE_S = 5.0  # between SIGTERM and SIGKILL of a group that an earlier server left
KILL_WAIT_S = 2.0  # a process that SIGKILL has not ended by then is stuck in the kernel
POLL_S = 0.05


def on_linux() -> bool:
    """Whether there is a /proc to read environments and start times from."""
    return sys.platform.startswith("linux")


def start_time(pid: int) -> str | None:
    """When this process started, as the system says it; None where there is no such process. May take milliseconds
    where it has to ask `ps`."""
    return _from_proc(pid) if on_linux() else _from_ps(pid)


def _from_proc(pid: int) -> str | None:
    """In clock ticks since boot."""
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rfind(b")") + 2 :].split()  # the name before it may hold spaces and brackets
    return fields[19].decode() if len(fields) > 19 else None


def _from_ps(pid: int) -> str | None:
    """In words, such as "Mon May  4 10:12:01 2026"; in UTC and English, whatever is set when it is asked for again."""
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=PS_TIMEOUT_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return " ".join(done.stdout.decode("ascii", "replace").split()) or None


async def end_group(pid: int | None, started: str | None, grace_s: float = GROUP_GRACE_S) -> bool:
    """End the process group of an agent that an earlier server left, if this is still that agent; whether it was.

    Where there is no /proc this is all that ends it; elsewhere it reaches what has dropped its mark.
    """
    if pid is None or started is None or await asyncio.to_thread(start_time, pid) != started:
        return False
    for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_WAIT_S)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            if await asyncio.to_thread(start_time, pid) != started:
                return True
            await asyncio.sleep(POLL_S)
    return True
