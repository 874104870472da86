"""Simulated histories: stories whose commands cost and take what a seed says."""

from __future__ import annotations

import random

from forecast.samples import PastCommand, PastStory

MINUTE_MS = 60_000


def history(
    seed: int, stories: int, *, spread: float = 0.5, per_batch: int = 4, priced: bool = True
) -> tuple[list[PastCommand], list[PastStory]]:
    """Stories one after the other, each planned, developed and reviewed once to four times, some of them blocked."""
    chance = random.Random(seed)
    commands, rows = [], []
    now = 1_700_000_000_000
    for number in range(stories):
        batch, cycle, key = 1 + number // per_batch, 1 + number % per_batch, f"{number // 9 + 1}-{number % 9 + 1}-s"
        rows.append(PastStory(batch, cycle, key, "backlog", "blocked" if chance.random() < 0.1 else "done", now))
        hard = chance.lognormvariate(0, spread)
        rounds = 1 + sum(chance.random() < 0.4 for _ in range(3))
        for kind, minutes, usd in (
            ("create-story", 3, 0.2),
            ("dev-story", 12, 1.5),
            *[("code-review", 6, 0.8)] * rounds,
        ):
            took = int(minutes * MINUTE_MS * hard * chance.lognormvariate(0, spread))
            cost = usd * hard * chance.lognormvariate(0, spread)
            tokens = int(cost * 100_000)
            call = (kind, "claude", "opus", False, now, now + took, cost if priced else None, tokens)
            commands.append(PastCommand(batch, cycle, (key,), *call))
            now += took + 5_000
        now += 86_400_000 if cycle == per_batch else 5_000
    return commands, rows
