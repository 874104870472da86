"""Becomes the agent, after asking the kernel to signal it when the server dies (Linux only).

The agent also becomes the parent of every descendant whose own parents have ended, so that its tree can be followed
whatever it forks; this, too, survives `exec`.

Run as a script: `python -I -S launch.py PARENT_PID SIGNAL PROGRAM ARG0 [ARG…]`. It costs little more than the start of
the interpreter, 11 ms, and leaves no process behind: `exec` keeps the pid, the session, the standard streams and the
request. Doing this in the child itself avoids code between fork and exec in a process with threads. The signal fires
when the *thread* that forked ends; the server forks on its event loop, which lives as long as the server. SIGNAL 0 asks
for nothing.
"""

from __future__ import annotations

import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CANNOT_START_EXIT = 127
CANNOT_START = "cannot start the agent:"


def prctl(option: int, value: int) -> None:
    """Ask the kernel for something that this process keeps over `exec`."""
    try:  # what ctypes is made of: importing that takes half as long again as the interpreter's start
        from _ctypes import call_function, dlopen, dlsym
    except ImportError:
        from ctypes import CDLL

        CDLL(None).prctl(option, value, 0, 0, 0)
    else:
        program = dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]
        call_function(dlsym(program, "prctl"), (option, value, 0, 0, 0))


def main(argv: list[str]) -> int:
    """Replaces this process; returns an exit code only if that fails."""
    parent, number, program, *command = argv
    prctl(PR_SET_PDEATHSIG, int(number))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != int(parent):  # the server died before the request was in force
        return 1
    try:
        os.execv(program, command)  # noqa: S606 - the agent's argv, no shell
    except OSError as error:
        sys.stderr.write(f"{CANNOT_START} {program}: {error.strerror}\n")
    return CANNOT_START_EXIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
