"""When a process was started, in a form that no other process of this machine has with the same id."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
PS_S: Final = 5.0  # seconds for `ps`, where there is no /proc
_GONE: Final = ("Z", "X")  # states of a process that has ended and waits for its parent


def process_start(pid: int) -> str | None:
    """Return what identifies the start of a living process; None where there is no such process."""
    if sys.platform != "linux":
        return _start_by_ps(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in parentheses may contain anything, blanks and parentheses included.
    fields = stat[stat.rfind(")") + 2 :].split()
    return None if fields[0] in _GONE else f"{_boot_id()}:{fields[19]}"


@cache
def _boot_id() -> str:
    """Return the id of this boot: ticks are counted from it, so that a service has nearly the same ones every time."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _start_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PS_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
