"""Which stories run next, in which order, and where each of them enters.

The rules are those of "A cycle" in the workflow: what was begun first, then the order of the file (or by number, as
set), one or two stories of one epic, every story at the phase that its own status names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

STORIES_PER_CYCLE: Final = 2  # stories per cycle, at the most
STATUS_ORDER: Final = ("backlog", "ready-for-dev", "in-progress", "review", "done")  # the way of a story's status
RUNNABLE: Final = frozenset({"backlog", "ready-for-dev", "in-progress", "review"})
BEGUN: Final = frozenset({"in-progress", "review"})  # finished before anything new is begun
FILE_ORDER: Final = "file"
NUMERIC_ORDER: Final = "numeric"

_SEGMENT: Final = re.compile(r"(\d{1,18})(.*)\Z")  # more digits are no number that somebody counted to


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
    """Sort key of a story: numeric by epic and story (`1-2` before `1-10`, `2` before `2a`); None without numbers."""
    rest = key.removeprefix(f"{epic}-") if epic else key
    if rest == key and epic:
        epic, _, rest = key.partition("-")
    segments = (*re.split(r"[-.]", epic), rest.split("-")[0])
    matches = [_SEGMENT.match(segment) for segment in segments if segment]
    if not matches or any(match is None for match in matches):
        return None
    return tuple((int(match[1]), match[2]) for match in matches if match is not None)


def runnable(
    candidates: Iterable[Candidate], *, order: str = NUMERIC_ORDER, only: Collection[str] | None = None
) -> list[Candidate]:
    """The stories that may run, in the order they run.

    What was begun comes first, then file order or numbers, as `order` says. With `only` as a sequence its order
    counts, and it alone brings back a leftover of an epic that is done.
    """
    possible = [
        candidate
        for candidate in candidates
        if candidate.status in RUNNABLE
        and not candidate.held
        and (candidate.key in only if only is not None else not candidate.leftover)
    ]
    ordered = _by_number(possible) if order == NUMERIC_ORDER else sorted(possible, key=lambda one: one.position)
    if isinstance(only, Sequence):
        return sorted(ordered, key=lambda candidate: only.index(candidate.key))
    return sorted(ordered, key=lambda candidate: candidate.status not in BEGUN)


def _by_number(candidates: list[Candidate]) -> list[Candidate]:
    """Numbered ones by number, the others after them as they are given."""
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
) -> list[Candidate]:
    """The stories of the next cycle: the first that may run and the next one of the same epic; empty when none is left.

    `exclude` are keys this batch is done with, `only` the keys the operator asked for, `most` is the preset's.
    """
    open_ones = runnable(candidates, order=order, only=only)
    possible = [candidate for candidate in open_ones if candidate.key not in exclude]
    return [candidate for candidate in possible if candidate.epic == possible[0].epic][:most]


def entry_position(status: str) -> int:
    """How far up the ladder a story stands when a cycle takes it; raises `ValueError` for a status that never runs."""
    return STATUS_ORDER.index(status)


def advances(old: str, new: str) -> bool:
    """Whether going from one status to the other is a step forward; `blocked` may follow anything but `done`."""
    if old == new or old == "done":
        return False
    if new == "blocked" or old not in STATUS_ORDER:
        return new == "blocked"
    return new in STATUS_ORDER and STATUS_ORDER.index(new) > STATUS_ORDER.index(old)
