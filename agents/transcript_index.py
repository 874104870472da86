"""The entries of a recording by their numbers, read once and then only as far as it has grown.

Entries that can change no more are kept, encoded and masked, in a file without a name beside the recording; in memory
stay where each of them is, 12 bytes an entry, and those that still change: calls without an answer, and the text that
is being written. Synchronous and not to be used by two threads at a time.
"""

from __future__ import annotations

import gzip
import math
import os
import tempfile
import time
import zlib
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import msgspec

from agents import json_values
from agents.lines import LineSplitter, Oversize
from agents.records import ToolResult
from agents.registry import adapter_for
from agents.transcript import (
    CHUNK_BYTES,
    FIRST_ENTRIES,
    LAST_ENTRIES,
    LINE_BASED,
    EntryKind,
    Page,
    TranscriptEntry,
    open_recording,
)

WRITE_BYTES: Final = 1 << 20  # collected before they are written


class TranscriptIndex(Page):
    """The index of one recording; `mask` is applied to each entry before it is kept."""

    def __init__(self, path: Path, kind: str, mask: Callable[[Any], Any]) -> None:
        super().__init__(merge=kind in LINE_BASED)
        self.path = path
        self._mask = mask
        self._splitter = LineSplitter()
        self._parser = adapter_for(kind).parser(None)
        self._read = 0  # bytes of the recording, as it is when it is not compressed
        self._complete = False
        self.is_behind = False  # the last update has not reached the end
        self._archive: BufferedReader | gzip.GzipFile | None = None  # open between two updates that do not reach it
        self._file = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed with the index
        self._written = 0
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._places, self._sizes = array("Q"), array("I")
        self._open: dict[int, tuple[int, TranscriptEntry]] = {}  # by the identity of the entry

    def __len__(self) -> int:
        return len(self._places)

    @property
    def settled(self) -> int:
        """The number of the first entry that may still change."""
        return min((place for place, _ in self._open.values()), default=len(self))

    @property
    def is_complete(self) -> bool:
        """Whether the recording was read to its end, and nothing more will come."""
        return self._complete

    def update(self, ended: bool, limit_s: float = math.inf) -> bool:
        """Read what is new, for about `limit_s` at most; `ended` when nothing more will come.

        Return whether all was read; otherwise the next call continues.
        """
        if self._complete:
            return True
        archived = self._source().suffix == ".gz"
        self.is_behind = not self._read_until(time.monotonic() + limit_s, archived)
        if not self.is_behind and (archived or ended):
            self._take(self._splitter.close())
            for record in self._parser.close():
                self.add(record)
            for _, entry in list(self._open.values()):
                self._settle(entry)
            self._complete = True
        self._flush()
        return not self.is_behind

    def _read_until(self, end: float, archived: bool) -> bool:
        """Return whether the end of the recording was reached before a time of the monotonic clock."""
        with ExitStack() as stack:
            file = self._archive or open_recording(self.path)
            self._archive = None
            stack.callback(file.close)
            try:
                if file.tell() != self._read:
                    file.seek(self._read)
                while chunk := file.read1(CHUNK_BYTES):
                    self._read += len(chunk)
                    self._take(self._splitter.feed(chunk))
                    if time.monotonic() >= end:
                        break
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                self._take([Oversize(f"The recording is damaged from here on: {error}".encode(), 0)])
                return True
            if chunk and archived:
                # Another one would have to decompress everything before its place again.
                self._archive = file
                stack.pop_all()
            return not chunk

    def close(self) -> None:
        self._file.close()
        if self._archive is not None:
            self._archive.close()

    def page(self, start: int, stop: int) -> list[bytes]:
        """The entries from one number to before another, as JSON."""
        return [self._entry(number) for number in range(start, min(stop, len(self)))]

    def ends(self) -> list[bytes]:
        """The first and the last entries, with a note between them of how many are not here."""
        count = len(self)
        if count <= FIRST_ENTRIES + LAST_ENTRIES:
            return self.page(0, count)
        note = TranscriptEntry(EntryKind.NOTE, f"{count - FIRST_ENTRIES - LAST_ENTRIES} entries are left out here.")
        return [*self.page(0, FIRST_ENTRIES), msgspec.json.encode(note), *self.page(count - LAST_ENTRIES, count)]

    # -- from records to entries

    def _take(self, lines: list[bytes | Oversize]) -> None:
        for line in lines:
            if isinstance(line, Oversize):
                self.add(json_values.noise(line.head, line.size))
            else:
                for record in self._parser.feed(line):
                    self.add(record)

    def _append(self, entry: TranscriptEntry) -> None:
        before, self._previous = self._previous, entry
        self._open[id(entry)] = (len(self._places), entry)
        self._places.append(0)
        self._sizes.append(0)
        if before is not None and not (before.kind is EntryKind.TOOL and before.ok is None):
            self._settle(before)

    def _answer(self, record: ToolResult) -> None:
        entry = self._calls.get(record.id)
        super()._answer(record)
        if entry is not None and entry is not self._previous:
            self._settle(entry)

    def _forget(self, entry: TranscriptEntry) -> None:
        if entry is not self._previous:
            self._settle(entry)

    def _settle(self, entry: TranscriptEntry) -> None:
        """Nothing will change it any more."""
        found = self._open.pop(id(entry), None)
        if found is not None:
            content = self._encoded(entry)
            self._places[found[0]], self._sizes[found[0]] = self._written + self._pending_bytes, len(content)
            self._pending.append(content)
            self._pending_bytes += len(content)
            if self._pending_bytes >= WRITE_BYTES:
                self._flush()

    def _flush(self) -> None:
        data, self._pending = b"".join(self._pending), []
        self._written += len(data)
        self._pending_bytes = 0
        self._file.write(data)
        self._file.flush()

    def _entry(self, number: int) -> bytes:
        size = self._sizes[number]
        if size:
            return os.pread(self._file.fileno(), size, self._places[number])
        return next(self._encoded(entry) for place, entry in self._open.values() if place == number)

    def _encoded(self, entry: TranscriptEntry) -> bytes:
        return msgspec.json.encode(self._mask(msgspec.to_builtins(entry)))

    def _source(self) -> Path:
        plain = self.path
        return plain if plain.suffix == ".gz" or plain.exists() else plain.with_name(plain.name + ".gz")
