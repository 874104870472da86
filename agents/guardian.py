"""Ends everything that the server has started, once the server is gone. A process of its own.

Run as a script: `python -I -S guardian.py SERVER_PID`, standard input a socket whose other end only the server has.
The connection's end is the server's end, whatever caused it: SIGKILL, a crash, the end of its parent. Until then it
hears lines: `mark PREFIX` and `cgroup PATH` name what belongs to the server, `start PID SIGNAL g|p` and `end PID` a
command that leads a process group and how it is ended, `hold NUMBER` and `drop NUMBER` an agent's stdout and its
recording (`held_streams.py`), which come with the line, `bye` that the server ends by itself and has left nothing.

A process belongs to the server if its environment holds the mark, if it is in a group or session of a running command,
in the server's control group, or a descendant of one of these. Descendants are also looked for while commands run,
since a process that has lost its parents, its group and its environment cannot be recognised later. A process that
must run to its end (git writing the user's tree) carries another mark and is left alone. Only the standard library's
smallest modules are imported: less than 12 MB and 20 ms.
"""

from __future__ import annotations

import _socket  # `socket` imports as much again as all of this
import os
import select
import signal
import sys
import time

if __package__:
    from agents.held_streams import DESCRIPTORS, INT_BYTES, HeldStreams
    from agents.process_table import Process, has_proc, read_table, start_of
else:  # run as a script: without the package, and all that it would import
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    from held_streams import DESCRIPTORS, INT_BYTES, HeldStreams  # type: ignore[import-not-found,no-redef]
    from process_table import Process, has_proc, read_table, start_of  # type: ignore[import-not-found,no-redef]

MARK_VARIABLE = "SPRINT_RUNNER_MARK"
TO_ITS_END = "to-its-end"  # the mark of what is never ended
TERM_S = 0.8  # after the adapter's own signal: SIGTERM to everything that is left
KILL_S = 1.6  # after the server's end: SIGKILL
GIVE_UP_S = 10.0  # what SIGKILL has not ended by then is stuck in the kernel
LOOK_S = 0.05  # between looks while something is being ended
QUIET_LOOKS = 3  # in a row without a find: a process in the middle of an exec has no environment to read
REMEMBER_S = 1.0  # between looks at the descendants of running commands
READ_BYTES = 1 << 16
CGROUP_S = 60.0  # until an empty control group can be removed; what runs to its end holds it

_EXEMPT = f"\0{MARK_VARIABLE}={TO_ITS_END}\0".encode()
_NEVER = "\n"  # no environment holds it


class ControlCommand:
    """A process that the server has started as the leader of a group."""

    __slots__ = ("number", "started", "to_group")

    def __init__(self, started: bytes | None, number: int, to_group: bool) -> None:
        self.started, self.number, self.to_group = started, number, to_group


