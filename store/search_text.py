"""The texts of the search as they are stored, entries in compressed blocks, and the form in which they are compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

SEPARATOR: Final = "\x1e"  # between the entries of a block
# Two at the end, so that each character of a block begins a group of three, which is what the index knows.
END: Final = SEPARATOR * 2
CLEANED: Final = str.maketrans({SEPARATOR: " ", "\0": " "})  # SQLite reads no text beyond a NUL
LEVEL: Final = 6


class PackedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive entries as they are written: `folded` goes into the index, `text` beside it."""

    first: int
    count: int
    chars: int
    folded: str
    text: bytes


def pack(first: int, entries: Sequence[str]) -> PackedBlock:
    """Return a block of entries, of which none holds a separator; see `clean_entry`."""
    joined = SEPARATOR.join(entries)
    packed = zlib.compress(joined.encode(), LEVEL)
    return PackedBlock(first=first, count=len(entries), chars=len(joined), folded=fold(joined) + END, text=packed)


def unpack(text: bytes) -> str:
    """Return the entries of a block, joined by separators."""
    return zlib.decompress(text).decode()


def clean_entry(text: str) -> str:
    """Return a text as it can be an entry of a block."""
    return text.translate(CLEANED).encode("utf-8", "replace").decode()


def fold(text: str) -> str:
    """Return the text in lower case with every character in its place."""
    low = text.lower()
    if len(low) == len(text):
        return low
    # A few capital letters become two characters in lower case: they stay, or no place would be right after them.
    return "".join(short if len(short := char.lower()) == 1 else char for char in text)
