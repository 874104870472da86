"""The server's side of the guardian: starts it, names to it what is started, starts it again should it die.

One for the process, since what it looks after is the process's children. Before `start` (in the commands that look at
a project and end) nothing is sent and nothing is started.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from signal import SIGTERM

from agents import cgroup, guardian, process_table
from agents.adapter import Step
from agents.guardian import MARK_VARIABLE

RESTART_S = 1.0  # between starts of a guardian that dies at once
SERVER_COMMAND = "server"  # behind the epoch in the mark of what is no agent's

log = logging.getLogger("sprint_runner.run")


@dataclass(frozen=True, slots=True)
class GuardMeans:
    """By what the processes of a killed server are found on this system."""

    cgroup: bool
    proc: bool
    guardian: bool = True  # it runs, or will from the server's start

    @property
    def names(self) -> tuple[str, ...]:
        """The means that hold, the farthest-reaching first."""
        if not self.guardian:
            return ("parent-death signal",) if self.proc else ()
        reaching = (("control group", self.cgroup), ("mark", True), ("session", True), ("process group", True))
        return (*(name for name, holds in reaching if holds), *(("descent",) if self.proc else ()))

    @property
    def sentence(self) -> str:
        """For `check` and for the page."""
        if not self.guardian:
            return (
                "the guardian could not be started: of what the server has started, only its own children among the "
                "agents end with it" + (", by the parent-death signal" if self.proc else ", and none for certain")
            )
        if self.cgroup:
            return "everything that the server has started ends with it: by control group (cgroup v2), marks and groups"
        if self.proc:
            return (
                "what the server has started ends with it: by marks, process groups and descent; no control group may "
                "be made here, so a program that drops its environment, its group and its parents within a second of "
                "its start is not found"
            )
        return (
            "what the server has started ends with it: by process groups, and by marks where `ps` shows environments; "
            "there is no /proc here, so a program that drops its environment and its group is not found"
        )


def guard_means() -> GuardMeans:
    """What holds on this system, before or after the start."""
    entered = GUARDING.cgroup is not None
    allowed = entered or cgroup.is_allowed(cgroup.own_folder())
    return GuardMeans(allowed, process_table.has_proc(), not GUARDING.failed)


class Guarding:
    """The guardian of this process."""

    def __init__(self) -> None:
        self.cgroup: Path | None = None
        self.failed = False  # it could not be started
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._mark: str | None = None
        self._commands: dict[int, str] = {}
        self._streams: dict[int, tuple[int, int]] = {}
        self._numbers = count(1)
        self._started_at = 0.0
        self._again: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The guardian's process, None before `start`."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the guardian, then enter the control group, so that the guardian stays outside of it."""
        self._launch()
        self.cgroup = cgroup.enter(cgroup.own_folder())
        if self.cgroup is not None:
            self._send(f"cgroup {self.cgroup}")

    def watch(self, epoch: str) -> None:
        """Processes whose mark begins with this database's epoch are ours; those that are no agent's get one, too."""
        if self._process is None:
            return
        self._mark = f"{epoch}:"
        os.environ[MARK_VARIABLE] = f"{epoch}:{SERVER_COMMAND}"  # inherited by all that sets no mark of its own
        self._send(f"mark {self._mark}")

    @contextmanager
    def command(self, pid: int, ending: Sequence[Step] = ()) -> Iterator[None]:
        """While this runs, `pid` leads a group of ours; `ending` is how it is ended, SIGTERM to the group if empty."""
        step = ending[0] if ending else Step(SIGTERM, to_group=True)
        self._commands[pid] = f"start {pid} {int(step.signal)} {'g' if step.to_group else 'p'}"
        self._send(self._commands[pid])
        try:
            yield
        finally:
            self._commands.pop(pid, None)
            self._send(f"end {pid}")

    def hold(self, pipe: int, recording: int) -> int:
        """Have what is left in an agent's pipe appended to its recording, should this process end before `drop`.

        Returns the number for it. Raises OSError.
        """
        number = next(self._numbers)
        # Copies of ours, for another guardian should this one die: the pipe is closed by its reader at any time.
        self._streams[number] = os.dup(pipe), os.dup(recording)
        self._send(f"hold {number}", self._streams[number])
        return number

    def drop(self, number: int) -> None:
        """All of the pipe was read, or will not be."""
        for descriptor in self._streams.pop(number, ()):
            os.close(descriptor)
        self._send(f"drop {number}")

    def close(self) -> None:
        """Nothing of ours is left: the guardian ends with this process, and looks for nothing."""
        process, self._process = self._process, None
        if self._again is not None:
            self._again.cancel()
        if process is None:
            return
        self._send("bye")
        self._disconnect(process)
        process.returncode = 0  # it ends after us and is never waited for
        os.environ.pop(MARK_VARIABLE, None)

    # -- the process

    def _launch(self) -> None:
        """Raises nothing: a server that cannot start a process will say so when it starts an agent."""
        self._started_at = time.monotonic()
        argv = [sys.executable, "-I", "-S", "-B", guardian.__file__, str(os.getpid())]
        self._connection, its = socket.socketpair()
        try:
            process = subprocess.Popen(
                argv,
                stdin=its.fileno(),
                stdout=subprocess.PIPE,  # which says when it dies
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={name: value for name, value in os.environ.items() if name != MARK_VARIABLE},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            log.error("the guardian could not be started (%s): agents may outlive a killed server", error)
            self.failed = True
            self._connection.close()
            return
        finally:
            its.close()
        self.failed = False
        self._process = process
        assert process.stdout is not None  # noqa: S101 - a pipe
        self._connection.setblocking(False)
        asyncio.get_running_loop().add_reader(process.stdout.fileno(), self._lost)

    def _disconnect(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe
        assert self._connection is not None  # noqa: S101 - made with it
        asyncio.get_running_loop().remove_reader(process.stdout.fileno())
        process.stdout.close()
        self._connection.close()

    def _lost(self) -> None:
        """The guardian has died: another one takes over all that is known."""
        process = self._process
        if process is None:
            return
        self._disconnect(process)
        process.kill()
        process.wait()
        log.warning("the guardian has died; it is started again")
        wait = max(0.0, self._started_at + RESTART_S - time.monotonic())
        self._again = asyncio.get_running_loop().call_later(wait, self._restart)

    def _restart(self) -> None:
        self._launch()
        lines = [f"cgroup {self.cgroup}"] if self.cgroup else []
        lines += [f"mark {self._mark}"] if self._mark else []
        for line in (*lines, *self._commands.values()):
            self._send(line)
        for number, descriptors in self._streams.items():
            self._send(f"hold {number}", descriptors)

    def _send(self, line: str, descriptors: Sequence[int] = ()) -> None:
        if self._connection is not None:
            with suppress(OSError):  # closed, it has died, or it was stopped: `_lost` handles all
                data = f"{line}\n".encode("utf-8", "surrogateescape")
                if descriptors:
                    socket.send_fds(self._connection, [data], descriptors)
                else:
                    self._connection.send(data)


GUARDING = Guarding()
