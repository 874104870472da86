"""The grammar of tracker keys: which key is an epic, a story, a retrospective or something else.

No regular expression alone can tell `4-4-7-day-table` (story 4.4) from `1-5-1-extract` (story 1 of
epic 1.5); the epics named in the same file can. So a `Grammar` is made from all keys of a file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sprint.status import Kind

_RETRO = re.compile(r"(?P<epic>.+)-retro(?:spective)?$", re.IGNORECASE)
_EPIC = re.compile(r"(?P<prefix>[a-z]+-)?epic[-_](?P<epic>[\w.+-]+)$", re.IGNORECASE)
_RETRO_ITEM = re.compile(r".*-retro-item-", re.IGNORECASE)
_PLAIN = re.compile(r"(\d+[a-z]?)-(\d+[a-z]?)(?:-|$)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[a-z]\d*)?$|[a-z]{1,4}\d+$")
_PREFIX = re.compile(r"[a-z]{1,4}$")
# A team's own letters before a number: `TD-18-1-…`, `HF-18-…`, and an epic `dm-01`.
_TEAM = re.compile(r"([a-z]{1,6})-(\d.*)$", re.IGNORECASE)
_TEAM_EPIC = re.compile(r"[a-z]{1,6}-\d+[a-z]?$", re.IGNORECASE)
# Words before a number that count something else than a team's stories.
_NO_TEAM = frozenset({"epic", "sprint", "batch", "phase", "wave"})
# `epic-3-1-debt`: about story 3.1, where an epic 3 is beside it.
_ABOUT_STORY = re.compile(r"epic-(\d+[a-z]?)-(\d+[a-z]?)-([a-z].+)$", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)(.*)$")

# Of keys that were taken apart, and of sets of them: a plan is read after every command, and its keys hardly change.
KEPT_KEYS: Final = 8192
KEPT_GRAMMARS: Final = 4

# Epic and number are at the start of a key; real keys have up to some 200 characters.
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
    """Classifies keys by the epics beside them in the same file."""

    def __init__(self, keys: Iterable[str]) -> None:
        every = list(keys)
        plain = {normal(found) for key in every if (found := epic_id(key))}
        starts = _starts(every)
        self._about = {key for key in every if _is_about_story(key, plain, starts)}
        self._teams = {key for key in every if _TEAM_EPIC.match(key) and normal(key) in starts}
        ids = [found for key in every if key not in self._about and (found := epic_id(key))]
        self._epics = {normal(found): found for found in [*ids, *self._teams]}
        self._known: dict[str, Key] = {}

    def classify(self, key: str) -> Key:
        """Never fails: what fits nothing is of kind `other`."""
        if (known := self._known.get(key)) is None:
            if len(self._known) >= KEPT_KEYS:
                self._known.clear()
            known = self._known[key] = self._classify(key)
        return known

    def _classify(self, key: str) -> Key:
        if key in self._about and (found := _ABOUT_STORY.match(key)):
            return Key(Kind.STORY, self._epics[normal(found[1])], f"{normal(found[2])}-{normal(found[3])}")
        if retro := _RETRO.match(key):
            inner = retro["epic"]
            return Key(Kind.RETRO, epic_id(inner) or inner)
        if epic := epic_id(key):
            return Key(Kind.EPIC, epic)
        if key in self._teams:
            return Key(Kind.EPIC, key)
        return self._story(key) or self._of_team(key) or Key(Kind.OTHER)

    def _story(self, key: str) -> Key | None:
        segments = normal(key[:MAX_ID_CHARS]).split("-")
        for count in range(len(segments) - 1, 0, -1):
            epic = self._epics.get("-".join(segments[:count]))
            if epic and (number := _number(segments[count:])):
                return Key(Kind.STORY, epic, number)
        plain = _PLAIN.match(key)
        return Key(Kind.STORY, plain[1].lower(), plain[2].lower()) if plain else None

    def _of_team(self, key: str) -> Key | None:
        """A story of the epic whose number follows a team's letters; the letters tell it from the plain one."""
        found = _TEAM.match(key[:MAX_ID_CHARS])
        if found is None or found[1].lower() in _NO_TEAM:
            return None
        team, segments = found[1].lower(), normal(found[2]).split("-")
        for count in range(len(segments) - 1, 0, -1):
            epic = self._epics.get("-".join(segments[:count]))
            if epic:
                number = _number(segments[count:]) or "-".join(segments[count:])
                return Key(Kind.STORY, epic, f"{team}-{number}")
        return None


@lru_cache(maxsize=KEPT_GRAMMARS)
def grammar_of(keys: tuple[str, ...]) -> Grammar:
    """Return the grammar of these keys."""
    return Grammar(keys)


def _starts(keys: Iterable[str]) -> set[str]:
    """The prefixes before a number or `retrospective` in some key: the epics that have stories."""
    found = set()
    for key in keys:
        segments = normal(key[:MAX_ID_CHARS]).split("-")
        for count in range(1, len(segments)):
            if segments[count][:1].isdecimal() or segments[count] in ("retro", "retrospective"):
                found.add("-".join(segments[:count]))
    return found


def _is_about_story(key: str, epics: set[str], starts: set[str]) -> bool:
    """Whether `epic-3-1-debt` is about story 3.1, and no epic that has stories of its own."""
    found = _ABOUT_STORY.match(key)
    if found is None or normal(found[1]) not in epics or _RETRO.match(key) or _RETRO_ITEM.match(key):
        return False
    return normal(key).removeprefix("epic-") not in starts


def _number(segments: list[str]) -> str | None:
    first = segments[0]
    if _NUMBER.match(first):
        return first
    if len(segments) > 1 and _PREFIX.match(first) and segments[1].isdecimal():
        return f"{first}-{segments[1]}"
    return None


def lead(name: str) -> tuple[str, ...]:
    """The number parts at the start of a key or a file's name: `2-1-2-fields` has 2, 1 and 2."""
    parts = []
    for segment in normal(name).split("-"):
        if not _DIGITS.match(segment) or not _NUMBER.match(segment):
            break
        parts.append(segment.lstrip("0") or "0")
    return tuple(parts)


@lru_cache(maxsize=KEPT_KEYS)
def natural(text: str) -> Order:
    """An order in which 2 < 10, 2 < 2a < 3 and 1 < 1-5 < 2; words come after numbers."""
    return tuple(_part(segment) for segment in normal(text).split("-"))


def _part(segment: str) -> Part:
    found = _DIGITS.match(segment)
    if found is None or len(found[1]) > 18:  # longer than any real number of a story
        return (1, 0, segment)
    return (0, int(found[1]), found[2])
