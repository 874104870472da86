"""last_updated in its own spelling."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sprint.stamp import restamp

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_karachi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time zone that is not UTC (+05:00, no summer time)."""
    monkeypatch.setenv("TZ", "Asia/Karachi")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2025-11-11", "2026-03-04"),
        ("2025-11-11T21:21:58Z", "2026-03-04T05:06:07Z"),
        ("2025-11-11 21:21:58Z", "2026-03-04 05:06:07Z"),
        ("2025-11-11T21:21:58.000Z", "2026-03-04T05:06:07.089Z"),
        ("2025-11-11T21:21:58.123456789Z", "2026-03-04T05:06:07.089000000Z"),
        ("2025-11-11T21:21:58+08:00", "2026-03-04T13:06:07+08:00"),
        ("2025-11-11T21:21:58+0700", "2026-03-04T12:06:07+0700"),
        ("2025-11-11T21:21:58-03:30", "2026-03-04T01:36:07-03:30"),
        ("2025-11-11T21:21", "2026-03-04T10:06"),
        ("2025-11-11 21:21", "2026-03-04 10:06"),
        ("2025-11-11 21:21:58 +0200", "2026-03-04 07:06:07 +0200"),
        ("11-11-2025 21:21", "03-04-2026 10:06"),
        ("11-11-2025", "03-04-2026"),
        ("2025-11-11T21:21:58+99:00", "2026-03-04T05:06:07+99:00"),
    ],
)
def test_spellings_are_kept(old: str, new: str) -> None:
    assert restamp(old, NOW) == new


@pytest.mark.parametrize("old", ["", "today", "11 November 2025", "2025", "lørdag 29. november 2025", "2025-11-11T"])
def test_unknown_spellings_are_left_alone(old: str) -> None:
    assert restamp(old, NOW) is None
