"""Tests of plausible claims: which numbers are accepted, and what replaces the others."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import plausible
from base.plausible import LIMIT_BACKOFF_S, LONGEST_WAIT_S, limit_wait

NOW = 1_796_000_000.0
DAY = 86_400.0

WAITS = [
    # what is claimed, waits before, seconds waited, whether a sentence says why
    (None, 0, 60, False),
    (None, 1, 300, False),
    (None, 3, 1800, False),
    (None, 99, 1800, False),
    (NOW + 3600, 0, 3600, False),
    (NOW + 7 * DAY, 0, 7 * DAY, False),
    (NOW + 60, 0, 60, False),
    # in the past, or now: paid for in a tight loop if it were believed
    (NOW - 1, 0, 60, True),
    (NOW - 30 * DAY, 2, 900, True),
    (NOW, 0, 60, True),
    (0.0, 0, 60, True),
    (-1.0, 0, 60, True),
    # nearer than the next step
    (NOW + 59, 0, 60, True),
    (NOW + 200, 1, 300, True),
    # farther than any window
    (NOW + 9 * DAY, 0, 60, True),
    (9e17, 0, 60, True),
    (math.inf, 0, 60, True),
    (math.nan, 0, 60, True),
]


@pytest.mark.parametrize(("claimed", "before", "seconds", "doubted"), WAITS)
def test_how_long_a_limit_is_waited_for(claimed: float | None, before: int, seconds: float, doubted: bool) -> None:
    wait = limit_wait(claimed, NOW, before)
    assert wait.until - NOW == pytest.approx(seconds)
    assert (wait.doubt is not None) is doubted


@given(st.none() | st.floats(), st.integers(0, 10))
def test_a_wait_is_never_shorter_than_the_next_step_and_never_longer_than_eight_days(
    claimed: float | None, before: int
) -> None:
    step = LIMIT_BACKOFF_S[min(before, len(LIMIT_BACKOFF_S) - 1)]
    assert step <= limit_wait(claimed, NOW, before).until - NOW <= LONGEST_WAIT_S


TIMES = [
    (1_796_000_000, NOW),
    (1_796_000_000_000, NOW),
    (1_796_000_000_000_000, NOW),
    ("1796000000", NOW),
    ("1796000000000", NOW),
    ("2026-11-30T00:53:20Z", NOW),
    ("2026-11-30T00:53:20+00:00", NOW),
    ("2026-11-30T01:53:20+01:00", NOW),
    ("2026-11-30 00:53:20", NOW),
    (True, None),
    (None, None),
    (-5, None),
    (math.nan, None),
    (10**400, None),
    ("tomorrow", None),
    ("", None),
    ([], None),
]


@pytest.mark.parametrize(("value", "seconds"), TIMES)
def test_a_time_is_recognised_by_its_size_and_form(value: Any, seconds: float | None) -> None:
    assert plausible.epoch_seconds(value) == seconds


COSTS = [(0, 0.0), (1.5, 1.5), (-0.01, None), (math.nan, None), (math.inf, None), (10**9, None), (True, None)]


@pytest.mark.parametrize(("value", "booked"), COSTS)
def test_a_cost_is_finite_and_not_negative(value: Any, booked: float | None) -> None:
    assert plausible.cost_usd(value) == booked
    assert (plausible.cost_doubt(value) is None) is (booked is not None)


def test_an_agent_that_reports_no_cost_is_not_doubted() -> None:
    assert plausible.cost_doubt(None) is None


@pytest.mark.parametrize(
    ("value", "counted"), [(7, 7), (7.9, 7), (-1, 0), (2**63, 0), (math.nan, 0), (math.inf, 0), (True, 0), ("7", 0)]
)
def test_a_count_is_a_count(value: Any, counted: int) -> None:
    assert plausible.count(value) == counted


@pytest.mark.parametrize(
    ("text", "hash"), [("1EF5BB3", "1ef5bb3"), ("`1ef5bb3`", "1ef5bb3"), ("HEAD", None), ("abc", None), ("", None)]
)
def test_a_hash_is_a_hash(text: str, hash: str | None) -> None:
    assert plausible.commit_hash(text) == hash
