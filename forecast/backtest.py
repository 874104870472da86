"""The backtest: how often the truth lay inside of the range that would have been given before it was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from forecast.prediction import Prediction, Wanted, predict
from forecast.samples import Sample


@dataclass(frozen=True, slots=True)
class Hits:
    """How many ranges were given, and how many held the truth."""

    given: int = 0
    held: int = 0

    def with_one(self, held: bool) -> Hits:
        return Hits(self.given + 1, self.held + held)

    @property
    def share(self) -> float | None:
        return self.held / self.given if self.given else None


@dataclass(frozen=True, slots=True)
class Backtest:
    """The result by what was predicted: each story by itself, and the stories of each batch together."""

    story_cost: Hits
    story_time: Hits
    batch_cost: Hits
    batch_time: Hits
    stories: int


def backtest(samples: Sequence[Sample]) -> Backtest:
    """Walk the history, oldest first: predict from what had ended before, compare with what happened.

    Stories for which only defaults were known are left out: they are no prediction of this project.
    """
    story_cost = story_time = batch_cost = batch_time = Hits()
    for sample in samples:
        prediction = _predicted([sample], samples)
        story_cost, story_time = _compared(prediction, [sample], story_cost, story_time)
    ordered = sorted(samples, key=lambda sample: sample.batch)
    for _, group in groupby(ordered, key=lambda sample: sample.batch):
        together = list(group)
        prediction = _predicted(together, samples)
        batch_cost, batch_time = _compared(prediction, together, batch_cost, batch_time)
    return Backtest(story_cost, story_time, batch_cost, batch_time, len(samples))


def _predicted(those: Sequence[Sample], samples: Sequence[Sample]) -> Prediction:
    began = min(sample.started_at for sample in those)
    before = [sample for sample in samples if sample.ended_at <= began]
    wanted = [Wanted(sample.key, "", sample.entered, _kinds(sample, samples), size=sample.size) for sample in those]
    return predict(wanted, before, agent=those[0].agent, model=those[0].model or None)


def _kinds(sample: Sample, samples: Sequence[Sample]) -> frozenset[str]:
    """Return what a story at its status may need, as the preset would say it: not what it turned out to need."""
    return frozenset(kind for other in samples if other.entered == sample.entered for kind in other.parts)


def _compared(prediction: Prediction, those: Sequence[Sample], cost: Hits, time: Hits) -> tuple[Hits, Hits]:
    if prediction.defaults:
        return cost, time
    parts = [part for sample in those for part in sample.parts.values()]
    time = time.with_one(prediction.seconds.holds(sum(part.seconds for part in parts)))
    dollars = [part.usd for part in parts if part.usd is not None]
    if prediction.usd is not None and len(dollars) == len(parts):
        cost = cost.with_one(prediction.usd.holds(sum(dollars)))
    return cost, time
