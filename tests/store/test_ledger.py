"""The ledger: every sum is over the same commands, so that all sums agree."""

from __future__ import annotations

import datetime
import sqlite3
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.batches import create_batch, summarise_batch
from store.burnup import BurnUp
from store.commands import create_command
from store.ledger import Insights, LedgerLine, Window, get_insights
from store.stories import create_story

GROUPS = ["total", "by_command", "by_story", "by_epic", "by_batch", "by_day", "by_model", "by_agent"]
SUMS = [
    "commands", "succeeded", "failed", "held", "running", "duration_ms", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "cost_usd",
]  # fmt: skip


def at(day: int, hour: int = 12) -> int:
    return int(datetime.datetime(2026, 3, day, hour).timestamp() * 1000)


def lines(insights: Insights, group: str) -> dict[str, tuple[int, float]]:
    found: list[LedgerLine] = getattr(insights, group)
    return {line.name: (line.commands, line.cost_usd) for line in found}


@pytest.fixture
def ledger(connection: sqlite3.Connection) -> sqlite3.Connection:
    first, second = create_batch(connection, 1), create_batch(connection, 1)
    tea = create_story(connection, first, "2a-1-tea", epic="2a")
    cup = create_story(connection, second, "10-1-cup", epic="10")
    rows: list[tuple[int, str, int | None, str, dict[str, Any]]] = [
        (first, "create-project-context", None, "", {"cost_usd": 0.25, "started_at": at(1)}),
        (first, "dev-story", tea, "2a-1-tea", {"cost_usd": 1.0, "started_at": at(1, 0)}),
        (first, "code-review-1", tea, "2a-1-tea", {"cost_usd": 0.5, "started_at": at(1, 23), "word": "HIGH"}),
        (first, "code-review-2", tea, "2a-1-tea", {"cost_usd": 0.5, "started_at": at(2), "word": "ZERO ISSUES"}),
        (second, "code-review-10", cup, "10-1-cup", {"started_at": at(2), "status": "timeout", "cost_usd": 2.0}),
        (second, "dev-story", cup, "10-1-cup", {"started_at": at(2), "status": "running", "ended_at": None}),
    ]
    for batch, command, story, key, more in rows:
        columns = {"status": "success", "ended_at": 9, "duration_ms": 100, "input_tokens": 10, **more}
        create_command(connection, batch, command, story_id=story, story_key=key, **columns)
    return connection


def test_what_each_direction_adds_up_to(ledger: sqlite3.Connection) -> None:
    insights = get_insights(ledger)
    assert lines(insights, "total") == {"all": (6, 4.25)}
    assert lines(insights, "by_command") == {
        "create-project-context": (1, 0.25),
        "dev-story": (2, 1.0),
        "code-review": (3, 3.0),
    }
    assert lines(insights, "by_story") == {"(project)": (1, 0.25), "2a-1-tea": (3, 2.0), "10-1-cup": (2, 2.0)}
    assert lines(insights, "by_epic") == {"(project)": (1, 0.25), "2a": (3, 2.0), "10": (2, 2.0)}
    assert lines(insights, "by_batch") == {"1": (4, 2.25), "2": (2, 2.0)}
    assert lines(insights, "by_day") == {"2026-03-01": (3, 1.75), "2026-03-02": (3, 2.5)}


def test_what_failed_and_what_still_runs(ledger: sqlite3.Connection) -> None:
    (total,) = get_insights(ledger).total
    assert (total.failed, total.duration_ms, total.input_tokens, total.output_tokens) == (1, 600, 60, 0)


def test_a_command_that_blocked_its_story_has_failed(connection: sqlite3.Connection) -> None:
    """By its verdict, or as the last command before the block that the run waited for; in every sum alike."""
    batch = create_batch(connection, 1)
    rows = [
        ("dev-story", "complete", "done", 0),
        ("dev-story", "blocked", "blocked", 0),  # the agent says so
        ("build-auto", "unread", "in-progress", 0),  # nothing says how it ended
        ("code-review-3", "HIGH", "blocked", 0),  # the last round that was allowed
        ("refine-context", None, "blocked", 1),  # beside the story
    ]
    for number, (command, word, status, background) in enumerate(rows):
        story = create_story(connection, batch, f"{number}-a", status=status)
        columns = {"status": "success", "ended_at": 9, "word": word, "background": background}
        create_command(connection, batch, command, story_id=story, story_key=f"{number}-a", **columns)
    create_command(connection, batch, "dev-story", status="question", ended_at=9)
    insights = get_insights(connection)
    (total,) = insights.total
    assert (total.succeeded, total.failed, total.held) == (2, 3, 1)
    assert {line.name: line.failed for line in insights.by_command}["dev-story"] == 1
    summary = summarise_batch(connection, batch)
    assert summary is not None
    assert summary.commands_failed == 3


