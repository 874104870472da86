"""Turning a call into a child process: the prompt as a file, the launcher in front, a session of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from agents import launch
from agents.spec import AgentSpec

LAUNCHER = Path(launch.__file__)
NOT_FOUND = "was not found"


def prompt_file(prompt: str) -> int:
    """An anonymous file in memory that holds the prompt, as a descriptor at its beginning.

    As stdin it never blocks, never breaks and always ends, whether the agent reads it or not; it has no name that
    others could open, and no limit of size as a pipe or an argument has.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("prompt", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    view = memoryview(prompt.encode("utf-8", "replace"))
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


async def spawn(
    protocol: asyncio.SubprocessProtocol,
    argv: list[str],
    env: Mapping[str, str],
    cwd: Path,
    prompt: str | None,
    stdout: int = asyncio.subprocess.PIPE,
) -> asyncio.SubprocessTransport:
    """Starts `argv` in its own session with the prompt as stdin, None for a pipe; a descriptor as stdout is closed.
    Raises OSError."""
    stdin = asyncio.subprocess.PIPE if prompt is None else prompt_file(prompt)
    try:
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: protocol, *argv, stdin=stdin, stdout=stdout, cwd=cwd, env=env, start_new_session=True
        )
    finally:
        if stdin >= 0:
            os.close(stdin)
        if stdout >= 0:
            os.close(stdout)
    return transport


def launched(program: str, argv: list[str], death_signal: signal.Signals | None) -> list[str]:
    """The command line that becomes `argv` and, with a signal, dies with this process (Linux; elsewhere `argv`)."""
    if not sys.platform.startswith("linux"):
        return [program, *argv[1:]]
    launcher = [sys.executable, "-I", "-S", "-B", str(LAUNCHER), str(os.getpid()), str(int(death_signal or 0)), program]
    return [*launcher, *argv]


def is_program_missing(reason: str) -> bool:
    """Whether a call could not be started because its program is not there; that of `not_found`, or the launcher's."""
    return NOT_FOUND in reason or reason.lower().startswith(launch.CANNOT_START)


def not_found(spec: AgentSpec) -> str:
    """The sentence for a missing program."""
    return (
        f"The command {spec.command[0]!r} of the agent {spec.name} {NOT_FOUND}: "
        "install it, or name its full path in the settings."
    )
