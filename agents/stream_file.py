"""The raw recording of one call's stdout: exact bytes, owner-only, compressed when done.

What comes out of the agent's pipe is in the file before anything else is done with it: where the system can, it is
moved from one into the other without a moment in which a killed server has it alone. A disk that fails ends the
recording, never the run: the error is kept for the caller to report. Of a stream that is longer than any reader needs,
the beginning and the end are kept, and a line between them says how much is not.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import gzip
import os
import shutil
import termios
from collections import deque
from collections.abc import Callable
from pathlib import Path
from sys import byteorder
from typing import BinaryIO, cast

from agents.lines import Tail
from agents.stream_lock import lock
from base.files import replacing

MOVE_BYTES = 256 * 1024  # at once; a pipe holds 64 KiB
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
        self._ours: deque[bytes] = deque()  # lines that wait for their place
        self._whole_line = True  # the last byte of the file ends a line
        self._splices = hasattr(os, "splice")
        self._written = 0  # of the beginning
        self._tail = Tail(TAIL_BYTES)
        self.error: OSError | None = None

    async def start(self) -> None:
        """Create the file (and its folder)."""
        if not self._by_agent:
            await asyncio.to_thread(self._guard, self._open)

    @property
    def descriptor(self) -> int | None:
        """The open file, None where it could not be created."""
        return self._file

    def insert(self, line: bytes) -> None:
        """Collect a line of ours; the next `move` writes it, between two lines of the agent."""
        self._ours.append(line)

    async def append(self, data: bytes) -> None:
        """Record bytes of an agent that runs on another machine, and so without a pipe."""
        await asyncio.to_thread(self._append, data)

    def move(self, pipe: int) -> bytes | None:
        """Return the next bytes of a pipe that does not block, which are recorded by then: none at its end, None when
        there are none now. Blocks on the disk."""
        # Counted before a line of ours is taken: an answer to that line cannot come before it in the file.
        size = min(_waiting(pipe), MOVE_BYTES, MAX_BYTES - self._written)
        if size > 0 and self._splices and self.error is None and (self._whole_line or not self._ours):
            if self._whole_line:
                self._append(self._take_ours())
            return self._splice(pipe, size)
        try:
            data = os.read(pipe, MOVE_BYTES)
        except BlockingIOError:
            self._append(self._with_ours(b""))
            return None
        self._append(self._with_ours(data))
        return data

    async def end(self) -> None:
        """Write the rest: from now on the recording is whole."""
        if self._ours or self._tail:
            await asyncio.to_thread(self._guard, self._write_rest)

    async def archive(self) -> None:
        """Compress it. The recording stays until its archive is on the disk."""
        await asyncio.to_thread(self._guard, self._replace)
        self._release()  # also after an error

    async def close(self) -> None:
        """Write the rest and compress."""
        await self.end()
        await self.archive()

    # -- in a thread

    def _splice(self, pipe: int, size: int) -> bytes | None:
        """Without passing through this process, so that a kill finds every byte in the pipe or in the file."""
        assert self._file is not None  # noqa: S101 - without a file there is an error
        try:
            count = os.splice(pipe, self._file, size, offset_dst=self._written, flags=os.SPLICE_F_NONBLOCK)
            data = os.pread(self._file, count, self._written)
        except OSError as error:
            # A file system or a device that cannot splice; else it is full, and what it did not take is in the pipe.
            self._splices = False
            self.error = None if error.errno == errno.EINVAL else error
            return self.move(pipe)
        self._written += count
        self._whole_line = data.endswith(b"\n")
        return data

    def _take_ours(self) -> bytes:
        return b"".join(self._ours.popleft() for _ in range(len(self._ours)))

    def _with_ours(self, data: bytes) -> bytes:
        """The bytes with what waits, where a line begins."""
        if self._whole_line:
            return self._take_ours() + data
        head, newline, rest = data.partition(b"\n")
        return head + newline + self._take_ours() + rest if newline else data

    def _guard(self, action: Callable[..., None], *arguments: bytes) -> None:
        if self.error is not None:
            return
        try:
            action(*arguments)
        except OSError as error:
            self.error = error

    def _open(self) -> None:
        make_private(self._path.parent)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        os.fchmod(self._file, FILE_MODE)  # an existing file keeps its mode otherwise
        lock(self._file)

    def _release(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def _append(self, data: bytes) -> None:
        """The beginning to the disk, up to its bound; what comes later to the tail."""
        if not data or self._by_agent:
            return
        self._whole_line = data.endswith(b"\n")
        head = data[: max(0, MAX_BYTES - self._written)]
        self._tail.add(data[len(head) :])
        self._guard(self._put, head)

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._file is not None:
            count = os.pwrite(self._file, view, self._written)
            self._written += count
            view = view[count:]

    def _write_rest(self) -> None:
        self._append((b"" if self._whole_line or not self._ours else b"\n") + self._take_ours())
        if self._tail.dropped:
            self._put(b"\n%b\n" % CUT.format(size=f"{self._tail.dropped:,}").encode())
        self._put(self._tail.take())

    def _replace(self) -> None:
        if self._by_agent and not self._path.exists():
            return  # it was never started
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


def _waiting(pipe: int) -> int:
    """How many bytes are in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), byteorder)


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