def test_the_rounds_of_review_with_their_verdicts(ledger: sqlite3.Connection) -> None:
    rounds = get_insights(ledger).review_rounds
    assert [(each.story_key, each.rounds, each.verdicts) for each in rounds] == [("2a-1-tea", 2, "HIGH, ZERO ISSUES")]


def test_an_empty_ledger(connection: sqlite3.Connection) -> None:
    insights = get_insights(connection)
    assert all(getattr(insights, group) == [] for group in [*GROUPS, "review_rounds"])
    assert insights.burn_up == BurnUp(before=0, now=0, points=[])


COMMANDS = st.lists(
    st.fixed_dictionaries(
        {
            "command": st.sampled_from(["dev-story", "code-review-1", "code-review-12", "commit"]),
            "story": st.sampled_from([0, 1, 2]),
            "status": st.sampled_from(["success", "error", "running", "timeout", "stopped"]),
            "model": st.none() | st.sampled_from(["", "big", "small"]),
            "agent": st.sampled_from(["", "own", "other"]),
            "started_at": st.integers(at(1), at(9)),
            "ended_at": st.none() | st.just(1),
            "duration_ms": st.none() | st.integers(0, 10**6),
            "input_tokens": st.none() | st.integers(0, 10**9),
            "cost_usd": st.none() | st.integers(0, 400).map(lambda cents: cents / 4),
        }
    ),
    max_size=15,
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COMMANDS)
def test_all_sums_agree(connection: sqlite3.Connection, commands: list[dict[str, Any]]) -> None:
    connection.execute("BEGIN")
    batches = [create_batch(connection, 1) for _ in range(2)]
    stories = [
        create_story(connection, batch, key, epic=key[0]) for batch, key in zip(batches, ("1-a", "2-b"), strict=True)
    ]
    for number, fields in enumerate(commands):
        story = fields.pop("story")
        own = {} if story == 0 else {"story_id": stories[story - 1], "story_key": ("1-a", "2-b")[story - 1]}
        create_command(connection, batches[number % 2], fields.pop("command"), **own, **fields)
    insights = get_insights(connection)
    connection.execute("ROLLBACK")
    for name in SUMS:
        sums = {group: sum(getattr(line, name) for line in getattr(insights, group)) for group in GROUPS}
        assert len(set(sums.values())) == 1, (name, sums)


def test_a_window_is_of_one_batch_and_from_a_time_on(ledger: sqlite3.Connection) -> None:
    second = get_insights(ledger, Window(batch=2))
    assert lines(second, "total") == {"all": (2, 2.0)}
    assert second.review_rounds == []
    later = get_insights(ledger, Window(since=at(2, 0)))
    assert lines(later, "by_day") == {"2026-03-02": (3, 2.5)}
    assert [(each.story_key, each.verdicts) for each in later.review_rounds] == [("2a-1-tea", "ZERO ISSUES")]
    assert get_insights(ledger, Window(batch=1, since=at(3))).total == []
    assert lines(get_insights(ledger, Window(until=at(2, 0))), "by_day") == {"2026-03-01": (3, 1.75)}


def test_what_came_before_the_window(ledger: sqlite3.Connection) -> None:
    assert get_insights(ledger).before is None
    before = get_insights(ledger, Window(since=at(2, 0)), Window(since=at(1, 0), until=at(2, 0))).before
    assert before is not None
    assert [(line.commands, line.cost_usd) for line in before.total] == [(3, 1.75)]
    assert (before.review_rounds, before.reviewed, before.stories_done) == (1, 1, 0)


def test_what_no_agent_reported_is_counted(ledger: sqlite3.Connection) -> None:
    batch = create_batch(ledger, 1)
    for agent in ("own", "own", "runner"):
        create_command(ledger, batch, "commit", status="success", ended_at=9, agent=agent)
    (line,) = get_insights(ledger, Window(batch=batch)).total
    assert (line.cost_usd, line.commands_without_cost, line.commands_without_tokens) == (0.0, 2, 2)


def test_a_command_either_succeeded_failed_was_held_or_still_runs(ledger: sqlite3.Connection) -> None:
    batch = create_batch(ledger, 1)
    for status in ("stopped", "interrupted", "usage-limit", "question", "error"):
        create_command(ledger, batch, "commit", status=status, ended_at=9, agent="own", model="big")
    (of_batch,) = get_insights(ledger, Window(batch=batch)).by_agent
    assert (of_batch.name, of_batch.succeeded, of_batch.failed, of_batch.held, of_batch.running) == ("own", 0, 1, 4, 0)
    (of_total,) = get_insights(ledger).total
    assert (of_total.succeeded, of_total.failed, of_total.held, of_total.running) == (4, 2, 4, 1)
    assert lines(get_insights(ledger), "by_model") == {"(not named)": (6, 4.25), "big": (5, 0.0)}
