"""Ranges by resampling: what the sum of so many stories may be, when each is like one of the history.

Every trial takes a history of its own out of the observed one, so that a short history gives a wide range, and varies
its values a little, so that no range ends where the observations happen to. The seed is fixed: the same history gives
the same range.
"""

from __future__ import annotations

import math
import operator
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

TRIALS: Final = 200
SHARE: Final = 0.8  # of the trials that a range holds
NEWEST: Final = 50  # values that are resampled: the newest say more of today's agent, and a trial costs their number
DRAWN_MOST: Final = 30  # more stories of one kind are summed as their mean and variance say
SMOOTHING: Final = 2.0  # times the spread of the logarithms and 1/√n: holds for 5 to 50 values of usual spreads
TABLE: Final = 997  # variations that are drawn from, made once for each history


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and highest value of a range that holds 80 % of what is expected."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Group:
    """So many stories that are expected to be like these values, newest last."""

    values: Sequence[float]
    count: int = 1


def total_range(groups: Sequence[Group]) -> Range:
    """Return the range of the sum of all groups; of nothing it is 0."""
    totals = [0.0] * TRIALS
    for number, group in enumerate(groups):
        for trial, total in enumerate(_totals(group, number)):
            totals[trial] += total
    totals.sort()
    return Range(quantile(totals, (1 - SHARE) / 2), quantile(totals, (1 + SHARE) / 2))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of ascending values, between two of them by their distance."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _totals(group: Group, number: int) -> list[float]:
    """Return the sum of a group in each trial."""
    values = [max(0.0, value) for value in group.values[-NEWEST:]]
    if group.count <= 0 or not values:
        return [0.0] * TRIALS
    chance = random.Random(number)  # noqa: S311 - of statistics: repeatable on purpose
    variations = _variations(_smoothing(values))
    return [_total(values, group.count, variations, chance) for _ in range(TRIALS)]


def _total(values: list[float], count: int, variations: Sequence[float], chance: random.Random) -> float:
    size = len(values)
    first = chance.randrange(TABLE - size)  # any part of the table is as good as another
    history = list(map(operator.mul, chance.choices(values, k=size), variations[first : first + size]))
    if count <= DRAWN_MOST:
        return math.fsum(chance.choices(history, k=count))
    mean = sum(history) / size
    spread = math.sqrt(max(0.0, sum(map(operator.mul, history, history)) / size - mean * mean))
    return max(0.0, chance.gauss(count * mean, math.sqrt(count) * spread))


def _smoothing(values: Sequence[float]) -> float:
    logs = [math.log(value) for value in values if value > 0]
    spread = statistics.stdev(logs) if len(logs) > 1 else 1.0
    return round(min(SMOOTHING * spread / math.sqrt(len(values)), 1.0), 3)


@lru_cache(maxsize=64)
def _variations(width: float) -> tuple[float, ...]:
    chance = random.Random(TABLE)  # noqa: S311 - as above
    return tuple(math.exp(width * chance.gauss(0, 1) - width * width / 2) for _ in range(TABLE))
