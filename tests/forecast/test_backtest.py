"""The range of 80 % over simulated histories: it holds the truth in 75 to 85 of 100."""

from __future__ import annotations

from forecast.backtest import Hits, backtest
from forecast.samples import samples_of
from tests.forecast.histories import history


def test_the_range_holds_the_truth_four_times_of_five() -> None:
    spreads = (0.3, 0.6)
    results = [backtest(samples_of(*history(seed, 45, spread=spreads[seed % 2], per_batch=3))) for seed in range(10)]
    for name in ("story_cost", "story_time", "batch_cost", "batch_time"):
        hits: list[Hits] = [getattr(result, name) for result in results]
        given, held = sum(one.given for one in hits), sum(one.held for one in hits)
        assert 0.75 <= held / given <= 0.85, f"{name}: {held} of {given}"


def test_stories_that_only_the_defaults_knew_are_left_out() -> None:
    assert backtest(samples_of(*history(1, 5))).story_cost == Hits()
    assert backtest(samples_of(*history(1, 6))).story_cost.given == 1
