"""The subprocess protocol of one agent: chunks of stdout for a reader, stderr into a tail, exit and EOF as events.

Reading pauses while the reader is behind, so that memory stays bounded and the agent feels the back-pressure.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from agents.lines import Tail

MAX_WAITING_BYTES = 512 * 1024  # read from the pipe and not yet taken; the pipe itself holds 64 KiB
STDERR_BYTES = 64 * 1024  # the end of stderr, where programs say why they failed
STDOUT, STDERR = 1, 2


class Pipes(asyncio.SubprocessProtocol):
    """Callbacks from the event loop; `on_exit` and `on_stderr` are called as it happens."""

    def __init__(self, on_exit: Callable[[], None], on_stderr: Callable[[bytes], None]) -> None:
        self._on_exit, self._on_stderr = on_exit, on_stderr
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._paused = self._deaf = False
        self._transport: asyncio.SubprocessTransport | None = None
        self.stderr = Tail(STDERR_BYTES)
        self.exited = asyncio.Event()
        self.eof = asyncio.Event()
        self.drained = asyncio.Event()  # stdout and stderr are both at their end
        self.readable = asyncio.Event()
        self._open = {STDOUT, STDERR}
        self._from_file = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == STDERR:
            self.stderr.add(data)
            self._on_stderr(data)
            return
        if self._deaf:
            return
        self._chunks.append(data)
        self._waiting += len(data)
        self.readable.set()
        if self._waiting > MAX_WAITING_BYTES and not self._paused and not self._from_file:
            self._stdout().pause_reading()
            self._paused = True

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if fd == STDOUT:
            self._end()
        if not self._open:
            self.drained.set()

    def process_exited(self) -> None:
        self.exited.set()
        self._on_exit()

    async def until_drained(self, rounds: int, eof_s: float, progress: Callable[[], float]) -> None:
        """Wait for the end of both pipes, `eof_s` at a time while something comes: an orphan may hold them open."""
        for _ in range(rounds):
            before = progress()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.drained.wait(), eof_s)
                return
            if progress() == before and not self.behind:
                return

    def give_up_reading(self) -> None:
        """What comes from now on is not taken: a process that outlives the agent may print for ever."""
        self._deaf = True
        self._end()

    def read_from_file(self) -> None:
        """Stdout is no pipe: the follower of the file calls `pipe_data_received` and `pipe_connection_lost`."""
        self._from_file = True

    @property
    def full(self) -> bool:
        """Whether more waits for the reader than should."""
        return self._waiting > MAX_WAITING_BYTES

    def _end(self) -> None:
        self.eof.set()
        self.readable.set()

    @property
    def behind(self) -> bool:
        """Whether chunks wait for the reader."""
        return bool(self._chunks)

    def take(self) -> bytes | None:
        """The next chunk, None when there is none now."""
        if not self._chunks:
            if not self.eof.is_set():
                self.readable.clear()
            return None
        chunk = self._chunks.popleft()
        self._waiting -= len(chunk)
        if self._paused and self._waiting < MAX_WAITING_BYTES // 2:
            self._paused = False
            self._stdout().resume_reading()
        return chunk

    def _stdout(self) -> asyncio.ReadTransport:
        assert self._transport is not None  # noqa: S101 - set before any data can arrive
        return cast(asyncio.ReadTransport, self._transport.get_pipe_transport(STDOUT))
