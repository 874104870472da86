"""Source maps (revision 3) of bundles made of whole lines, by which a browser's debugger shows the modules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def source_map(lines: Iterable[tuple[str, int] | None]) -> str:
    """Return the map of a file: for each of its lines the module and the line there, from 0; None for none."""
    sources: dict[str, int] = {}
    last = (0, 0)
    mappings: list[str] = []
    for at in lines:
        if at is None:
            mappings.append("")
            continue
        now = (sources.setdefault(at[0], len(sources)), at[1])
        mappings.append(_segment(now[0] - last[0], now[1] - last[1]))
        last = now
    names = [f"/static/{name}" for name in sources]
    return json.dumps({"version": 3, "sources": names, "names": [], "mappings": ";".join(mappings)})


@lru_cache(1024)  # nearly every line is the one after the last one
def _segment(sources: int, lines: int) -> str:
    """Return column here, source, line there, column there: all but the first relative to the segment before."""
    return "".join(map(vlq, (0, sources, lines, 0)))


def vlq(number: int) -> str:
    """Return a number in base 64, five bits a digit, lowest first, the lowest bit of all is the sign."""
    rest, text = (abs(number) << 1) | (number < 0), ""
    while True:
        rest, low = rest >> 5, rest & 31
        text += DIGITS[low | (32 if rest else 0)]
        if not rest:
            return text
