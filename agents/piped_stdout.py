"""The pipe that an agent prints into: its bytes go to the recording first, and then to the reader.

The guardian has the reading end open, too, and reads it once the server is gone. So what the agent has printed is in
the pipe or in the recording at every moment, whatever is killed.
"""

from __future__ import annotations

import asyncio
import os

from agents.guarding import GUARDING
from agents.pipes import STDOUT, Pipes
from agents.stream_file import StreamFile


class PipedStdout:
    """The stdout of one call, passed on to `pipes` as it comes."""

    def __init__(self, recording: StreamFile, pipes: Pipes) -> None:
        self._recording, self._pipes = recording, pipes
        self._pipe: int | None = None
        self._held: int | None = None
        self._ready = asyncio.Event()
        self._over = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> int:
        """The descriptor that becomes the agent's stdout. Raises OSError."""
        self._pipe, writing = os.pipe()
        os.set_blocking(self._pipe, False)
        if self._recording.descriptor is not None:
            self._held = GUARDING.hold(self._pipe, self._recording.descriptor)
        return writing

    def start(self) -> None:
        """Begin to read; ends by itself at the end of the pipe."""
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(lambda _: self._pipes.pipe_connection_lost(STDOUT, None))

    def insert(self, line: bytes) -> None:
        """Record a line of ours, between two of the agent."""
        self._recording.insert(line)
        self._ready.set()

    async def finish(self) -> OSError | None:
        """Read no more, also where a process holds the pipe open; why it could not be read."""
        self._over = True
        self._ready.set()
        (result,) = await asyncio.gather(self._task, return_exceptions=True) if self._task is not None else (None,)
        self._close()
        if result is None or isinstance(result, OSError):
            return result
        raise result  # a fault of ours: else the call would look like one that was cut off

    def _close(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)
        if self._held is not None:
            GUARDING.drop(self._held)

    async def _read(self) -> None:
        assert self._pipe is not None  # noqa: S101 - opened before the start
        loop = asyncio.get_running_loop()
        while True:
            await self._until_ready(self._pipe)
            await self._pipes.until_room()
            if self._over:
                return
            data = await loop.run_in_executor(None, self._recording.move, self._pipe)
            if data:
                self._pipes.pipe_data_received(STDOUT, data)
            elif data is not None:
                return

    async def _until_ready(self, pipe: int) -> None:
        """Until the agent has printed something, or we have a line to record."""
        loop = asyncio.get_running_loop()
        loop.add_reader(pipe, self._ready.set)
        try:
            await self._ready.wait()
        finally:
            loop.remove_reader(pipe)  # it would be called all the time until the thread has read
            self._ready.clear()
