"""The list of batches by filter and order, and two batches beside each other."""

from __future__ import annotations

import sqlite3

import pytest

from store.batch_search import ANY, BatchFilter, BatchPage, Order, find_batches, list_agents
from store.batches import create_batch
from store.commands import create_command
from store.comparison import compare_stories
from store.stories import create_story


@pytest.fixture
def record(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Three batches: one that was completed, one with a blocked story, one that has no end."""
    for number, (status, agent, agents, reason, ended) in enumerate(
        [
            ("completed", "claude", None, None, 2_000),
            ("stopped", "claude", '["claude", "codex"]', "by the operator, at 100 %", 9_000),
            ("paused", "own", None, None, None),
        ],
        1,
    ):
        fields = {"status": status, "agent": agent, "agents": agents, "reason": reason}
        create_batch(connection, 1, started_at=1_000 * number, ended_at=ended, **fields)
    stories: list[tuple[int, str, str, list[float | None]]] = [
        (1, "1-1-tea", "done", [0.5, None]),
        (2, "1-1-tea", "done", [2.0, 1.0]),
        (2, "1-10-cup", "blocked", [None, None]),
        (3, "1-10-cup", "review", []),
    ]
    for batch, key, outcome, costs in stories:
        story = create_story(connection, batch, key, status=outcome, reason="no KEY" if outcome == "blocked" else None)
        for number, cost in enumerate(costs, 1):
            create_command(
                connection, batch, f"code-review-{number}", story_id=story, story_key=key, status="success",
                ended_at=9, agent="claude", model="big-4", cost_usd=cost, output_tokens=cost and 10,
            )  # fmt: skip
    create_command(connection, 1, "create-project-context", status="success", ended_at=9, agent="claude", cost_usd=0.0)
    return connection


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ANY, [3, 2, 1]),
        (BatchFilter(outcome="completed"), [1]),
        (BatchFilter(outcome="blocked"), [2]),
        (BatchFilter(agent="codex"), [2]),
        (BatchFilter(agent="claude"), [2, 1]),
        (BatchFilter(story="1-1"), [2, 1]),
        (BatchFilter(story="1-10-cup"), [3, 2]),
        (BatchFilter(text="no key"), [2]),
        (BatchFilter(text="100 %"), [2]),
        (BatchFilter(text="BIG-4"), [2, 1]),
        (BatchFilter(text="3"), [3]),
        (BatchFilter(text="%"), [2]),
        (BatchFilter(story="1-1-tea", outcome="stopped", agent="claude", text="operator"), [2]),
        (BatchFilter(text="nothing of the kind"), []),
    ],
)
def test_batches_that_match(record: sqlite3.Connection, wanted: BatchFilter, found: list[int]) -> None:
    batches, total = find_batches(record, wanted, BatchPage(limit=10))
    assert ([batch.id for batch in batches], total) == (found, len(found))


@pytest.mark.parametrize(
    ("order", "descending", "found"),
    [
        ("id", False, [1, 2, 3]),
        ("cost_usd", True, [2, 1, 3]),
        ("cost_usd", False, [3, 1, 2]),
        ("duration_ms", True, [2, 1, 3]),
        ("duration_ms", False, [1, 2, 3]),
        ("review_rounds", True, [2, 1, 3]),
    ],
)
def test_orders_and_pages(record: sqlite3.Connection, order: Order, descending: bool, found: list[int]) -> None:
    for at, number in enumerate(found):
        page = BatchPage(order=order, descending=descending, limit=1, offset=at)
        batches, total = find_batches(record, ANY, page)
        assert ([batch.id for batch in batches], total) == ([number], 3)


def test_the_agents_of_all_batches(record: sqlite3.Connection) -> None:
    assert list_agents(record) == ["claude", "codex", "own"]


def test_two_batches_story_by_story(record: sqlite3.Connection) -> None:
    project, tea, cup = compare_stories(record, 1, 2)
    assert (project.story_key, project.right) == ("", None)
    assert project.left is not None
    assert (project.left.commands, project.left.cost_usd) == (1, 0.0)
    assert tea.left is not None
    assert (tea.left.cost_usd, tea.left.commands_without_cost, tea.left.review_rounds) == (0.5, 1, 2)
    assert tea.right is not None
    assert (tea.right.cost_usd, tea.right.output_tokens, tea.right.commands) == (3.0, 20, 2)
    assert cup.left is None
    assert cup.right is not None
    assert (cup.right.status, cup.right.reason, cup.right.cost_usd) == ("blocked", "no KEY", None)
