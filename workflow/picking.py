"""The selection of the stories of a cycle, their order, and the phase at which each of them starts.

Begun stories come first, then the others in file order or by number, as set; one or two of the same epic per cycle,
each from the phase of its own status on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final

STORIES_PER_CYCLE: Final = 2  # at most
STATUS_ORDER: Final = ("backlog", "ready-for-dev", "in-progress", "review", "done")  # ascending
RUNNABLE: Final = frozenset({"backlog", "ready-for-dev", "in-progress", "review"})
BEGUN: Final = frozenset({"in-progress", "review"})  # continued before a new story is started
FILE_ORDER: Final = "file"
NUMERIC_ORDER: Final = "numeric"

_SEGMENT: Final = re.compile(r"(\d{1,18})(.*)\Z")  # 18 digits fit into 64 bits


@dataclass(frozen=True, slots=True)
class Candidate:
    """A story of the plan: its key, the id of its epic, its canonical status, its place in the file.

    `leftover`: its epic is done. `held`: it waits for another story, a gate or a person.
    """

    key: str
    epic: str
    status: str
    position: int = 0
    leftover: bool = False
    held: bool = False


def story_order(key: str, epic: str) -> tuple[tuple[int, str], ...] | None:
    """Return the sort key of a story, numeric by epic and story (`1-2` before `1-10`, `2` before `2a`).

    None for a key without numbers.
    """
    rest = key.removeprefix(f"{epic}-") if epic else key
    if rest == key and epic:
        epic, _, rest = key.partition("-")
    segments = (*re.split(r"[-.]", epic), rest.split("-")[0])
    matches = [_SEGMENT.match(segment) for segment in segments if segment]
    if not matches or any(match is None for match in matches):
        return None
    return tuple((int(match[1]), match[2]) for match in matches if match is not None)


def runnable(
    candidates: Iterable[Candidate],
    *,
    order: str = NUMERIC_ORDER,
    only: Collection[str] | None = None,
    first: Sequence[str] = (),
) -> list[Candidate]:
    """Return the stories that may run, in the order in which they run.

    Begun stories come first, then the others in file order or by number, as `order` says. If `only` is a sequence, its
    order is used; a leftover of an epic that is done runs only if it is in `only`. Those of `first` come before all
    others, in its order.
    """
    possible = [
        candidate
        for candidate in candidates
        if candidate.status in RUNNABLE
        and not candidate.held
        and (candidate.key in only if only is not None else not candidate.leftover or candidate.key in first)
    ]
    ordered = _by_number(possible) if order == NUMERIC_ORDER else sorted(possible, key=lambda one: one.position)
    if isinstance(only, Sequence):
        ordered = sorted(ordered, key=lambda candidate: only.index(candidate.key))
    else:
        ordered = sorted(ordered, key=lambda candidate: candidate.status not in BEGUN)
    places = {key: place for place, key in enumerate(first)}
    return sorted(ordered, key=lambda candidate: places.get(candidate.key, len(places)))


def _by_number(candidates: list[Candidate]) -> list[Candidate]:
    """Sort by number, then those without one in the given order."""
    ordered = [(story_order(candidate.key, candidate.epic), candidate) for candidate in candidates]
    numbered = sorted((pair for pair in ordered if pair[0] is not None), key=lambda pair: pair[0] or ())
    return [candidate for _, candidate in numbered] + [candidate for order, candidate in ordered if order is None]


def pick(
    candidates: Iterable[Candidate],
    *,
    exclude: Collection[str] = (),
    only: Collection[str] | None = None,
    most: int = STORIES_PER_CYCLE,
    order: str = NUMERIC_ORDER,
    first: Sequence[str] = (),
) -> list[Candidate]:
    """Return the stories of the next cycle: the first runnable one and the next of the same epic, or none.

    `exclude` are keys that the batch has finished, `only` the keys that the operator chose, `most` is the preset's.
    `first` is the operator's order, which no story of the same epic overtakes.
    """
    open_ones = runnable(candidates, order=order, only=only, first=first)
    return first_cycle([candidate for candidate in open_ones if candidate.key not in exclude], most, first)


def first_cycle(possible: Sequence[Candidate], most: int, first: Sequence[str] = ()) -> list[Candidate]:
    """Return the stories of the next cycle out of those that may run, which are in their order."""
    if possible and possible[0].key in first:
        return list(takewhile(lambda candidate: candidate.epic == possible[0].epic, possible))[:most]
    return list(islice((candidate for candidate in possible if candidate.epic == possible[0].epic), most))


def entry_position(status: str) -> int:
    """Return the position of a status in STATUS_ORDER; raises `ValueError` for a status that never runs."""
    return STATUS_ORDER.index(status)


def advances(old: str, new: str) -> bool:
    """Whether a change of status is a step forward; `blocked` may follow anything but `done`."""
    if old == new or old == "done":
        return False
    if new == "blocked" or old not in STATUS_ORDER:
        return new == "blocked"
    return new in STATUS_ORDER and STATUS_ORDER.index(new) > STATUS_ORDER.index(old)
