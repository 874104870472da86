"""Becomes the agent, after asking the kernel to signal it when the server dies (Linux only).

The agent also becomes the parent of every descendant whose own parents have ended, so that its tree can be followed
whatever it forks; this, too, survives `exec`.

Run as a script: `python -I -S launch.py PARENT_PID SIGNAL PROGRAM ARG0 [ARG…]`. It imports almost nothing, costs about
12 ms, and leaves no process behind: `exec` keeps the pid, the session, the standard streams and the request. Doing this
in the child itself avoids code between fork and exec in a process with threads. The signal fires when the *thread* that
forked ends; the server forks on its event loop, which lives as long as the server. SIGNAL 0 asks for nothing.
"""

from __future__ import annotations

import os
import sys
from ctypes import CDLL

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CANNOT_START_EXIT = 127
CANNOT_START = "cannot start the agent:"


def main(argv: list[str]) -> int:
    """Replaces this process; returns an exit code only if that fails."""
    parent, number, program, *command = argv
    libc = CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.getppid() != int(parent):  # the server died before the request was in force
        return 1
    try:
        os.execv(program, command)  # noqa: S606 - the agent's argv, no shell
    except OSError as error:
        sys.stderr.write(f"{CANNOT_START} {program}: {error.strerror}\n")
    return CANNOT_START_EXIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
