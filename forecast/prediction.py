"""The prediction of stories: which samples each is compared with, and the ranges of cost, tokens and time.

A story is compared with those that came at its status or an earlier one, of its agent and model, and of its size, as
long as there are enough; of each, only what the story still needs counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from forecast.defaults import Defaults, default_values
from forecast.ranges import Group, Range, total_range
from forecast.samples import Part, Sample

ENOUGH: Final = 5  # samples, below which the defaults count
ENOUGH_OF_SIZE: Final = 10  # samples of one size, below which all sizes are taken together
ORDER: Final = ("backlog", "ready-for-dev", "in-progress", "review")  # of the statuses at which a story comes
NEWEST: Final = 200  # samples that are looked at


@dataclass(frozen=True, slots=True)
class Wanted:
    """A story to predict. `kinds` are the commands that it still needs, `rounds` those of them that ran, by kind."""

    key: str
    epic: str
    status: str
    kinds: frozenset[str]
    rounds: Mapping[str, int] = field(default_factory=dict)
    size: int | None = None
    cycle: int = 0


@dataclass(frozen=True, slots=True)
class Values:
    """What a story may need, one value for each sample; empty where that is unknown."""

    seconds: Sequence[float]
    dollars: Sequence[float]
    tokens: Sequence[float]
    samples: Sequence[Sample] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """The ranges for all stories together, one after the other. `samples` are those that they rest on; none: defaults.

    `usd` is None where it is unknown; only then `tokens` are given, if they are known.
    `spreads` are the possible seconds of each story.
    """

    usd: Range | None
    tokens: Range | None
    seconds: Range
    samples: Sequence[Sample]
    defaults: bool
    spreads: Sequence[Sequence[float]]


def predict(
    stories: Sequence[Wanted],
    samples: Sequence[Sample],
    *,
    agent: str,
    model: str | None,
    extra: Sequence[Values] = (),
    priced: bool = True,
    defaults: Defaults = default_values,
) -> Prediction:
    """Return what the stories take; `extra` is work besides them. `priced`: the agent's cost would be known."""
    pool = _alike(samples[-NEWEST:], agent, model)
    values_of = _by_class(pool, priced, defaults)
    each = [values_of(story) for story in stories]
    groups = [*_groups(each), *((values, 1) for values in extra)]
    usd = _range(groups, lambda values: values.dollars)
    used = {id(sample): sample for values, _ in groups for sample in values.samples}
    return Prediction(
        usd=usd,
        tokens=_range(groups, lambda values: values.tokens) if usd is None else None,
        seconds=total_range([Group(values.seconds, count) for values, count in groups]),
        samples=list(used.values()),
        defaults=any(not values.samples for values in each),
        spreads=[values.seconds for values in each],
    )


def _groups(each: Sequence[Values]) -> list[tuple[Values, int]]:
    """Return the values of all stories, those that are alike once with their number."""
    counts = Counter(id(values) for values in each)
    return [(values, counts[key]) for key, values in {id(values): values for values in each}.items()]


def _range(groups: Sequence[tuple[Values, int]], of: Callable[[Values], Sequence[float]]) -> Range | None:
    """Return the range of a sum; None where a part of it is unknown, since a sum of the rest would be too small."""
    if not groups or any(not of(values) for values, _ in groups):
        return None
    return total_range([Group(of(values), count) for values, count in groups])


def _alike(samples: Sequence[Sample], agent: str, model: str | None) -> list[Sample]:
    """Return the samples of this agent and model; of this agent where they are too few; none of other agents."""
    own = [sample for sample in samples if sample.agent == agent]
    exact = [sample for sample in own if model is not None and sample.model == model]
    return exact if len(exact) >= ENOUGH else own


def _by_class(pool: Sequence[Sample], priced: bool, defaults: Defaults) -> Callable[[Wanted], Values]:
    """Return a function that looks up the values of a story; stories of one class get the same object."""
    known: dict[tuple[object, ...], Values] = {}
    sizes = [sample.size for sample in pool if sample.size is not None]
    middle = median(sizes) if sizes else None

    def values_of(story: Wanted) -> Values:
        small = None if middle is None or story.size is None else story.size <= middle
        rounds = tuple(sorted(story.rounds.items()))
        name = (story.status, story.kinds, rounds, small)
        if name not in known:
            known[name] = _values(story, _comparable(pool, story, middle, small), priced, defaults)
        return known[name]

    return values_of


def _comparable(pool: Sequence[Sample], story: Wanted, middle: float | None, small: bool | None) -> list[Sample]:
    came_earlier = [sample for sample in pool if _place(sample.entered) <= _place(story.status)]
    if small is None or middle is None:
        return came_earlier
    of_size = [sample for sample in came_earlier if sample.size is not None and (sample.size <= middle) is small]
    return of_size if len(of_size) >= ENOUGH_OF_SIZE else came_earlier


def _place(status: str) -> int:
    return ORDER.index(status) if status in ORDER else 0


def _values(story: Wanted, samples: Sequence[Sample], priced: bool, defaults: Defaults) -> Values:
    if not story.kinds:  # nothing is left of it but its status
        return Values([0.0], [0.0], [0.0], samples[-1:])
    if len(samples) < ENOUGH:
        seconds, dollars = defaults(story.kinds)
        return Values(seconds, dollars if priced else [], [])
    parts = [
        [_rest(sample.parts[kind], story.rounds.get(kind, 0)) for kind in story.kinds & sample.parts.keys()]
        for sample in samples
    ]
    dollars = [sum(part.usd or 0.0 for part in each) for each in parts if all(part.usd is not None for part in each)]
    tokens = [
        float(sum(part.tokens or 0 for part in each)) for each in parts if all(part.tokens is not None for part in each)
    ]
    return Values(
        [sum(part.seconds for part in each) for each in parts],
        dollars if len(dollars) * 2 > len(parts) else [],
        tokens if len(tokens) * 2 > len(parts) else [],
        samples,
    )


def _rest(part: Part, behind: int) -> Part:
    """Return what is left of a kind of command after so many rounds: at least one more."""
    if not behind or not part.calls:
        return part
    share = max(1, part.calls - behind) / part.calls
    usd = None if part.usd is None else part.usd * share
    tokens = None if part.tokens is None else round(part.tokens * share)
    return Part(part.seconds * share, usd, tokens, max(1, part.calls - behind))
