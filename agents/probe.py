"""Short questions to an agent's program, such as its version: bounded in time and output, and nothing is left of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.guarding import GUARDING

READ_BYTES = 256 * 1024  # at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed, the beginning of each stream, and its exit code."""

    code: int
    out: str
    err: str


async def ask(
    argv: Sequence[str], env: Mapping[str, str], timeout_s: float, most_bytes: int, cwd: Path | None = None
) -> Answer:
    """Run `argv` to its end, without input. Raises `OSError` where it cannot start, `TimeoutError` for one that hangs;
    in every case the program and its group are gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            with GUARDING.command(process.pid):
                out, err = await asyncio.gather(_some(process.stdout, most_bytes), _some(process.stderr, most_bytes))
                return Answer(await process.wait(), out, err)
    finally:
        await _end(process)


async def _some(stream: asyncio.StreamReader | None, most_bytes: int) -> str:
    """The beginning of a stream; the rest is read and forgotten."""
    assert stream is not None  # noqa: S101 - both are pipes
    kept = bytearray()
    while chunk := await stream.read(READ_BYTES):
        kept += chunk[: most_bytes - len(kept)]
    return kept.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
