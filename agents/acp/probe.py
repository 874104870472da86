"""Whether a program speaks the protocol, and which version of itself it is: one `initialize`, then it is ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from agents import json_values
from agents.acp.handshake import initialize
from agents.acp.protocol import INITIALIZE, VERSIONS, Message, Request, error_words, read_line
from agents.environment import find_program
from agents.guardian import MARK_VARIABLE
from agents.guarding import GUARDING
from agents.marks import sweep_exact
from agents.spec import AgentSpec, Preflight
from agents.text import last_words, sentence

PROBE_S: Final = 60.0  # node programs take up to 15 s on a busy machine, and longer through npx
LINE_BYTES: Final = 1024 * 1024  # of an answer to `initialize`
STDERR_BYTES: Final = 64 * 1024
SWEEP_S: Final = 1.0  # between SIGTERM and SIGKILL: it has begun nothing
_numbers: Final = itertools.count(1)


async def probe(spec: AgentSpec, env: Mapping[str, str], timeout_s: float = PROBE_S) -> Preflight:
    """The version line and the sentence for the operator if it cannot be used. Never raises for what it does."""
    program = find_program(spec.command[0], env, spec.home)
    argv = [program or spec.command[0], *spec.command[1:]]
    # A mark of its own: these programs start others in sessions of their own, which must end with the question.
    mark = f"{env.get(MARK_VARIABLE, f'{os.getpid()}:probe')}-{next(_numbers)}"
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**env, MARK_VARIABLE: mark},
            cwd=spec.home,
            start_new_session=True,
            limit=LINE_BYTES,
        )
    except OSError as error:
        return Preflight(None, f"The agent {spec.name} could not be started: {error.strerror or error}.")
    try:
        async with asyncio.timeout(timeout_s):
            with GUARDING.command(process.pid):
                return await _greeted(spec, process)
    except TimeoutError:
        return Preflight(None, f"The agent {spec.name} did not answer `initialize` within {timeout_s:g} s.")
    finally:
        await sweep_exact(mark, SWEEP_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _greeted(spec: AgentSpec, process: asyncio.subprocess.Process) -> Preflight:
    assert process.stdin is not None  # noqa: S101 - all three are pipes
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    stderr = asyncio.create_task(process.stderr.read(STDERR_BYTES))
    process.stdin.write(msgspec.json.encode(Request(INITIALIZE, initialize(spec.protocol_version, {}), 1)) + b"\n")
    try:
        with suppress(ValueError, ConnectionError):  # ValueError: a line that is longer than any answer
            while line := await process.stdout.readline():
                for message in read_line(line).messages:
                    if message.is_answer:
                        return _answered(spec, message)
        words = last_words((await stderr).decode("utf-8", "replace")) or "it printed nothing"
        code = await process.wait()
        return Preflight(None, sentence(f"the agent {spec.name} cannot run (exit code {code}): {words}"))
    finally:
        stderr.cancel()


def _answered(spec: AgentSpec, message: Message) -> Preflight:
    if message.error is not None:
        return Preflight(None, sentence(f"the agent {spec.name} refuses `initialize`: {error_words(message.error)}"))
    spoken = message.result.get("protocolVersion")
    if spoken not in VERSIONS or spoken > spec.protocol_version:
        problem = f"the agent {spec.name} speaks version {spoken!r} of the Agent Client Protocol"
        return Preflight(None, f"{sentence(problem)} It is not spoken here.")
    info = json_values.as_object(message.result.get("agentInfo") or message.result.get("info"))
    named = [json_values.as_text(info.get("title")) or json_values.as_text(info.get("name"))]
    named.append(json_values.as_text(info.get("version")))
    return Preflight(" ".join(part for part in named if part) or None, None)