class Guardian:
    """What belongs to one server, and its end."""

    def __init__(self, server: int) -> None:
        self._spared = {os.getpid(), server, 0, 1}
        self._mark = _NEVER.encode()
        self._cgroup: str | None = None
        self._commands: dict[int, ControlCommand] = {}
        self._known: dict[int, bytes] = {}
        self._rest = b""
        self.streams = HeldStreams()
        self.ended_well = False

    # -- while the server lives

    @property
    def idle(self) -> bool:
        """Whether no command runs whose descendants have to be remembered."""
        return not self._commands

    def feed(self, data: bytes) -> None:
        """Take what the server has written."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._read(line.decode("utf-8", "surrogateescape"))

    def _read(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "mark":
            self._mark = f"\0{MARK_VARIABLE}={rest}".encode("utf-8", "surrogateescape")
        elif word == "cgroup":
            self._cgroup = rest
        elif word == "start":
            pid, number, whom = rest.split()
            self._commands[int(pid)] = ControlCommand(start_of(int(pid)), int(number), whom == "g")
        elif word == "end":
            self._commands.pop(int(rest), None)
        elif word == "hold":
            self.streams.hold(int(rest))
        elif word == "drop":
            self.streams.drop(int(rest))
        elif word == "bye":
            self.ended_well = True

    def remember(self) -> None:
        """Note all descendants of running commands."""
        table = read_table(environments=False)
        self._known = {pid: at for pid, at in self._known.items() if pid in table and table[pid].started == at}
        roots = {pid for pid, command in self._commands.items() if _is_same(table, pid, command.started)}
        self._note(table, _with_descendants(table, roots | self._known.keys()))

    def _note(self, table: dict[int, Process], pids: set[int]) -> None:
        self._known.update((pid, table[pid].started) for pid in pids)

    # -- afterwards

    def end_all(self) -> None:
        """The adapter's own signal first, then SIGTERM, then SIGKILL; until nothing is found any more."""
        began, quiet = time.monotonic(), 0
        sent: dict[int, int] = {}
        found = self._find(read_table())
        self._signal_commands(found)
        while quiet < QUIET_LOOKS and time.monotonic() - began < GIVE_UP_S:
            self.streams.drain()  # an agent whose pipe is full cannot print what it has cost
            quiet = 0 if found else quiet + 1
            elapsed = time.monotonic() - began
            if elapsed >= KILL_S:
                self._kill(found)
            elif elapsed >= TERM_S:
                for pid in found:
                    if sent.setdefault(pid, 0) == 0:
                        sent[pid] = _signal(pid, self._known[pid], signal.SIGTERM)
            time.sleep(LOOK_S)
            found = self._find(read_table())
        self.streams.drain()

    def _find(self, table: dict[int, Process]) -> set[int]:
        """Everything that belongs to the server; known from now on, even when its parents are gone."""
        self._known = {pid: at for pid, at in self._known.items() if pid in table and table[pid].started == at}
        groups = {
            pid for pid, command in self._commands.items() if pid not in table or _is_same(table, pid, command.started)
        }
        roots = set(self._known) | self._in_cgroup(table)
        for pid, process in table.items():
            environment = process.environment
            if {process.group, process.session} & groups or (environment is not None and self._mark in environment):
                roots.add(pid)
        found = {pid for pid in _with_descendants(table, roots) - self._spared if not _is_exempt(table[pid])}
        self._note(table, found)
        return found

    def _in_cgroup(self, table: dict[int, Process]) -> set[int]:
        if self._cgroup is None:
            return set()
        try:
            with open(f"{self._cgroup}/cgroup.procs", "rb") as file:
                return {int(line) for line in file} & table.keys()
        except OSError:
            return set()

    def _signal_commands(self, found: set[int]) -> None:
        for pid, command in self._commands.items():
            try:
                # The leader may be gone (a wrapper that died with the server); what it has started is in its group.
                if pid in found and not command.to_group:
                    os.kill(pid, command.number)
                else:
                    os.killpg(pid, command.number)
            except OSError:
                continue

    def _kill(self, found: set[int]) -> None:
        """Stopped first, so that nothing can fork while it is being ended."""
        for pid in found:
            _signal(pid, self._known[pid], signal.SIGSTOP)
        for pid in self._find(read_table()):
            _signal(pid, self._known[pid], signal.SIGKILL)

    def remove_cgroup(self) -> None:
        """Remove the server's control group as soon as it is empty."""
        ends = time.monotonic() + CGROUP_S
        while self._cgroup is not None and time.monotonic() < ends:
            try:
                os.rmdir(self._cgroup)
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(LOOK_S)


def _is_same(table: dict[int, Process], pid: int, started: bytes | None) -> bool:
    return pid in table and (started is None or table[pid].started == started)


def _is_exempt(process: Process) -> bool:
    return process.environment is not None and _EXEMPT in process.environment


def _with_descendants(table: dict[int, Process], roots: set[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, process in table.items():
        children.setdefault(process.parent, []).append(pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in table]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, ())
    return found


def _signal(pid: int, started: bytes, number: int) -> int:
    """Signal a process if it is still that one; the signal's number."""
    try:
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        try:
            if start_of(pid) != started:
                return number
            if handle is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(handle, number)
        finally:
            if handle is not None:
                os.close(handle)
    except OSError:
        pass  # it has ended
    return number


# -- the process -------------------------------------------------------------------------------------------------


def main(server: int) -> None:
    """Until the pipe ends; then until nothing of the server is left."""
    _rename()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with the server, and after it
    guardian, due = Guardian(server), 0.0
    connection = _socket.socket(fileno=os.dup(0))
    while True:
        ready, _, _ = select.select([0], [], [], None if guardian.idle else REMEMBER_S)
        if ready:
            data = _receive(connection, guardian.streams)
            if not data:
                break
            guardian.feed(data)
        if has_proc() and not guardian.idle and time.monotonic() >= due:
            guardian.remember()
            due = time.monotonic() + REMEMBER_S
    if not guardian.ended_well:
        guardian.end_all()
    guardian.streams.close()
    guardian.remove_cgroup()


def _receive(connection: _socket.socket, streams: HeldStreams) -> bytes:
    """What the server has sent, nothing at its end; descriptors go to the streams."""
    try:
        data, ancillary, _, _ = connection.recvmsg(READ_BYTES, _socket.CMSG_SPACE(DESCRIPTORS * INT_BYTES))
    except OSError:
        return b""
    streams.receive(ancillary)
    return data


def _rename() -> None:
    """A command that ends every `python` by its name is meant for the server, not for the guardian of its agents."""
    try:
        with open("/proc/self/comm", "w") as file:
            file.write("sprint-guardian")
    except OSError:
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
