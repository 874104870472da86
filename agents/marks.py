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
from collections.abc import Callable
from contextlib import suppress

from agents.guardian import MARK_VARIABLE
from agents.identity import KILL_WAIT_S, PROC, on_linux

SWEEP_GRACE_S = 5.0  # between SIGTERM and SIGKILL: a test run or a dev server may want to clean up
POLL_S = 0.02  # between looks at processes that are ending
READ_BYTES = 64 * 1024  # of an environment at once; most are a tenth of it
UNREAPED_MAX = 10_000  # zombies that are remembered, where the first process of a container reaps none
YOUNG_S = 2.0  # since its fork: a process without environment may be in the middle of an exec

_NO_ENVIRONMENT = b"\0\0"
_GONE, _ZOMBIE = "", ("Z", "X")  # states of a process
_unreaped: set[tuple[int, int]] = set()  # zombies that were seen: they have ended before any later look
_TICKS = os.sysconf("SC_CLK_TCK")


async def sweep(mark_prefix: str, grace_s: float = SWEEP_GRACE_S) -> list[int]:
    """Ends every process whose mark begins with `mark_prefix` (SIGTERM, `grace_s`, SIGKILL); returns their pids.

    Never this process or its ancestors, whatever they carry. Raises ValueError for an empty prefix.
    """
    if not mark_prefix:
        raise ValueError("an empty mark would end every agent of every server")
    return await _sweep(_needle(mark_prefix), grace_s, _Look())


async def sweep_exact(mark: str, grace_s: float = SWEEP_GRACE_S) -> list[int]:
    """As `sweep`, for the processes of one call: "7:1" does not end those of "7:12"."""
    return await _sweep(_needle(mark) + b"\0", grace_s, _Look())


def running_pids() -> frozenset[int]:
    """Return the pids of all processes; none where there is no /proc."""
    return frozenset(_pids())


async def sweep_after(mark: str, grace_s: float, before: frozenset[int], listed: Callable[[], None]) -> bool:
    """Do as `sweep_exact` once a call's agent has ended. Return whether nothing of it ran when `listed` was called.

    That is when the processes are listed and none is looked at yet. One that has gone before the look may have been the
    call's, and have started what is in no list; not if it was there `before` the agent was started. Where there is no
    /proc nothing is known.
    """
    look = _Look(before)
    listed()
    await asyncio.sleep(0)  # what begins with that goes first: the look is the shorter one
    await _sweep(_needle(mark) + b"\0", grace_s, look)
    return on_linux() and look.is_empty and not look.has_gone


def _needle(mark: str) -> bytes:
    return f"\0{MARK_VARIABLE}={mark}".encode()


class _Look:
    """A look at the processes that exist when it is made: those with a mark, whether any may still turn out to have it,
    and whether any has ended since that was not there `before`."""

    def __init__(self, before: frozenset[int] = frozenset()) -> None:
        self.found: list[int] = []
        self.has_gone = False
        self._before = before
        self._is_starting = False
        self._unreaped = frozenset(_unreaped)
        self._pids = sorted(_pids(), key=before.__contains__)  # what may be the call's is looked at at once

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to end, or to look at again."""
        return not (self.found or self._is_starting)

    def take(self, needle: bytes, spared: set[int]) -> None:
        """Read the environment of each. Blocks."""
        for pid in self._pids:
            environ = None if pid in spared else _environ(pid)
            if environ == _NO_ENVIRONMENT:
                self._without_environment(pid)
            elif environ is not None and needle in environ:
                self.found.append(pid)

    def _without_environment(self, pid: int) -> None:
        """It is in the middle of an exec, a thread of the kernel, a zombie, or there is no such process any more."""
        state, ticks = _state(pid)
        if state in _ZOMBIE:
            self.has_gone = self.has_gone or not (pid in self._before or (pid, ticks) in self._unreaped)
            _remember_unreaped(pid, ticks)
        elif state == _GONE:
            self.has_gone = self.has_gone or pid not in self._before
        else:
            self._is_starting = self._is_starting or _is_starting(pid, ticks)


async def _sweep(needle: bytes, grace_s: float, look: _Look) -> list[int]:
    spared = _ancestry()
    signalled: dict[int, signal.Signals] = {}
    began = time.monotonic()
    while True:
        await asyncio.to_thread(look.take, needle, spared)
        elapsed = time.monotonic() - began
        if look.is_empty or elapsed > grace_s + KILL_WAIT_S:
            return sorted(signalled)
        wanted = signal.SIGKILL if elapsed >= grace_s else signal.SIGTERM
        for pid in look.found:
            if signalled.get(pid) is not wanted and _signal(pid, wanted, needle):
                signalled[pid] = wanted
        await asyncio.sleep(POLL_S)
        look = _Look()


def _remember_unreaped(pid: int, ticks: int) -> None:
    if len(_unreaped) >= UNREAPED_MAX:
        _unreaped.clear()
    _unreaped.add((pid, ticks))


def _is_starting(pid: int, ticks: int) -> bool:
    """Whether this is a young process that has a program (kernel threads and zombies have none)."""
    if time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / _TICKS > YOUNG_S:
        return False
    try:
        return bool(os.readlink(PROC / str(pid) / "exe"))
    except OSError:
        return False


def _state(pid: int) -> tuple[str, int]:
    """The state of a process and its start in ticks."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return _GONE, 0
    fields = stat[stat.rfind(")") + 2 :].split()
    return fields[0], int(fields[19])


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


def _pids() -> list[int]:
    if on_linux():
        with suppress(OSError):
            return [int(name) for name in os.listdir(PROC) if name.isdigit()]
    return []


def _carries(pid: int, needle: bytes) -> bool:
    environ = _environ(pid)
    return environ is not None and needle in environ


def _environ(pid: int) -> bytes | None:
    """The variables of a process between zero bytes, no variable where there is none; None where they are not ours."""
    # Paths and buffered files would take four times as long, for every process of the machine after every command.
    try:
        descriptor = os.open(f"{PROC}/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return None
    except OSError:
        return _NO_ENVIRONMENT
    try:
        parts = [b"\0"]
        while part := os.read(descriptor, READ_BYTES):
            parts.append(part)
    except OSError:
        return _NO_ENVIRONMENT
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
