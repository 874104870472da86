"""Where the terms of a query are in a text, and the part of it that is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from running.search.query import Term
from store.search_text import fold

BEFORE: Final = 50  # characters before the first place that is found
LENGTH: Final = 240
MARKS_MOST: Final = 20
# One character for one: the places stay right.
_PLAIN: Final = str.maketrans(dict.fromkeys("\t\n\r\x0b\x0c\x85\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text; `ranges` are the places found in it, from and to, counted in characters (code points)."""

    text: str
    ranges: list[tuple[int, int]]


def match_spans(terms: Sequence[Term], text: str) -> list[tuple[int, int]] | None:
    """Return the places of all terms in order, joined where they overlap; None where a term is missing."""
    folded = fold(text)
    found: list[tuple[int, int]] = []
    for term in terms:
        spans = term.spans(folded)
        if not spans:
            return None
        found += spans
    return _joined(sorted(found))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def make_excerpt(text: str, spans: Sequence[tuple[int, int]]) -> Excerpt:
    """Return the text around the first place, on one line."""
    start = max(0, (spans[0][0] if spans else 0) - BEFORE)
    # A few characters more or less, so that no word is cut where there is a space.
    if start and (space := text.find(" ", start, start + BEFORE // 2)) > 0:
        start = space + 1
    stop = min(len(text), start + LENGTH)
    head, tail = "…" if start else "", "…" if stop < len(text) else ""
    shift = len(head) - start
    ranges = [(max(a, start) + shift, min(b, stop) + shift) for a, b in spans if b > start and a < stop]
    return Excerpt(head + text[start:stop].translate(_PLAIN) + tail, ranges[:MARKS_MOST])
