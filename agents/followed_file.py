"""A file that an agent prints into, read as it grows.

Some programs end before their pipe is flushed and lose the end of their stream; into a file every write is complete.
The file is the call's recording, so nothing is written twice. The end is known by the process's end: what it has
written by then is all there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from agents.pipes import STDOUT, Pipes
from agents.stream_file import FILE_MODE, make_private

LOOK_S = 0.05  # between looks: a page shows a line that much later
CHUNK_BYTES = 256 * 1024  # of one read


def open_for_writing(path: Path) -> int:
    """An empty file, readable by the owner alone, as a descriptor that always appends. Raises OSError."""
    make_private(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(descriptor, FILE_MODE)  # an existing file keeps its mode otherwise
    return descriptor


class FollowedStdout:
    """The recording of one call as its stdout, passed on as if it came through a pipe."""

    def __init__(self, path: Path, pipes: Pipes) -> None:
        self._path, self._pipes = path, pipes
        self._task: asyncio.Task[None] | None = None

    def insert(self, line: bytes) -> None:
        """No program that prints into its recording is talked to."""

    async def open(self) -> int:
        """The descriptor that becomes the agent's stdout. Raises OSError."""
        return await asyncio.to_thread(open_for_writing, self._path)

    def start(self) -> None:
        """Begin to read; ends by itself after the agent."""
        receive = partial(self._pipes.pipe_data_received, STDOUT)
        reading = follow(self._path, self._pipes.exited, lambda: self._pipes.full, receive)
        self._task = asyncio.create_task(reading)
        self._task.add_done_callback(lambda _: self._pipes.pipe_connection_lost(STDOUT, None))

    async def finish(self) -> OSError | None:
        """Wait for the end of the stream, or give up where the agent could not be ended; why it could not be read."""
        if self._task is None:
            return None  # the agent could not be started
        if not self._pipes.exited.is_set():
            self._task.cancel()
        (result,) = await asyncio.gather(self._task, return_exceptions=True)
        return result if isinstance(result, OSError) else None


async def follow(
    path: Path, ended: asyncio.Event, is_behind: Callable[[], bool], receive: Callable[[bytes], None]
) -> None:
    """Call `receive` with what is written until nothing comes after `ended`; slower while the receiver is behind."""
    descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            over = ended.is_set()  # before the read: what was written before the end is in it
            if is_behind():
                await asyncio.sleep(LOOK_S)
            elif chunk := os.read(descriptor, CHUNK_BYTES):  # from the page cache
                receive(chunk)
                await asyncio.sleep(0)
            elif over:
                return
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), LOOK_S)
    finally:
        os.close(descriptor)
