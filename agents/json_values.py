"""JSON lines of a stream, read forgivingly, and getters for values whose shape is not promised.

A good line is one JSON object and takes the fast path. A bad one (invalid UTF-8, two objects on a line, an event
injected in the middle of another, half a line) is searched for complete objects; what lies between is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents.records import Noise
from base import plausible

Json = dict[str, Any]

EXCERPT_CHARS = 200  # of a malformed line, for the log
MAX_RESYNCS = 16  # object beginnings tried in one bad line; each try may read the rest of it
MAX_COUNT = 2**63  # the largest value of a database column
RESYNC_BYTES = 1024 * 1024  # longer bad lines are tried at their beginning only

_decode = msgspec.json.Decoder(Any).decode
_scanner = json.JSONDecoder()


@dataclass(slots=True)
class Reading:
    """The content of one line."""

    objects: list[Json] = field(default_factory=list)
    noise: list[Noise] = field(default_factory=list)


def read_line(line: bytes, plausible: Callable[[Json], bool]) -> Reading:
    """The objects on a line. After garbage an object counts only if it is `plausible` as a whole line of this
    stream: the pieces of a broken line are objects too, and must not be taken for lines."""
    try:
        value = _decode(line)
    except (ValueError, RecursionError):
        return _resynchronise(line, plausible)
    if isinstance(value, dict):
        return Reading([value])
    return Reading(noise=[noise(line)])


def noise(line: bytes, size: int | None = None) -> Noise:
    """A bounded excerpt of bytes that could not be read."""
    return Noise(line[:EXCERPT_CHARS].decode("utf-8", "replace"), len(line) if size is None else size)


def _resynchronise(line: bytes, plausible: Callable[[Json], bool]) -> Reading:
    text = line.decode("utf-8", "replace").strip()
    reading, position, garbage = Reading(), 0, ""
    for _ in range(MAX_RESYNCS if len(line) <= RESYNC_BYTES else 1):
        start = text.find("{", position) if not position else text.find('{"', position)
        if start < 0:
            break
        garbage += text[position:start].strip()[:EXCERPT_CHARS]
        value, end = _object_at(text, start)
        if value is None or (garbage and not plausible(value)):
            garbage += text[start : start + 1]
            position = start + 1
            continue
        reading.objects.append(value)
        position = end
    garbage += text[position:].strip()[:EXCERPT_CHARS]
    if garbage:
        reading.noise.append(Noise(garbage[:EXCERPT_CHARS], len(line)))
    return reading


def _object_at(text: str, start: int) -> tuple[Json | None, int]:
    try:
        value, end = _scanner.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return (_without_surrogates(value), end) if isinstance(value, dict) else (None, start)


def _without_surrogates(value: Any) -> Any:
    """Half surrogate pairs cannot be stored or sent; `json` lets them through."""
    if isinstance(value, str):
        return value if value.isprintable() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def as_text(value: Any) -> str | None:
    """A non-empty string, else None."""
    return value if isinstance(value, str) and value else None


def as_int(value: Any) -> int:
    """A non-negative count; anything else is 0."""
    return plausible.count(value)


def as_number(value: Any) -> float | None:
    """A finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MAX_COUNT else None


def as_object(value: Any) -> Json:
    """An object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[Json]:
    """The objects of a list; anything else is an empty list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
