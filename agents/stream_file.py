"""The raw recording of one call's stdout: exact bytes, owner-only, compressed when done.

`write` only collects; one task hands what was collected to a thread, in order. A disk that fails ends the recording,
never the run: the error is kept for the caller to report. Of a stream that is longer than any reader needs, the
beginning and the end are kept, and a line between them says how much is not.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from agents.lines import Tail
from base.files import replacing

FLUSH_BYTES = 128 * 1024  # collected before a write is worth a thread's wake-up
FLUSH_S = 0.5  # a transcript that is read while the agent runs lags by no more
MAX_PENDING_BYTES = 8 * 1024 * 1024  # beyond this the reader waits for the disk
MAX_BYTES = 256 * 1024 * 1024  # of the beginning; an hour of a busy agent with partial messages makes 50 MiB
TAIL_BYTES = 4 * 1024 * 1024  # of the end, where the reason of a failure is; held in memory until then
CUT = "[{size} bytes of the stream are left out here]"
FILE_MODE = 0o600  # prompts and file contents may be private
FOLDER_MODE = 0o700
GZIP_LEVEL = 4  # JSON shrinks tenfold at any level; this one takes about 20 ms per MB
COPY_BYTES = 1024 * 1024  # read at once while compressing


class StreamFile:
    """Created by `start`; `close` leaves `<path>.gz` in the place of `<path>`.

    `by_agent`: the agent itself writes the file, this only compresses it.
    """

    def __init__(self, path: Path, by_agent: bool = False) -> None:
        self._path = path
        self._by_agent = by_agent
        self._file: int | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._dirty = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._closing = False
        self._written = 0  # of the beginning
        self._tail = Tail(TAIL_BYTES)
        self._writer: asyncio.Task[None] | None = None
        self.error: OSError | None = None

    async def start(self) -> None:
        """Create the file (and its folder)."""
        if self._by_agent:
            return
        await asyncio.to_thread(self._guard, self._open)
        self._writer = asyncio.create_task(self._write_batches())

    @property
    def congested(self) -> bool:
        """Whether the disk is behind by more than memory should hold; then await `room`."""
        return self._pending_bytes > MAX_PENDING_BYTES

    async def room(self) -> None:
        """Wait until the disk has caught up."""
        while self.congested:
            self._room.clear()
            await self._room.wait()

    def write(self, chunk: bytes) -> None:
        """Collect a chunk; it is written within FLUSH_S."""
        if self.error is not None or self._closing or self._by_agent:
            return
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        self._dirty.set()
        if self._pending_bytes >= FLUSH_BYTES:
            self._full.set()

    def flush(self) -> None:
        """Have what was collected written now."""
        self._full.set()

    async def close(self) -> None:
        """Write the rest and compress."""
        self._closing = True
        self._dirty.set()
        self._full.set()
        if self._writer is not None:
            await self._writer
        await asyncio.to_thread(self._guard, self._finish)
        self._release()  # also after an error

    async def _write_batches(self) -> None:
        while not self._closing or self._pending:
            await self._dirty.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), FLUSH_S)
            batch, self._pending, self._pending_bytes = self._pending, [], 0
            if not self._closing:
                self._dirty.clear()
                self._full.clear()
            await asyncio.to_thread(self._guard, self._append, b"".join(batch))
            self._room.set()

    def _guard(self, action: Callable[..., None], *arguments: bytes) -> None:
        if self.error is not None:
            return
        try:
            action(*arguments)
        except OSError as error:
            self.error = error

    def _open(self) -> None:
        make_private(self._path.parent)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        os.fchmod(self._file, FILE_MODE)  # an existing file keeps its mode otherwise

    def _release(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def _append(self, data: bytes) -> None:
        """The beginning to the disk, up to its bound; what comes later to the tail."""
        head = data[: max(0, MAX_BYTES - self._written)]
        self._written += len(head)
        self._tail.add(data[len(head) :])
        self._put(head)

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._file is not None:
            view = view[os.write(self._file, view) :]

    def _finish(self) -> None:
        if self._by_agent and not self._path.exists():
            return  # it was never started
        if self._tail.dropped:
            self._put(b"\n%b\n" % CUT.format(size=f"{self._tail.dropped:,}").encode())
        self._put(self._tail.take())
        self._release()
        self._compress(self._path.with_name(self._path.name + ".gz"))
        self._path.unlink()

    def _compress(self, target: Path) -> None:
        with (
            replacing(target, mode=FILE_MODE) as raw,
            open(self._path, "rb") as source,
            gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as packed,
        ):
            size = os.fstat(source.fileno()).st_size
            if self._by_agent and size > MAX_BYTES + TAIL_BYTES:
                copy_exactly(source, cast(BinaryIO, packed), MAX_BYTES)
                packed.write(b"\n%b\n" % CUT.format(size=f"{size - MAX_BYTES - TAIL_BYTES:,}").encode())
                source.seek(size - TAIL_BYTES)
            shutil.copyfileobj(source, packed, COPY_BYTES)


def copy_exactly(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy so many bytes."""
    while size > 0 and (chunk := source.read(min(COPY_BYTES, size))):
        target.write(chunk)
        size -= len(chunk)


def make_private(folder: Path) -> None:
    """Every folder that is missing, for the owner alone (`mkdir(parents=True)` does that for the last one only)."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
