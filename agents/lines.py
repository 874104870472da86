"""Cutting a byte stream into lines, whatever the chunks.

Splits on b"\\n" only: agents print raw U+2028, U+0085 and lone carriage returns inside their lines. A line over the
cap is skipped to its end and reported by its size, so that memory stays bounded and the next line is read.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE_BYTES = 64 * 1024 * 1024  # the longest line recorded is 1.1 MB; a whole large file fits many times


@dataclass(frozen=True, slots=True)
class Oversize:
    """A skipped line: its beginning and its full size in bytes."""

    head: bytes
    size: int


HEAD_BYTES = 400  # enough of a skipped line to recognise it in a log


class LineSplitter:
    """Feed chunks, get complete lines without their newline; empty lines are dropped."""

    def __init__(self, max_line: int = MAX_LINE_BYTES) -> None:
        self._max = max_line
        self._parts: list[bytes] = []
        self._size = 0
        self._head = b""

    def feed(self, chunk: bytes) -> list[bytes | Oversize]:
        """The lines that `chunk` completes."""
        first, *rest = chunk.split(b"\n")
        self._hold(first)
        if not rest:
            return []
        *whole, last = rest
        lines = self.close()
        lines += [self._judge(line) for line in whole if line]
        self._hold(last)
        return lines

    def close(self) -> list[bytes | Oversize]:
        """The line that has no newline yet, if any; the splitter is empty afterwards."""
        line = b"".join(self._parts)
        size, head = self._size, self._head
        self._parts, self._size, self._head = [], 0, b""
        if size > self._max:
            return [Oversize(head, size)]
        return [line] if line else []

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + piece[:HEAD_BYTES])[:HEAD_BYTES]
        self._size += len(piece)
        if self._size > self._max:
            self._parts.clear()
        else:
            self._parts.append(piece)

    def _judge(self, line: bytes) -> bytes | Oversize:
        return Oversize(line[:HEAD_BYTES], len(line)) if len(line) > self._max else line


class Tail:
    """The last bytes of a stream (stderr), bounded; `dropped` counts what was forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self.dropped = 0

    def add(self, chunk: bytes) -> None:
        """Keep the end of what was added so far."""
        self._data += chunk[-self._limit :]
        self.dropped += max(0, len(chunk) - self._limit)
        excess = len(self._data) - self._limit
        if excess > 0:
            del self._data[:excess]
            self.dropped += excess

    def __len__(self) -> int:
        return len(self._data)

    def take(self) -> bytes:
        """What is kept; nothing is, afterwards."""
        data, self._data = bytes(self._data), bytearray()
        return data

    def text(self) -> str:
        """What is kept, decoded; undecodable bytes are replaced."""
        return self._data.decode("utf-8", "replace")
