"""How many of the stories a usage window is enough for, from what earlier ones took of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from forecast.prediction import ENOUGH
from forecast.ranges import Group, total_range


@dataclass(frozen=True, slots=True)
class WindowState:
    """A usage window of an account: the share that is used (0 to 1), and when it begins anew, in ms since the epoch."""

    account: str
    name: str
    used: float
    resets_at: int | None


@dataclass(frozen=True, slots=True)
class WindowUse:
    """The share of a window that earlier stories took, one value for each story."""

    name: str
    shares: Sequence[float]


@dataclass(frozen=True, slots=True)
class WindowForecast:
    """A window is `enough` for at least so many of the stories in four of five cases; None where that is unknown."""

    account: str
    name: str
    left: float
    enough: int | None
    stories: int
    resets_at: int | None


STEPS: Final = 10  # a number between 0 and 1,024 is found


def window_forecast(window: WindowState, use: WindowUse | None, stories: int) -> WindowForecast:
    """Return for how many of so many stories a window is enough; unknown before five stories were measured."""
    left = max(0.0, 1.0 - window.used)
    shares = [] if use is None else list(use.shares)
    enough = _count(shares, left, stories) if len(shares) >= ENOUGH else None
    return WindowForecast(window.account, window.name, left, enough, stories, window.resets_at)


def _count(shares: Sequence[float], left: float, stories: int) -> int:
    """Return the largest number whose sum stays below what is left, at the high end of its range."""
    low, high = 0, stories
    for _ in range(STEPS):
        if low == high:
            break
        middle = (low + high + 1) // 2
        fits = total_range([Group(shares, middle)]).high <= left
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def shares_between(readings: Sequence[tuple[int, float]], finished: Sequence[int]) -> list[float]:
    """Return what each finished story took of a window: the growth of its readings since the story before.

    `readings` are times in ms and used shares, `finished` the times at which stories ended, both ascending. A window
    that began anew in between says nothing, and a story without a reading after it neither.
    """
    found = []
    times = [at for at, _ in readings]
    for before, end in pairwise(finished):
        first, last = bisect_left(times, before), bisect_right(times, end)
        if first == last:
            continue
        steps = [used for _, used in readings[max(0, first - 1) : last]]
        if all(first <= second for first, second in pairwise(steps)) and len(steps) > 1:
            found.append(steps[-1] - steps[0])
    return found
