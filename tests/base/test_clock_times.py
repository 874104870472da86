"""Times of the local clock over midnight and over changes of the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.clock_times import Windows, clock_time, next_time

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module", autouse=True)
def berlin() -> Iterator[None]:
    """This machine's zone: the clock goes from 02:00 to 03:00 on 29 March 2026, and back on 25 October 2026."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    patch.undo()
    time.tzset()


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold).timestamp()


def shown(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, ZONE).isoformat(timespec="minutes")


def windows(text: str) -> Windows:
    found = Windows.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["00:00", " 23:59 ", "07:05"])
def test_a_time(text: str) -> None:
    found = clock_time(text)
    assert found is not None
    assert found.strftime("%H:%M") == text.strip()


@pytest.mark.parametrize("text", ["24:00", "7:00", "12:60", "", "noon", "12:00:00", "\uff11\uff12:00"])
def test_no_time(text: str) -> None:
    assert clock_time(text) is None


@pytest.mark.parametrize("text", ["", "22:00", "22:00-22:00", "22:00-24:00", "22:00-07:00,", "a-b", "22:00\u201307:00"])
def test_no_windows(text: str) -> None:
    assert Windows.parse(text) is None


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ("22:00-07:00", "2026-07-01T21:59", "2026-07-01T22:00+02:00"),
        ("22:00-07:00", "2026-07-01T22:00", None),
        ("22:00-07:00", "2026-07-02T00:30", None),
        ("22:00-07:00", "2026-07-02T06:59", None),
        ("22:00-07:00", "2026-07-02T07:00", "2026-07-02T22:00+02:00"),
        ("09:00-12:00, 13:00-17:00", "2026-07-01T12:30", "2026-07-01T13:00+02:00"),
        ("09:00-12:00, 13:00-17:00", "2026-07-01T17:00", "2026-07-02T09:00+02:00"),
        ("00:00-06:00", "2026-12-31T23:59", "2027-01-01T00:00+01:00"),
        # The hour from two to three does not exist: what begins in it begins at its end.
        ("02:30-05:00", "2026-03-29T01:00", "2026-03-29T03:30+02:00"),
        ("02:15-02:45", "2026-03-29T01:00", "2026-03-30T02:15+02:00"),
        ("22:00-02:30", "2026-03-29T01:59", None),
        ("22:00-02:30", "2026-03-29T03:00", "2026-03-29T22:00+02:00"),
        # The hour from two to three comes twice.
        ("02:15-02:45", "2026-10-25T01:00", "2026-10-25T02:15+02:00"),
    ],
)
def test_when_they_open(hours: str, now: str, opens: str | None) -> None:
    assert shown(windows(hours).opens_at(at(now))) == opens


def test_a_time_that_comes_twice_comes_twice() -> None:
    first = windows("02:15-02:45").opens_at(at("2026-10-25T02:50"))
    assert shown(first) == "2026-10-25T02:15+01:00"
    assert shown(next_time(datetime(2026, 1, 1, 2, 15).time(), at("2026-10-25T02:20"))) == "2026-10-25T02:15+01:00"


MINUTES = st.integers(0, 24 * 60 - 1)


@given(begin=MINUTES, end=MINUTES, minutes=st.integers(0, 366 * 24 * 60))
def test_they_are_open_at_the_opening_and_closed_until_then(begin: int, end: int, minutes: int) -> None:
    if begin == end:
        return
    found = windows(f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}")
    now = at("2026-01-01T00:00") + minutes * 60
    opening = found.opens_at(now)
    if opening is None:
        assert found.are_open(now)
        return
    assert now < opening <= now + timedelta(days=2).total_seconds()
    assert found.are_open(opening)
    for share in range(20):
        assert not found.are_open(now + (opening - now) * share / 20)


@pytest.mark.parametrize(
    ("hours", "now", "minutes", "end"),
    [
        ("22:00-07:00", "2026-01-01T23:00", 60, "2026-01-02T00:00"),
        ("22:00-07:00", "2026-01-01T12:00", 60, "2026-01-01T23:00"),
        ("22:00-07:00", "2026-01-01T06:00", 120, "2026-01-01T23:00"),
        ("08:00-09:00, 12:00-13:00", "2026-01-01T08:30", 60, "2026-01-01T12:30"),
        ("00:00-12:00, 12:00-00:00", "2026-01-01T08:30", 24 * 60, "2026-01-02T08:30"),
    ],
)
def test_work_of_so_long_ends_when_they_were_open_so_long(hours: str, now: str, minutes: int, end: str) -> None:
    assert windows(hours).after_open(at(now), minutes * 60) == at(end)
