"""The process of a check: run with a time limit, and its whole group gone afterwards.

Memory is bounded whatever the check prints: of a long output the beginning and the end are kept.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents import GUARDING

CHECK_TIMEOUT_S: Final = 1800.0  # the project's own check
HEAD_BYTES: Final = 256 * 1024  # of the output that are kept from its beginning
TAIL_BYTES: Final = 256 * 1024  # and from its end
DRAIN_S: Final = 2.0  # for the last of the output, when the check has ended
TAIL_CHARS: Final = 2000  # of the output that go into the row and the reason: the end is where failures are summed up


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """How the check ended: exit code (None after the time limit) and output, its middle left out if it is long.

    `problem` says why it could not be started.
    """

    exit_code: int | None
    output: bytes
    duration_ms: int
    problem: str | None = None

    @property
    def tail(self) -> str:
        return self.output.decode(errors="replace")[-TAIL_CHARS:].strip()


async def run(argv: list[str], folder: Path) -> VerifyResult:
    """Run the check; the whole process group is gone afterwards."""
    began, problem = time.monotonic(), None
    source, sink = os.pipe()  # our own, so that it can be closed while something that left the group holds it
    kept = _Kept()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: kept, os.fdopen(source, "rb", 0))
    try:
        code = await _run(argv, folder, sink)
        with suppress(TimeoutError):
            await asyncio.wait_for(kept.ended.wait(), DRAIN_S)
    except OSError as error:
        code, problem = 127, error.strerror or str(error)
    finally:
        transport.close()
    return VerifyResult(code, kept.output(), round((time.monotonic() - began) * 1000), problem)


async def _run(argv: list[str], folder: Path, sink: int) -> int | None:
    """The exit code, None after the time limit. Closes our end of the pipe. Raises OSError."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=folder, start_new_session=True, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    finally:
        os.close(sink)
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            with GUARDING.command(process.pid):
                return await process.wait()
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):  # the usual case: no process of the group is left
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


class _Kept(asyncio.Protocol):
    """The beginning and the end of an output, as it comes; `ended` when nothing can be added to it any more."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = self._left_out = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        room = HEAD_BYTES - len(self._head)
        self._head += data[:room]
        if len(data) > room:
            self._tail.append(data[room:])
            self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0] if self._tail else b"") >= TAIL_BYTES:
            dropped = self._tail.popleft()
            self._tail_size -= len(dropped)
            self._left_out += len(dropped)

    def output(self) -> bytes:
        gap = f"\n… {self._left_out} bytes are left out here …\n".encode() if self._left_out else b""
        return bytes(self._head) + gap + b"".join(self._tail)
