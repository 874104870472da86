"""Usage windows and their reserve: names, lengths, shares, and until when a window holds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from base.clock_times import Windows
from base.usage_windows import length_s, shares_of, window_name
from workflow.quota import Reserve, UsageWindow

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def at(text: str) -> float:
    moment, _, again = text.partition(" ")
    return datetime.fromisoformat(moment).replace(fold=int(bool(again))).timestamp()


NAMES = [
    ("five_hour", "5 h", 5 * HOUR),
    ("seven_day", "week", 168 * HOUR),
    ("seven_day_opus", "week, opus", 168 * HOUR),
    ("7 d", "week", 168 * HOUR),
    ("300 min", "5 h", 5 * HOUR),
    ("30 d", "30 d", 720 * HOUR),
    ("overage", "overage", 5 * HOUR),
    (None, "limit", 5 * HOUR),
    ("x" * 90, "x" * 40, 5 * HOUR),
]


@pytest.mark.parametrize(("raw", "name", "length"), NAMES)
def test_a_window_has_one_name_and_a_length(raw: str | None, name: str, length: float) -> None:
    assert (window_name(raw), length_s(name)) == (name, length)


SHARES = [
    (None, {}),
    (30, {"": 0.3}),
    (12.5, {"": 0.125}),
    ("30 %", {"": 0.3}),
    ("5 h: 30, week: 10", {"5 h": 0.3, "week": 0.1}),
    ("five_hour: 30", {"5 h": 0.3}),
    ("week: 20, 40", {"week": 0.2, "": 0.4}),
    *((wrong, None) for wrong in (0, 100, -1, "", "5 h", "5 h: 0", "5 h: 1, 5 h: 2", "a: b", 1e-5, float("nan"))),
]


@pytest.mark.parametrize(("text", "shares"), SHARES)
def test_shares_are_read(text: float | str | None, shares: dict[str, float] | None) -> None:
    assert shares_of(text) == shares


NOON = 1_781_085_600.0  # of 10 June 2026 in Berlin


def window(used: float, name: str = "5 h", resets: float | None = NOON + HOUR, seen: float = NOON) -> UsageWindow:
    return UsageWindow(name, used, resets, seen)


# shares, hours, the windows, until when it holds (hours after noon)
HOLDS = [
    ({"": 0.3}, None, [window(0.69)], None),
    ({"": 0.3}, None, [window(0.7)], 1),
    ({"": 0.3}, None, [window(0.9), window(0.95, "week", NOON + 30 * HOUR)], 30),
    ({"5 h": 0.3}, None, [window(0.95, "week", NOON + 30 * HOUR)], None),
    ({"week": 0.1}, None, [window(0.95, "week, opus", NOON + 30 * HOUR)], 30),
    ({"week, opus": 0.5, "week": 0.1}, None, [window(0.6, "week, opus", NOON + 30 * HOUR)], 30),
    ({}, None, [window(1.0)], None),
    ({"": 0.3}, None, [window(0.9, resets=NOON)], None),  # it has been reset
    ({"": 0.3}, None, [window(0.9, resets=None)], 5),  # as long as it is
    ({"": 0.3}, None, [window(0.9, resets=None, seen=NOON - 6 * HOUR)], None),
    ({"": 0.3}, "08:00-18:00", [window(0.9, "week", NOON + 30 * HOUR)], 6),
    ({"": 0.3}, "08:00-18:00", [window(0.9)], 1),
    ({"": 0.3}, "18:00-08:00", [window(0.9)], None),
    ({"": 0.3}, "08:00-12:00,12:00-08:00", [window(0.9)], 1),  # always, whatever the hours
]


@pytest.mark.parametrize(("shares", "hours", "windows", "until"), HOLDS)
def test_a_window_holds_at_its_reserve(
    shares: dict[str, float], hours: str | None, windows: list[UsageWindow], until: float | None
) -> None:
    hold = Reserve(shares, None if hours is None else Windows.parse(hours)).holds(windows, NOON)
    assert (None if hold is None else (hold.until - NOON) / HOUR) == until


# hours, the moment, when they close; a second time of a night on which a time comes twice is marked
CLOSES = [
    ("08:00-18:00", "2026-06-10T12:00", "2026-06-10T18:00"),
    ("08:00-18:00", "2026-06-10T18:00", None),
    ("22:00-07:00", "2026-06-10T23:00", "2026-06-11T07:00"),
    ("22:00-07:00", "2026-06-11T06:59", "2026-06-11T07:00"),
    ("22:00-02:00,02:00-05:00", "2026-06-10T23:00", "2026-06-11T05:00"),
    ("00:00-12:00,12:00-00:00", "2026-06-10T23:00", None),
    # In spring the hour from 2 to 3 is skipped, in autumn it comes twice.
    ("22:00-07:00", "2026-03-28T23:00", "2026-03-29T07:00"),
    ("22:00-02:30", "2026-03-28T23:00", "2026-03-29T03:00"),
    ("22:00-02:30", "2026-10-24T23:00", "2026-10-25T02:30"),
    ("22:00-02:30", "2026-10-25T02:10 again", "2026-10-25T02:30 again"),
    ("22:00-07:00", "2026-10-24T23:00", "2026-10-25T07:00"),
]


@pytest.mark.parametrize(("hours", "now", "closes"), CLOSES)
def test_hours_close_over_midnight_and_changes_of_the_clock(hours: str, now: str, closes: str | None) -> None:
    windows = Windows.parse(hours)
    assert windows is not None
    assert windows.closes_at(at(now)) == (None if closes is None else at(closes))
