"""Masking of an agent's recorded stream: decoded line by line, and encoded again only where a secret was found.

A secret may be spread over the records of a streamed text, and over lines, such as those of a private key. Consecutive
pieces are joined; where the joined text contains a secret and the pieces do not, the first piece is replaced by the
masked text and the others are emptied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from security.masking import BETWEEN, Masker, strings_of

HELD_MAX: Final = 4 << 20  # bytes of records that are held back because their text may continue
DELTA: Final = b"delta"  # part of every record with a piece of a text

Path = tuple[str | int, ...]


class StreamMasker:
    """Masks a recording that is fed in pieces of complete lines."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._lines = masker.lines()
        self._held: list[bytes] = []
        self._held_bytes = 0

    def feed(self, piece: bytes) -> bytes:
        """Return the masked lines that are complete."""
        out: list[bytes] = []
        for line in _lines(piece):
            if DELTA in line:
                self._held.append(line)
                self._held_bytes += len(line)
                if self._held_bytes < HELD_MAX:
                    continue
            out.extend(self._release())
            if DELTA not in line:
                out.append(line)
        return self._masked(out)

    def close(self) -> bytes:
        """Return the masked lines that were held back."""
        return self._masked(self._release())

    def _release(self) -> list[bytes]:
        held, self._held, self._held_bytes = self._held, [], 0
        return _joined(held, self._masker) if len(held) > 1 else held

    def _masked(self, lines: list[bytes]) -> bytes:
        """Search all lines at once, which nearly always finds nothing; otherwise mask each separately."""
        values = [_decoded(line) for line in lines]
        texts = [BETWEEN.join(strings_of(value)) for value in values]
        whole = BETWEEN.join(texts)
        if self._masker.text(whole) == whole and not _needs_lines(whole) and not self._lines.is_open:
            return b"".join(lines)
        return b"".join(self._line(line, value) for line, value in zip(lines, values, strict=True))

    def _line(self, line: bytes, value: Any) -> bytes:
        end = b"\n" if line.endswith(b"\n") else b""
        if isinstance(value, str):  # no record: plain text that a program printed
            text = line.removesuffix(b"\n").decode("utf-8", "surrogateescape")
            return self._lines.text(text).encode("utf-8", "surrogateescape") + end
        masked = self._masker.value(value)
        try:
            return line if masked is value else msgspec.json.encode(masked) + end
        except (ValueError, OverflowError):  # a number that is too large
            return self._masker.bytes(line)


def _lines(piece: bytes) -> list[bytes]:
    """Split at line feeds only: a carriage return belongs to its line."""
    whole = piece.split(b"\n")
    return [line + b"\n" for line in whole[:-1]] + ([whole[-1]] if whole[-1] else [])


def _decoded(line: bytes) -> Any:
    """Return the record of a line, or the line as text."""
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return line.decode("utf-8", "surrogateescape")
    return value if isinstance(value, dict | list) else line.decode("utf-8", "surrogateescape")


def _needs_lines(text: str) -> bool:
    return "…" in text or "-----BEGIN" in text or "-----END" in text


def _joined(lines: list[bytes], masker: Masker) -> list[bytes]:
    """Return the records of a streamed text, without a secret that is spread over several of them."""
    values = [_decoded(line) for line in lines]
    texts: dict[Path, list[tuple[int, str]]] = {}
    for index, value in enumerate(values):
        for path, text in _leaves(value, ()):
            texts.setdefault(path, []).append((index, text))
    changed = set()
    for path, pieces in texts.items():
        if len(pieces) > 1 and len({text for _, text in pieces}) > 1:
            whole = "".join(text for _, text in pieces)
            masked = masker.text(whole)
            if masked != whole and masked != "".join(masker.text(text) for _, text in pieces):
                for place, (index, _) in enumerate(pieces):
                    values[index] = _replaced(values[index], path, "" if place else masked)
                    changed.add(index)
    return [
        msgspec.json.encode(value) + b"\n" if index in changed else lines[index] for index, value in enumerate(values)
    ]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))


def _replaced(value: Any, path: Path, text: str) -> Any:
    if not path:
        return text
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, head: _replaced(value[str(head)], rest, text)}
    return [_replaced(item, rest, text) if index == head else item for index, item in enumerate(value)]


__all__ = ["StreamMasker"]
