"""Samples: what each finished story of the history took, by kind of command.

Time is that of the foreground: commands that overlap count once, and a short gap between two of them (a check, a
snapshot, a retry) belongs to the work; a long one is a pause and does not. A call for several stories counts for each
with its share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

GAP_MS: Final = 10 * 60_000  # between two commands; more is a pause, a night or a limit
RUNNER: Final = "runner"  # the agent of what the runner does itself, which costs nothing
ENDED: Final = frozenset({"done", "blocked"})


class PastCommand(NamedTuple):
    """A command that has ended; times in ms since the epoch, `kind` without the number of a round.

    `usd` and `tokens` are None where the agent has reported none. `cycle` is None for work of the project.
    """

    batch: int
    cycle: int | None
    keys: tuple[str, ...]
    kind: str
    agent: str
    model: str
    background: bool
    started_at: int
    ended_at: int
    usd: float | None
    tokens: int | None
    ok: bool = True


class PastStory(NamedTuple):
    """A story in a cycle: the status with which it came, and the one that it has now or was left with."""

    batch: int
    cycle: int
    key: str
    entered: str
    status: str
    started_at: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of command took for one story; None where a call of it has reported nothing."""

    seconds: float
    usd: float | None
    tokens: int | None
    calls: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A finished story. `agent` and `model` are those of its longest command, `size` as its plan says it."""

    key: str
    batch: int
    entered: str
    agent: str
    model: str
    started_at: int
    ended_at: int
    parts: Mapping[str, Part]
    size: int | None = None


@dataclass(slots=True)
class _Sum:
    seconds: float = 0.0
    usd: float | None = 0.0
    tokens: float | None = 0.0
    calls: int = 0

    def add(self, command: PastCommand, seconds: float) -> None:
        share = 1 / len(command.keys)
        free = command.agent == RUNNER
        self.seconds += seconds * share
        self.calls += 1
        if not free:
            self.usd = None if self.usd is None or command.usd is None else self.usd + command.usd * share
            known = self.tokens is not None and command.tokens is not None
            self.tokens = (self.tokens or 0) + (command.tokens or 0) * share if known else None

    def part(self) -> Part:
        return Part(self.seconds, self.usd, None if self.tokens is None else round(self.tokens), self.calls)


@dataclass(slots=True)
class _Open:
    """A story that has not ended yet: its commands in all the batches that it was carried through."""

    entered: str
    started_at: int
    commands: list[tuple[PastCommand, float]] = field(default_factory=list)


def samples_of(
    commands: Iterable[PastCommand], stories: Iterable[PastStory], sizes: Mapping[str, int] | None = None
) -> list[Sample]:
    """Return the finished stories, oldest first. `commands` and `stories` are in the order of their begin."""
    by_place = _by_place(commands)
    open_ones: dict[str, _Open] = {}
    found = []
    for story in stories:
        entry = open_ones.setdefault(story.key, _Open(story.entered, story.started_at))
        entry.commands += by_place.pop((story.batch, story.cycle, story.key), [])
        if story.status in ENDED:
            del open_ones[story.key]
            if entry.commands:
                found.append(_sample(story, entry, (sizes or {}).get(story.key)))
    return sorted(found, key=lambda sample: sample.ended_at)


def _by_place(commands: Iterable[PastCommand]) -> dict[tuple[int, int, str], list[tuple[PastCommand, float]]]:
    """Return the commands with their own seconds, by batch, cycle and story."""
    found: dict[tuple[int, int, str], list[tuple[PastCommand, float]]] = defaultdict(list)
    until: dict[tuple[int, int], int] = {}  # the end of the latest command of a cycle
    for command in commands:
        if command.cycle is None or not command.keys:
            continue
        seconds = 0.0
        if not command.background:
            seconds = own_seconds(command, until.get((command.batch, command.cycle)))
            until[command.batch, command.cycle] = max(until.get((command.batch, command.cycle), 0), command.ended_at)
        for key in command.keys:
            found[command.batch, command.cycle, key].append((command, seconds))
    return found


def own_seconds(command: PastCommand, before: int | None) -> float:
    """Return the time that a command adds to its cycle, whose latest command before it ended at `before` (ms)."""
    began = command.started_at
    if before is not None and began - before <= GAP_MS:
        began = before
    return max(0, command.ended_at - began) / 1000


def _sample(story: PastStory, entry: _Open, size: int | None) -> Sample:
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for command, seconds in entry.commands:
        sums[command.kind].add(command, seconds)
    by_agent = [(seconds, command) for command, seconds in entry.commands if command.agent != RUNNER]
    longest = max(by_agent, key=lambda pair: pair[0])[1] if by_agent else entry.commands[0][0]
    return Sample(
        key=story.key,
        batch=story.batch,
        entered=entry.entered,
        agent=longest.agent,
        model=longest.model,
        started_at=entry.started_at,
        ended_at=max(command.ended_at for command, _ in entry.commands),
        parts={kind: sum_.part() for kind, sum_ in sums.items()},
        size=size,
    )


def project_parts(commands: Sequence[PastCommand], kind: str) -> list[Part]:
    """Return the calls of a command for the project itself, such as that of its context file."""
    return [
        Part(max(0, one.ended_at - one.started_at) / 1000, one.usd, one.tokens, 1)
        for one in commands
        if one.kind == kind and not one.keys
    ]
