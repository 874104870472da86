"""Turning a call into a child process: the prompt as a file, the launcher in front, a session of its own."""

from __future__ import annotations

import asyncio
import os

from agents import launch
from agents.spare import SPARE, Start, memory_file
from agents.spec import AgentSpec

NOT_FOUND = "was not found"


def prompt_file(prompt: str) -> int:
    """An anonymous file in memory that holds the prompt, as a descriptor at its beginning.

    As stdin it never blocks, never breaks and always ends, whether the agent reads it or not; it has no name that
    others could open, and no limit of size as a pipe or an argument has.
    """
    return memory_file(prompt.encode("utf-8", "replace"))


async def spawn(
    protocol: asyncio.SubprocessProtocol, start: Start, prompt: str | None, stdout: int
) -> asyncio.SubprocessTransport:
    """Starts an agent in its own session, by the launcher that waits or by a new one; prompt None makes stdin a pipe.

    The descriptor is closed. Raises OSError and ValueError.
    """
    stdin = None if prompt is None else prompt_file(prompt)
    try:
        transport = SPARE.become(protocol, start, stdout, stdin)
        if transport is None:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: protocol,
                *start.launcher,
                stdin=asyncio.subprocess.PIPE if stdin is None else stdin,
                stdout=stdout,
                cwd=start.cwd,
                env=start.env,
                start_new_session=True,
            )
    finally:
        for descriptor in (stdin, stdout):
            if descriptor is not None:
                os.close(descriptor)
    return transport


def is_program_missing(reason: str) -> bool:
    """Whether a call could not be started because its program is not there; that of `not_found`, or the launcher's."""
    return NOT_FOUND in reason or reason.lower().startswith(launch.CANNOT_START)


def not_found(spec: AgentSpec) -> str:
    """The sentence for a missing program."""
    return (
        f"The command {spec.command[0]!r} of the agent {spec.name} {NOT_FOUND}: "
        "install it, or name its full path in the settings."
    )
