"""Becomes the agent, after asking the kernel to signal it when the server dies (Linux only).

The agent also becomes the parent of every descendant whose own parents have ended, so that its tree can be followed
whatever it forks; this, too, survives `exec`.

Run as a script: `python -I -S launch.py PARENT_PID SIGNAL PROGRAM ARG0 [ARG…]`. It costs little more than the start of
the interpreter, 11 ms, and leaves no process behind: `exec` keeps the pid, the session, the standard streams and the
request. Doing this in the child itself avoids code between fork and exec in a process with threads. The signal fires
when the *thread* that forked ends; the server forks on its event loop, which lives as long as the server. SIGNAL 0 asks
for nothing.

As `launch.py PARENT_PID wait SOCKET` it waits for what it becomes: one message of one byte, with the descriptors of a
file that holds the call, of the standard output and, where it is not to stay, of the standard input. At the end of the
socket, whose other end only the server has, it ends.
"""

from __future__ import annotations

import os
import sys

WAIT = "wait"
DESCRIPTORS = 3  # of one message, at the most
INT_BYTES = 4

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


Call = tuple[int, bytes, list[bytes], dict[bytes, bytes], bytes]  # signal, program, arguments, variables, folder


def receive(number: int) -> Call | None:
    """Wait for a call at a socket; None at the server's end."""
    import _socket  # `socket` imports as much again as all of this
    import marshal

    connection = _socket.socket(fileno=number)
    data, ancillary, _, _ = connection.recvmsg(1, _socket.CMSG_SPACE(DESCRIPTORS * INT_BYTES))
    connection.close()
    if not data:
        return None
    numbers = ancillary[0][2]
    content, *streams = [
        int.from_bytes(numbers[at : at + INT_BYTES], sys.byteorder) for at in range(0, len(numbers), INT_BYTES)
    ]
    for place, descriptor in zip((1, 0), streams, strict=False):
        os.dup2(descriptor, place)
        os.close(descriptor)
    with open(content, "rb") as file:
        call: Call = marshal.loads(file.read())  # noqa: S302 - of the server, in a file that has no name
    return call


def become(number: int, program: str, command: list[str], environment: dict[str, str] | None = None) -> int:
    """Replaces this process; returns an exit code only if that fails. All texts may be bytes."""
    prctl(PR_SET_PDEATHSIG, number)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != int(sys.argv[1]):  # the server died before the request was in force
        return 1
    try:
        if environment is None:
            os.execv(program, command)  # noqa: S606 - the agent's argv, no shell
        os.execve(program, command, environment)  # noqa: S606
    except OSError as error:
        return refuse(os.fsdecode(program), error)


def refuse(what: str, error: OSError) -> int:
    """Say why there is no agent; return the exit code."""
    sys.stderr.write(f"{CANNOT_START} {what}: {error.strerror}\n")
    return CANNOT_START_EXIT


def main(argv: list[str]) -> int:
    """Replaces this process; returns an exit code only if that fails."""
    if argv[1] != WAIT:
        _, number, program, *command = argv
        return become(int(number), program, command)
    call = receive(int(argv[2]))
    if call is None:
        return 0
    death_signal, path, words, environment, folder = call
    try:
        os.chdir(folder)
    except OSError as error:
        return refuse(f"in {os.fsdecode(folder)}", error)
    return become(death_signal, path, words, environment)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
