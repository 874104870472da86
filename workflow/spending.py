"""What money went for: the commands of a story, a batch or a day as lines by purpose. Pure; costs in US dollars.

Every command belongs to exactly one line, so that the lines add up to the ledger. A call for several stories counts for
each of them with its share. What no agent has reported is unknown and never zero.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple, TypeVar

from workflow.presets import CONTEXT_COMMANDS, PLANNING, kind_of

K = TypeVar("K", str, int)
RUNNER: Final = "runner"  # the agent of what the runner does itself, which costs nothing
LOST: Final = frozenset({"usage-limit", "interrupted", "stopped", "lost", "transient", "refused", "unchecked"})
PLANS: Final = frozenset(
    {"create-story", "story-discovery", "story-review", "create-tech-spec", "tech-spec-review", "sprint-planning"}
)
DEVELOPS: Final = frozenset({"dev-story", "build-auto"})


class Purpose(StrEnum):
    """What a command was for, or what became of it."""

    CONTEXT = "context"
    PLANNING = "planning"
    DEVELOPMENT = "development"
    REVIEW = "review"  # with the number of its round
    RETRY = "retry"
    LOST = "lost"  # to limits, stops and kills
    BACKGROUND = "background"
    COMMIT = "commit"
    OTHER = "other"


class SpentCommand(NamedTuple):
    """A command of the ledger. `keys` are the stories of the call; what was not reported is None."""

    batch: int
    day: str
    keys: tuple[str, ...]
    command: str
    attempt: int
    status: str
    agent: str
    background: bool
    duration_ms: int
    fresh: int | None
    cached: int | None
    written: int | None
    usd: float | None
    estimated: float


@dataclass(frozen=True, slots=True)
class SpendingLine:
    """A line. `usd` is None where none of its commands has reported a cost, `unknown` are those that have not.

    Tokens are `fresh` (read for the first time, or written to the cache), `cached` (read from it) and `written`.
    `usual` is the median of such lines of other stories, batches or days; None without one.
    """

    purpose: Purpose
    round: int | None
    commands: float
    usd: float | None
    estimated: float
    unknown: int
    fresh: int
    cached: int
    written: int
    duration_ms: int
    usual: float | None = None


def purpose_of(command: SpentCommand) -> tuple[Purpose, int | None]:
    """Return what a command was for, with the number of the round of a review."""
    kind = kind_of(command.command)
    if command.status in LOST:
        return Purpose.LOST, None
    if command.background:
        return Purpose.BACKGROUND, None
    if kind in CONTEXT_COMMANDS:
        return Purpose.CONTEXT, None
    if command.attempt > 1:
        return Purpose.RETRY, None
    if kind == "commit":
        return Purpose.COMMIT, None
    if kind in DEVELOPS:
        return Purpose.DEVELOPMENT, None
    if kind in PLANS or command.command.startswith(PLANNING):
        return Purpose.PLANNING, None
    if kind == "code-review":
        return Purpose.REVIEW, _round(command.command)
    return Purpose.OTHER, None


def _round(command: str) -> int:
    number = command.rpartition("-")[2]
    return int(number) if number.isdigit() else 1


Share = Callable[[SpentCommand], float]
Usual = Mapping[tuple[Purpose, int | None], float]


def spending(commands: Sequence[SpentCommand], share: Share, usual: Usual | None = None) -> list[SpendingLine]:
    """Return the lines, the most expensive first; `share` is the part of a command that counts here (0: nothing)."""
    groups: dict[tuple[Purpose, int | None], list[tuple[SpentCommand, float]]] = defaultdict(list)
    for command in commands:
        if part := share(command):
            groups[purpose_of(command)].append((command, part))
    lines = [_line(name, group, (usual or {}).get(name)) for name, group in groups.items()]
    return sorted(lines, key=lambda line: (-(line.usd or 0.0), -line.duration_ms, line.purpose, line.round or 0))


def _line(
    name: tuple[Purpose, int | None], group: Sequence[tuple[SpentCommand, float]], usual: float | None
) -> SpendingLine:
    known = [command.usd * part for command, part in group if command.usd is not None]
    free = all(command.agent == RUNNER for command, _ in group)

    def tokens(of: Callable[[SpentCommand], int | None]) -> int:
        return round(math.fsum((of(command) or 0) * part for command, part in group))

    return SpendingLine(
        *name,
        commands=round(math.fsum(part for _, part in group), 3),
        usd=math.fsum(known) if known or free else None,
        estimated=math.fsum(command.estimated * part for command, part in group),
        unknown=sum(command.usd is None and command.agent != RUNNER for command, _ in group),
        fresh=tokens(lambda command: command.fresh),
        cached=tokens(lambda command: command.cached),
        written=tokens(lambda command: command.written),
        duration_ms=round(math.fsum(command.duration_ms * part for command, part in group)),
        usual=usual,
    )


def share_of_story(names: Iterable[str]) -> Share:
    """Return the share of a command for a story of these names: all of it, or its part of a call for several."""
    wanted = frozenset(names)
    return lambda command: len(wanted.intersection(command.keys)) / len(command.keys) if command.keys else 0.0


def whole(_command: SpentCommand) -> float:
    """The share of a batch or a day: everything."""
    return 1.0


def usual_of_stories(commands: Sequence[SpentCommand], without: Collection[str] = ()) -> Usual:
    """Return the median cost of each line over the other stories that have it; `without` are the story's names."""
    by_key: dict[str, list[SpentCommand]] = defaultdict(list)
    for command in commands:
        for key in frozenset(command.keys).difference(without):
            by_key[key].append(command)
    return _medians(spending(group, share_of_story([key])) for key, group in by_key.items())


def usual_of(commands: Sequence[SpentCommand], of: Callable[[SpentCommand], K], without: K) -> Usual:
    """Return the median cost of each line over batches or days, as `of` tells them apart, but one of them."""
    groups: dict[K, list[SpentCommand]] = defaultdict(list)
    for command in commands:
        groups[of(command)].append(command)
    return _medians(spending(group, whole) for name, group in groups.items() if name != without)


def _medians(all_lines: Iterable[Sequence[SpendingLine]]) -> Usual:
    found: dict[tuple[Purpose, int | None], list[float]] = defaultdict(list)
    for lines in all_lines:
        for line in lines:
            if line.usd is not None:
                found[line.purpose, line.round].append(line.usd)
    return {name: median(values) for name, values in found.items()}
