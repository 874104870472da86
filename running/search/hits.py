"""The hits of a search, newest first: in blocks that the index names, and in what is not in the index yet.

Synchronous, for a reader's thread. A hit is counted only if it is still one after masking: the secrets that are known
now may be others than those of the time when a text was taken in.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from running.search.event_text import event_text
from running.search.excerpt import match_spans
from running.search.query import Term, expression
from store.search import EVENTS, StoredBlock, candidates, get_next, groups_beginning_with
from store.search_text import SEPARATOR, fold, unpack

TAIL_MAX: Final = 2_000  # newest events that are searched as rows, while older ones wait for the indexer
WAITING: Final = 1 << 40  # with the command, the block of what is not in the index: above all blocks, as it is newer
LAST: Final = 1 << 62  # above every id


class Hit(NamedTuple):
    """An entry in which all terms are found."""

    block: int
    source: int
    number: int
    text: str
    spans: list[tuple[int, int]]


Position = tuple[int, int]  # the block and the entry of the last hit; of events only the second counts


@dataclass(frozen=True)
class Search:
    """One search over one connection; `until` is when it has to end, in seconds of the monotonic clock."""

    connection: sqlite3.Connection
    terms: Sequence[Term]
    mask: Callable[[str], str]
    until: float

    def events(self, before: int) -> Iterator[Hit]:
        """Yield the events with a `seq` below `before`."""
        next_seq = get_next(self.connection, EVENTS)
        sql = "SELECT * FROM events WHERE seq >= ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        for seq, type_, _, _, _, payload in self.connection.execute(sql, (next_seq, before, TAIL_MAX)):
            yield from self._hit(0, EVENTS, seq, event_text(type_, msgspec.json.decode(payload)))
        yield from (hit for hit in self._indexed(events=True, before=LAST) if hit.number < before)

    def transcripts(self, after: Position, waiting: Mapping[int, tuple[int, Sequence[str]]]) -> Iterator[Hit]:
        """Yield the entries of transcripts after a position; `waiting` were not in the index a moment ago."""
        for source in sorted(waiting, reverse=True):
            first, entries = waiting[source]
            taken = max(0, get_next(self.connection, source) - first)  # they are found in the index by now
            for at in range(len(entries) - 1, taken - 1, -1):
                if (WAITING + source, first + at) < after:
                    yield from self._hit(WAITING + source, source, first + at, entries[at])
        for hit in self._indexed(events=False, before=min(after[0] + 1, LAST)):
            if (hit.block, hit.number) < after:
                yield hit

    def _indexed(self, *, events: bool, before: int) -> Iterator[Hit]:
        match = expression(self.terms, lambda start: groups_beginning_with(self.connection, start))
        for block in candidates(self.connection, match, events=events, before=before):
            if time.monotonic() > self.until:
                return
            yield from self._in_block(block)

    def _in_block(self, block: StoredBlock) -> Iterator[Hit]:
        text = unpack(block.text)
        folded = fold(text)
        wanted = [term.text for term in self.terms]
        if all(term in folded for term in wanted):
            entries, compared = text.split(SEPARATOR), folded.split(SEPARATOR)
            for at in range(len(entries) - 1, -1, -1):
                if all(term in compared[at] for term in wanted):
                    yield from self._hit(block.id, block.source, block.first + at, entries[at])

    def _hit(self, block: int, source: int, number: int, text: str) -> Iterator[Hit]:
        spans = match_spans(self.terms, text)
        if spans is None:
            return
        masked = self.mask(text)
        if masked != text:
            spans, text = match_spans(self.terms, masked), masked
        if spans is not None:
            yield Hit(block, source, number, text, spans)
