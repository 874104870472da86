"""Finding and ending every process of an agent by a variable in its environment.

Agents run shell commands in sessions of their own, which no process group reaches and which outlive the agent. All of
them inherit the mark. Read from /proc (Linux); elsewhere nothing is found, and only process groups are ended.
A process is pinned by a pidfd before its mark is read, so that a recycled pid is never signalled. In the middle of an
exec a process has no environment to read; a young one without any is looked at again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from agents.guardian import MARK_VARIABLE
from agents.identity import KILL_WAIT_S, PROC, on_linux, start_time

SWEEP_GRACE_S = 5.0  # between SIGTERM and SIGKILL: a test run or a dev server may want to clean up
POLL_S = 0.02  # between looks at processes that are ending
READ_BYTES = 64 * 1024  # of an environment at once; most are a tenth of it
YOUNG_S = 2.0  # since its fork: a process without environment may be in the middle of an exec

_NO_ENVIRONMENT = b"\0\0"
_TICKS = os.sysconf("SC_CLK_TCK")


async def sweep(mark_prefix: str, grace_s: float = SWEEP_GRACE_S) -> list[int]:
    """Ends every process whose mark begins with `mark_prefix` (SIGTERM, `grace_s`, SIGKILL); returns their pids.

    Never this process or its ancestors, whatever they carry. Raises ValueError for an empty prefix.
    """
    if not mark_prefix:
        raise ValueError("an empty mark would end every agent of every server")
    return await _sweep(_needle(mark_prefix), grace_s)


async def sweep_exact(mark: str, grace_s: float = SWEEP_GRACE_S) -> list[int]:
    """As `sweep`, for the processes of one call: "7:1" does not end those of "7:12"."""
    return await _sweep(_needle(mark) + b"\0", grace_s)


def _needle(mark: str) -> bytes:
    return f"\0{MARK_VARIABLE}={mark}".encode()


async def _sweep(needle: bytes, grace_s: float) -> list[int]:
    spared = _ancestry()
    signalled: dict[int, signal.Signals] = {}
    began = time.monotonic()
    while True:
        targets, starting = await asyncio.to_thread(_carriers, needle, spared)
        elapsed = time.monotonic() - began
        if not (targets or starting) or elapsed > grace_s + KILL_WAIT_S:
            return sorted(signalled)
        wanted = signal.SIGKILL if elapsed >= grace_s else signal.SIGTERM
        for pid in targets:
            if signalled.get(pid) is not wanted and _signal(pid, wanted, needle):
                signalled[pid] = wanted
        await asyncio.sleep(POLL_S)


def _carriers(needle: bytes, spared: set[int]) -> tuple[list[int], bool]:
    """The processes with the mark, and whether any may still turn out to have it."""
    found, starting = [], False
    for pid in _pids():
        if pid in spared:
            continue
        environ = _environ(pid)
        if environ is not None and needle in environ:
            found.append(pid)
        elif environ == _NO_ENVIRONMENT:
            starting = starting or _is_starting(pid)
    return found, starting


def _is_starting(pid: int) -> bool:
    """Whether this is a young process that has a program (kernel threads and zombies have none)."""
    ticks = start_time(pid)
    if ticks is None or time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / _TICKS > YOUNG_S:
        return False
    try:
        return bool(os.readlink(PROC / str(pid) / "exe"))
    except OSError:
        return False


def _signal(pid: int, number: signal.Signals, needle: bytes) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _carries(pid, needle):
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _pids() -> Iterator[int]:
    if not on_linux():
        return
    with suppress(OSError):
        yield from [int(name) for name in os.listdir(PROC) if name.isdigit()]


def _carries(pid: int, needle: bytes) -> bool:
    environ = _environ(pid)
    return environ is not None and needle in environ


def _environ(pid: int) -> bytes | None:
    """The variables of a process between zero bytes; None where they are not ours to read or there is no process."""
    # Paths and buffered files would take four times as long, for every process of the machine after every command.
    try:
        descriptor = os.open(f"{PROC}/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        parts = [b"\0"]
        while part := os.read(descriptor, READ_BYTES):
            parts.append(part)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return b"".join((*parts, b"\0"))


def _ancestry() -> set[int]:
    pids, pid = {os.getpid()}, os.getppid()
    while pid > 0 and pid not in pids:
        pids.add(pid)
        try:
            stat = (PROC / str(pid) / "stat").read_bytes()
        except OSError:
            break
        pid = int(stat[stat.rfind(b")") + 2 :].split()[1])
    return pids
