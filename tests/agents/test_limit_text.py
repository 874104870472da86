"""Every sentence in which a program has named the end of a limit, and the moment that it means."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from agents.limit_text import reset_in, wait_in
from agents.records import LimitSeen
from agents.spec import OutcomeKind
from tests.agents.streams import judge, read, recording

ZONE = "Europe/Berlin"
NOW = "2026-11-29 10:00:00+01:00"

SENTENCES = [
    ("try again at 8:58 AM.", "2026-11-30 08:58+01:00"),  # the next such time
    ("try again at 8:58 PM.", "2026-11-29 20:58+01:00"),
    ("try again at 10:00\u202fAM.", "2026-11-29 10:00+01:00"),
    ("try again at 12:30 AM.", "2026-11-30 00:30+01:00"),
    ("try again at Dec 2nd, 2026 8:58 AM.", "2026-12-02 08:58+01:00"),
    ("try again at Jul 1st, 2027 8:58 AM.", "2027-07-01 08:58+02:00"),  # summer time there
    ("try again at Jan 3rd 8:58 AM.", "2027-01-03 08:58+01:00"),
    ("try again in 2 hours 30 minutes.", "2026-11-29 12:30+01:00"),
    ("try again in 1 day 3 hours.", "2026-11-30 13:00+01:00"),
    ("try again in 5 minutes.", "2026-11-29 10:05+01:00"),
    ("resets 5pm", "2026-11-29 17:00+01:00"),
    ("resets 3:30am (America/New_York)", "2026-11-30 03:30-05:00"),
    ("resets 3:30am (Asia/Tokyo)", "2026-11-30 03:30+09:00"),
    ("You've hit your 5-hour limit · resets Mar 17, 2030, 5:46pm (UTC)", "2030-03-17 17:46+00:00"),
    ("Please retry in 40s.", "2026-11-29 10:00:40+01:00"),
    ("Please retry in 5h12m3s.", "2026-11-29 15:12:03+01:00"),
]
NO_TIME = [
    "You\u2019ve hit your usage limit. Try again later.",
    "try again at Feb 30th, 2027 8:58 AM.",
    "try again at 31:99",
    "try again in a while",
    "Selected model is at capacity. Please try a different model.",
    "",
]


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is in Berlin."""
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("sentence", "moment"), SENTENCES)
def test_a_named_time_is_read(sentence: str, moment: str) -> None:
    assert reset_in(f"The limit is reached: {sentence}", seconds(NOW)) == seconds(moment)


@pytest.mark.parametrize("sentence", NO_TIME)
def test_none_is_made_up(sentence: str) -> None:
    assert reset_in(sentence, seconds(NOW)) is None


def test_fractions_of_seconds() -> None:
    assert wait_in("Please retry in 40.5s.") == 40.5
    assert wait_in("Please retry in 1m0.25s") == 60.25


@pytest.mark.usefixtures("berlin")
def test_codex_names_a_day() -> None:
    """As recorded: the outcome waits for the moment on this machine's clock."""
    recorded = recording("codex", "usage_limit_at_0.171.0")
    records, tally = read(recorded)
    assert judge(recorded, tally).kind is OutcomeKind.USAGE_LIMIT
    assert [record.resets_at for record in records if isinstance(record, LimitSeen)] == [
        seconds("2026-12-02 08:58+01:00")
    ]
