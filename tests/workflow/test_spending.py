"""What money went for: the purpose of each command, and lines that add up to the ledger to the cent."""

from __future__ import annotations

import random
import sqlite3
from typing import Any

import pytest

from api.cost import spent_commands
from store.batches import create_batch
from store.commands import create_command
from store.ledger import Window, get_insights
from store.past_commands import get_spent, get_spent_of_batch, get_spent_of_story, get_spent_since
from store.stories import create_story
from tests.store.conftest import connection  # noqa: F401 - a fixture
from workflow.spending import (
    Purpose,
    SpentCommand,
    purpose_of,
    share_of_story,
    spending,
    usual_of,
    usual_of_stories,
    whole,
)

KEYS = ("1-1-a", "1-2-b", "2-1-c")
NAMES = ("create-story", "dev-story", "code-review-1", "code-review-2", "commit", "create-project-context", "lint")
STATUSES = ("success", "error", "usage-limit", "interrupted", "stopped", "timeout")


def command(name: str = "dev-story", **fields: Any) -> SpentCommand:
    usual: dict[str, Any] = {"attempt": 1, "status": "success", "agent": "claude", "background": False}
    usual |= {"duration_ms": 1000, "fresh": 10, "cached": 90, "written": 5, "usd": 1.0, "estimated": 0.0}
    return SpentCommand(1, "2026-03-01", fields.pop("keys", ("1-1-a",)), name, **{**usual, **fields})


@pytest.mark.parametrize(
    ("spent", "purpose"),
    [
        (command("create-story"), (Purpose.PLANNING, None)),
        (command("story-review-1"), (Purpose.PLANNING, None)),
        (command("story-review-2", background=True), (Purpose.BACKGROUND, None)),
        (command("build-plan-1"), (Purpose.PLANNING, None)),
        (command("dev-story"), (Purpose.DEVELOPMENT, None)),
        (command("dev-story", attempt=2), (Purpose.RETRY, None)),
        (command("dev-story", attempt=2, status="usage-limit"), (Purpose.LOST, None)),
        (command("code-review-3"), (Purpose.REVIEW, 3)),
        (command("commit"), (Purpose.COMMIT, None)),
        (command("refresh-project-context", keys=()), (Purpose.CONTEXT, None)),
        (command("lint"), (Purpose.OTHER, None)),
    ],
)
def test_every_command_has_one_purpose(spent: SpentCommand, purpose: tuple[Purpose, int | None]) -> None:
    assert purpose_of(spent) == purpose


def test_what_nobody_reported_is_unknown_and_never_zero() -> None:
    lines = spending([command(usd=None), command("code-review-1"), command("code-review-1", usd=None)], whole)
    assert [(line.purpose, line.usd, line.unknown) for line in lines] == [
        (Purpose.REVIEW, 1.0, 1),
        (Purpose.DEVELOPMENT, None, 1),
    ]
    [own] = spending([command("commit", agent="runner", usd=None)], whole)
    assert (own.usd, own.unknown) == (0.0, 0)


def test_a_line_is_shown_beside_the_median_of_its_kind() -> None:
    past = [command(keys=(key,), usd=usd) for key, usd in zip(("a", "b", "c"), (1.0, 2.0, 9.0), strict=True)]
    [line] = spending([command(usd=4.0)], whole, usual_of_stories(past))
    assert line.usual == 2.0
    assert dict(usual_of_stories(past, ["c"])) == {(Purpose.DEVELOPMENT, None): 1.5}
    assert not usual_of(past, lambda one: one.batch, 1)


@pytest.fixture
def ledger(request: pytest.FixtureRequest, connection: sqlite3.Connection) -> sqlite3.Connection:  # noqa: F811
    """A random ledger: calls for one story, for several and for none, with and without a cost."""
    chance = random.Random(request.param)
    connection.execute("BEGIN")
    for _ in range(3):
        batch = create_batch(connection, 1)
        rows = {key: create_story(connection, batch, key, epic=key[0]) for key in KEYS}
        for _ in range(60):
            keys = chance.sample(KEYS, chance.choice((0, 1, 1, 1, 2, 3)))
            fields: dict[str, Any] = {
                "story_id": rows[keys[0]] if keys else None,
                "story_key": keys[0] if keys else "",
                "story_keys": keys,
                "attempt": chance.choice((1, 1, 2)),
                "status": chance.choice(STATUSES),
                "agent": chance.choice(("claude", "codex", "runner")),
                "background": int(chance.random() < 0.1),
                "started_at": 1_770_000_000_000 + chance.randrange(4 * 86_400_000),
                "ended_at": chance.choice((None, 1_780_000_000_000)),
                "cost_usd": chance.choice((None, round(chance.expovariate(1), 6))),
                "output_tokens": chance.choice((None, 100)),
            }
            create_command(connection, batch, chance.choice(NAMES), **fields)
    connection.execute("COMMIT")
    return connection


@pytest.mark.parametrize("ledger", range(8), indirect=True)
def test_lines_add_up_to_the_ledger_to_the_cent(ledger: sqlite3.Connection) -> None:
    insights, past = get_insights(ledger), spent_commands(get_spent(ledger))
    total = insights.total[0].cost_usd

    def cost(rows: list[tuple[Any, ...]], key: str | None = None) -> float:
        share = whole if key is None else share_of_story([key])
        lines = spending(spent_commands(rows), share, usual_of(past, lambda one: one.batch, 0))
        return sum(line.usd or 0.0 for line in lines)

    by_batch = {line.name: line.cost_usd for line in insights.by_batch}
    assert {name: cost(get_spent_of_batch(ledger, int(name))) for name in by_batch} == pytest.approx(by_batch, abs=1e-6)
    stories = sum(cost(get_spent_of_story(ledger, key), key) for key in KEYS)
    [project] = [line.cost_usd for line in insights.by_story if line.name == "(project)"]
    assert stories + project == pytest.approx(total, abs=1e-6)
    first = 1_770_000_000_000
    for day in range(5):
        since, until = first + day * 86_400_000, first + (day + 1) * 86_400_000
        inside = get_insights(ledger, Window(since=since)).total, get_insights(ledger, Window(since=until)).total
        expected = sum(line.cost_usd for line in inside[0]) - sum(line.cost_usd for line in inside[1])
        assert cost(get_spent_since(ledger, since, until)) == pytest.approx(expected, abs=1e-6)
