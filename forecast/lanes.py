"""Cycles side by side: which share of their time passes when so many lanes work, never two on one epic."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from typing import Final

TRIALS: Final = 12  # the share varies little from one to the next
CYCLES_MOST: Final = 200  # that are laid out; the share of more is that of these


def time_share(cycles: Sequence[tuple[str, Sequence[float]]], width: int) -> float:
    """Return the time that passes over the time that is worked: 1 for one lane. `cycles` are epic and possible times.

    The first cycle in order whose epic is free is taken by a lane as soon as it is free, as the scheduler does.
    """
    if width <= 1 or len(cycles) < 2:
        return 1.0
    chance = random.Random(width)  # noqa: S311 - of statistics: repeatable on purpose
    taken = cycles[:CYCLES_MOST]
    shares = []
    for _ in range(TRIALS):
        drawn = [(epic, chance.choice(times) if times else 0.0) for epic, times in taken]
        worked = sum(time for _, time in drawn)
        shares.append(_makespan(drawn, width) / worked if worked else 1.0)
    return sum(shares) / len(shares)


def _makespan(cycles: Sequence[tuple[str, float]], width: int) -> float:
    waiting, running = list(cycles), list[tuple[float, str]]()
    now = 0.0
    while waiting or running:
        busy = {epic for _, epic in running}
        while len(running) < width:
            place = next((at for at, (epic, _) in enumerate(waiting) if epic not in busy), None)
            if place is None:
                break
            epic, time = waiting.pop(place)
            busy.add(epic)
            heapq.heappush(running, (now + time, epic))
        now, _ = heapq.heappop(running)
    return now
