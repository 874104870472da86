"""The subprocess protocol of one agent: chunks of stdout for a reader, stderr into a tail, exit and EOF as events.

Stdout is no pipe of asyncio's: who reads it (`piped_stdout.py`, `followed_file.py`) calls `pipe_data_received` and
`pipe_connection_lost`, and waits while the parser is behind, so that memory stays bounded and the agent is held back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

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
        self._deaf = False
        self.stderr = Tail(STDERR_BYTES)
        self.exited = asyncio.Event()
        self.eof = asyncio.Event()
        self.drained = asyncio.Event()  # stdout and stderr are both at their end
        self.readable = asyncio.Event()
        self._room = asyncio.Event()
        self._open = {STDOUT, STDERR}

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

    @property
    def full(self) -> bool:
        """Whether more waits for the reader than should."""
        return self._waiting > MAX_WAITING_BYTES

    async def until_room(self) -> None:
        """Wait until the reader has caught up."""
        while self.full:
            self._room.clear()
            await self._room.wait()

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
        if not self.full:
            self._room.set()
        return chunk
