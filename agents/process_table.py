"""All processes of this system with what identifies them: parent, group, session, start, environment.

Read from /proc, elsewhere from `ps`. For the guardian, which imports nothing but the smallest modules.
"""

from __future__ import annotations

import os
import sys

_PROC = "/proc"


class Process:
    """What is known of one living process. `started` distinguishes it from a later one with the same pid."""

    __slots__ = ("environment", "group", "parent", "session", "started")

    def __init__(self, parent: int, group: int, session: int, started: bytes, environment: bytes | None) -> None:
        self.parent, self.group, self.session = parent, group, session
        self.started = started
        self.environment = environment


def has_proc() -> bool:
    """Whether processes are read from /proc; elsewhere from `ps`."""
    return sys.platform.startswith("linux")


def read_table(environments: bool = True) -> dict[int, Process]:
    """All living processes by pid, zombies left out; `environments` as far as they are ours to read."""
    return _read_proc(environments) if has_proc() else read_ps()


def _read_proc(environments: bool) -> dict[int, Process]:
    table: dict[int, Process] = {}
    for name in os.listdir(_PROC):
        if not name.isdigit():
            continue
        try:
            with open(f"{_PROC}/{name}/stat", "rb") as file:
                fields = _fields(file.read())
        except OSError:
            continue
        if fields[0] in b"ZX":
            continue
        environment = _environment(name) if environments else None
        table[int(name)] = Process(int(fields[1]), int(fields[2]), int(fields[3]), fields[19], environment)
    return table


def _fields(stat: bytes) -> list[bytes]:
    """From the state on; the name before it may hold spaces and brackets."""
    return stat[stat.rfind(b")") + 2 :].split()


def _environment(pid: str) -> bytes | None:
    try:
        with open(f"{_PROC}/{pid}/environ", "rb") as file:
            return b"\0" + file.read() + b"\0"
    except OSError:
        return None


def read_ps() -> dict[int, Process]:
    """From `ps`, with the environment behind the command line, where the system shows it; words instead of bytes."""
    import subprocess  # only where there is no /proc: it costs as much as all the rest

    shown = "-axEww" if sys.platform == "darwin" else "axeww"
    columns = "pid=,ppid=,pgid=,stat=,lstart=,command="
    clean = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(["ps", shown, "-o", columns], capture_output=True, env=clean, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return {}
    table: dict[int, Process] = {}
    for line in done.stdout.splitlines():
        words = line.split(None, 9)
        if len(words) == 10 and not words[3].startswith(b"Z"):
            pid, parent, group = int(words[0]), int(words[1]), int(words[2])
            environment = b"\0" + words[9].replace(b" ", b"\0") + b"\0"
            table[pid] = Process(parent, group, group, b" ".join(words[4:9]), environment)
    return table


def start_of(pid: int) -> bytes | None:
    """When a process was started, in the words of the system; None where there is none."""
    if not has_proc():
        process = read_ps().get(pid)
        return None if process is None else process.started
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            return _fields(file.read())[19]
    except OSError:
        return None
