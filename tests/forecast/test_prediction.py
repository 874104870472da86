"""Predictions: which stories are compared, what is unknown, and when the defaults count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from forecast.lanes import time_share
from forecast.prediction import Prediction, Wanted, predict
from forecast.quota import WindowState, WindowUse, shares_between, window_forecast
from forecast.ranges import Group, quantile, total_range
from forecast.samples import Part, Sample, samples_of
from tests.forecast.histories import history

KINDS = frozenset({"create-story", "dev-story", "code-review"})


def sample(number: int, usd: float | None = 2.0, **fields: object) -> Sample:
    parts = {"dev-story": Part(600, usd, 1000, 1), "code-review": Part(300, usd, 500, 2)}
    made = Sample(f"1-{number}", 1, "backlog", "claude", "opus", number, number + 1, parts)
    return replace(made, **fields)  # type: ignore[arg-type]


def predicted(samples: Sequence[Sample], status: str = "backlog", count: int = 1, **fields: object) -> Prediction:
    wanted = Wanted("2-1", "2", status, KINDS)
    wanted = replace(wanted, **fields)  # type: ignore[arg-type]
    return predict([wanted] * count, samples, agent="claude", model="opus")


@pytest.mark.parametrize(
    ("values", "share", "expected"), [([1, 2, 3], 0.5, 2), ([1, 2], 0.25, 1.25), ([5], 0.9, 5), ([1, 2, 3], 1, 3)]
)
def test_a_quantile_lies_between_two_values_by_their_distance(
    values: list[float], share: float, expected: float
) -> None:
    assert quantile(values, share) == pytest.approx(expected)


def test_the_same_history_gives_the_same_range() -> None:
    groups = [Group([1.0, 2.0, 4.0, 3.0, 2.5], 9)]
    assert total_range(groups) == total_range(groups)
    assert total_range([]) == total_range([Group([], 3)])


def test_below_five_stories_the_defaults_count_and_are_called_so() -> None:
    assert predicted([sample(number) for number in range(4)]).defaults
    own = predicted([sample(number) for number in range(5)])
    assert not own.defaults
    assert own.usd is not None
    assert own.usd.low == pytest.approx(4.0)
    assert own.seconds.high == pytest.approx(900)


def test_a_cost_that_most_have_not_reported_is_unknown_and_the_tokens_remain() -> None:
    found = predicted([sample(number, None) for number in range(8)])
    assert found.usd is None
    assert found.tokens is not None
    assert found.tokens.low == pytest.approx(1500)
    mixed = [sample(number, None if number < 3 else 2.0) for number in range(8)]
    assert predicted(mixed).usd is not None


def test_stories_of_another_agent_say_nothing_and_those_of_another_model_only_where_there_are_too_few() -> None:
    others = [sample(number, 50.0, agent="codex") for number in range(9)]
    assert predicted(others).defaults
    dear = [sample(number, 50.0, model="fable") for number in range(9)]
    assert predicted(dear).usd == predicted([sample(number, 50.0) for number in range(9)]).usd
    both = predicted([*dear, *(sample(number) for number in range(5))])
    assert both.usd is not None
    assert both.usd.high == pytest.approx(4.0)


def test_only_what_a_story_still_needs_counts() -> None:
    samples = [sample(number) for number in range(6)]
    review = predicted(samples, "review", kinds=frozenset({"code-review"}))
    assert review.usd is not None
    assert review.usd.low == pytest.approx(2.0)
    begun = predicted(samples, kinds=frozenset({"code-review"}), rounds={"code-review": 1})
    assert begun.usd is not None
    assert begun.usd.low == pytest.approx(1.0)
    assert predicted(samples, kinds=frozenset()).seconds.high == 0


def test_large_stories_are_compared_with_large_ones_where_there_are_enough() -> None:
    samples = [sample(number, 1.0 if number % 2 else 10.0, size=2 if number % 2 else 9) for number in range(24)]
    small, large = predicted(samples, size=2), predicted(samples, size=9)
    assert small.usd is not None
    assert large.usd is not None
    assert (small.usd.high, large.usd.low) == pytest.approx((2.0, 20.0))


def test_a_sum_of_many_is_narrower_than_many_times_one() -> None:
    samples = samples_of(*history(3, 40))
    one, many = predicted(samples).seconds, predicted(samples, count=100).seconds
    assert one.low * 100 < many.low < many.high < one.high * 100


@pytest.mark.parametrize(
    ("cycles", "width", "share"),
    [
        ([("1", [60.0])] * 4, 1, 1.0),
        ([("1", [60.0])] * 4, 3, 1.0),
        ([(str(number), [60.0]) for number in range(4)], 2, 0.5),
        ([(str(number), [60.0]) for number in range(3)], 2, 2 / 3),
        ([("1", [60.0]), ("1", [60.0]), ("2", [60.0])], 2, 2 / 3),
        ([], 2, 1.0),
    ],
)
def test_lanes_share_the_time_but_never_that_of_one_epic(
    cycles: list[tuple[str, list[float]]], width: int, share: float
) -> None:
    assert time_share(cycles, width) == pytest.approx(share)


@pytest.mark.parametrize(("used", "enough"), [(0.0, 9), (0.45, 5), (1.0, 0), (1.2, 0)])
def test_a_window_is_enough_for_so_many_stories(used: float, enough: int) -> None:
    window = WindowState("claude", "five_hour", used, None)
    assert window_forecast(window, WindowUse("five_hour", [0.1] * 8), 9).enough == pytest.approx(enough, abs=0)


def test_a_window_without_measurements_is_not_guessed() -> None:
    assert window_forecast(WindowState("claude", "five_hour", 0.2, None), None, 9).enough is None
    assert window_forecast(WindowState("claude", "w", 0.2, None), WindowUse("w", [0.1] * 4), 9).enough is None


def test_what_a_story_took_of_a_window_is_the_growth_between_two_ends() -> None:
    readings = [(5, 0.1), (15, 0.2), (25, 0.35), (35, 0.05), (45, 0.10)]
    assert shares_between(readings, [10, 20, 30, 40, 50]) == pytest.approx([0.1, 0.15, 0.05])
