"""The grammar of tracker keys: which key is an epic, a story, a retrospective or something else.

No regular expression alone can tell `4-4-7-day-table` (story 4.4) from `1-5-1-extract` (story 1 of
epic 1.5); the epics named in the same file can. So a `Grammar` is made from all keys of a file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sprint.status import Kind

_RETRO = re.compile(r"(?P<epic>.+)-retro(?:spective)?$", re.IGNORECASE)
_EPIC = re.compile(r"(?P<prefix>[a-z]+-)?epic[-_](?P<epic>[\w.+-]+)$", re.IGNORECASE)
_RETRO_ITEM = re.compile(r".*-retro-item-", re.IGNORECASE)
_PLAIN = re.compile(r"(\d+[a-z]?)-(\d+[a-z]?)(?:-|$)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+[a-z]?$|[a-z]{1,4}\d+$")
_PREFIX = re.compile(r"[a-z]{1,4}$")
_DIGITS = re.compile(r"(\d+)(.*)$")

# Epic and number stand at the start of a key; real keys have up to some 200 characters.
MAX_ID_CHARS = 100

Part = tuple[int, int, str]
Order = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A key taken apart. `epic` is an id such as `1`, `2a`, `1-5`, `orch-1`; `number` the story's within it."""

    kind: Kind
    epic: str = ""
    number: str = ""


def normal(epic: str) -> str:
    """The form in which ids are compared: lower case, `.` and `-` the same (`2.5` is `2-5`)."""
    return epic.lower().replace(".", "-")


def epic_id(key: str) -> str | None:
    """The id in an epic's key (`epic-2a` → `2a`, `orch-epic-1` → `orch-1`), None for other keys."""
    found = _EPIC.match(key)
    if found is None or _RETRO.match(key) or _RETRO_ITEM.match(key):
        return None
    return (found["prefix"] or "") + found["epic"]


class Grammar:
    """Classifies keys by the epics that stand beside them in the same file."""

    def __init__(self, keys: Iterable[str]) -> None:
        ids = (epic_id(key) for key in keys)
        self._epics = {normal(found): found for found in ids if found}

    def classify(self, key: str) -> Key:
        """Never fails: what fits nothing is of kind `other`."""
        if retro := _RETRO.match(key):
            inner = retro["epic"]
            return Key(Kind.RETRO, epic_id(inner) or inner)
        if epic := epic_id(key):
            return Key(Kind.EPIC, epic)
        return self._story(key) or Key(Kind.OTHER)

    def _story(self, key: str) -> Key | None:
        segments = normal(key[:MAX_ID_CHARS]).split("-")
        for count in range(len(segments) - 1, 0, -1):
            epic = self._epics.get("-".join(segments[:count]))
            if epic and (number := _number(segments[count:])):
                return Key(Kind.STORY, epic, number)
        plain = _PLAIN.match(key)
        return Key(Kind.STORY, plain[1].lower(), plain[2].lower()) if plain else None


def _number(segments: list[str]) -> str | None:
    first = segments[0]
    if _NUMBER.match(first):
        return first
    if len(segments) > 1 and _PREFIX.match(first) and segments[1].isdecimal():
        return f"{first}-{segments[1]}"
    return None


def natural(text: str) -> Order:
    """An order in which 2 < 10, 2 < 2a < 3 and 1 < 1-5 < 2; words come after numbers."""
    return tuple(_part(segment) for segment in normal(text).split("-"))


def _part(segment: str) -> Part:
    found = _DIGITS.match(segment)
    if found is None or len(found[1]) > 18:  # longer than any number somebody counted to
        return (1, 0, segment)
    return (0, int(found[1]), found[2])
