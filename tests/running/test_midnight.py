"""The day of the budget and the day of the ledger begin at the same local midnight, also when clocks change."""

from __future__ import annotations

import datetime
import sqlite3
import time
from collections.abc import Iterator

import pytest

from api.insights import midnight_ms
from running.caps import today_ms

HOUR = 3600


@pytest.fixture(params=["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def day_of(at_ms: int) -> str:
    """As the ledger names the day of a command."""
    with sqlite3.connect(":memory:") as database:
        sql = "SELECT date(? / 1000, 'unixepoch', 'localtime')"
        found: str = database.execute(sql, (at_ms,)).fetchone()[0]
    database.close()
    return found


@pytest.mark.parametrize("day", ["2026-03-29", "2026-03-08", "2026-10-25", "2026-11-01", "2026-07-01"])
def test_a_day_begins_at_its_midnight(zone: str, day: str) -> None:
    noon = datetime.datetime.fromisoformat(f"{day}T12:00:00").timestamp()
    for hours in (-11, 0, 11):
        begins = today_ms(noon + hours * HOUR)
        assert (day_of(begins), day_of(begins - 1) < day) == (day, True), zone
        assert midnight_ms(datetime.date.fromisoformat(day)) == begins
    first = datetime.date.fromisoformat(day) - datetime.timedelta(days=6)
    week = midnight_ms(first)
    assert day_of(week) == str(first)
    assert day_of(week - 1) < day_of(week)
