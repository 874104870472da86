"""A recording as the search takes it in: its entries as texts, masked as for the page, as far as they are settled.

Synchronous: its functions run in the indexer's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

import agents
from store.search_text import PackedBlock, clean_entry, pack

BLOCK_CHARS: Final = 16_000  # of a block: larger ones make the index smaller and the reading of each block longer
BLOCK_ENTRIES: Final = 500
ENTRIES_AT_ONCE: Final = 50
BLOCKS_AT_ONCE: Final = 1  # in one write: two milliseconds of the writer


class _Entry(msgspec.Struct):
    """What is searched of an entry of a transcript."""

    text: str
    result: str = ""


class Recording:
    """The recording of one command, read from its beginning and kept from the entry on that was not taken in yet."""

    def __init__(self, path: Path, kind: str, mask: Callable[[Any], Any], start: int) -> None:
        self._index = agents.TranscriptIndex(path, kind, mask)
        self.start = start  # the first entry that is not taken in
        self.waiting: tuple[str, ...] = ()  # the settled entries from `start` on
        self._decoder = msgspec.json.Decoder(_Entry)

    @property
    def is_read(self) -> bool:
        """Whether nothing more will come."""
        return self._index.is_complete and self.start + len(self.waiting) >= len(self._index)

    def read(self, ended: bool, limit_s: float) -> bool:
        """Read what is new, for about so many seconds; return whether there was anything more to read. Raises OSError.

        What waits to be taken in is bounded by a few blocks.
        """
        if not self._is_full:
            self._index.update(ended, limit_s)
        known = self.start + len(self.waiting)
        found: list[str] = []
        for content in self._index.page(known, min(self._index.settled, known + ENTRIES_AT_ONCE)):
            entry = self._decoder.decode(content)
            found.append(clean_entry(f"{entry.text}\n{entry.result}" if entry.result else entry.text))
        self.waiting += tuple(found)
        return self._index.is_behind or known + len(found) < self._index.settled

    @property
    def _is_full(self) -> bool:
        return len(self.waiting) >= BLOCKS_AT_ONCE * BLOCK_ENTRIES

    def blocks(self) -> list[PackedBlock]:
        """Return the next full blocks of what waits; of a recording that is read also the last one."""
        return pack_blocks(self.start, self.waiting, whole=self.is_read)

    def taken(self, count: int) -> None:
        """Forget what was taken in."""
        self.start += count
        self.waiting = self.waiting[count:]

    def close(self) -> None:
        self._index.close()


def pack_blocks(start: int, entries: tuple[str, ...], *, whole: bool) -> list[PackedBlock]:
    """Return blocks of entries from a number on: full ones, and with `whole` one of the rest; a few at most."""
    blocks: list[PackedBlock] = []
    first, chars = 0, 0
    for at, entry in enumerate(entries):
        chars += len(entry)
        if chars >= BLOCK_CHARS or at + 1 - first >= BLOCK_ENTRIES:
            blocks.append(pack(start + first, entries[first : at + 1]))
            first, chars = at + 1, 0
            if len(blocks) == BLOCKS_AT_ONCE:
                return blocks
    if whole and first < len(entries):
        blocks.append(pack(start + first, entries[first:]))
    return blocks
