"""Batches: which one is open, which is the last, and what each adds up to."""

from __future__ import annotations

import sqlite3

import pytest

from store.batches import (
    count_batches,
    count_completed_cycles,
    create_batch,
    get_active_batch,
    get_batch,
    get_batch_before,
    get_last_batch,
    list_batches,
    summarise_batch,
    update_batch,
)
from store.commands import create_command
from store.rows import NoSuchRow
from store.stories import create_story

STATUSES = ["running", "paused", "interrupted", "completed", "stopped", "error"]


def test_a_new_batch_runs(connection: sqlite3.Connection) -> None:
    batch = get_batch(connection, create_batch(connection, 2, agent="codex", only_stories='["1-1-a"]'))
    assert batch is not None
    assert (batch.id, batch.status, batch.max_cycles, batch.cycles_completed) == (1, "running", 2, 0)
    assert (batch.agent, batch.only_stories, batch.ended_at, batch.budget_usd) == ("codex", '["1-1-a"]', None, None)
    assert batch.started_at > 1_700_000_000_000


def test_all_cycles_are_no_number(connection: sqlite3.Connection) -> None:
    batch = get_batch(connection, create_batch(connection, None))
    assert batch is not None
    assert batch.max_cycles is None


def test_an_empty_history(connection: sqlite3.Connection) -> None:
    assert get_batch(connection, 1) is None
    assert get_active_batch(connection) is None
    assert get_last_batch(connection) is None
    assert get_batch_before(connection, 1) is None
    assert (count_batches(connection), list_batches(connection, 10, 0)) == (0, [])
    assert summarise_batch(connection, 1) is None


@pytest.mark.parametrize(("status", "open"), [(status, status in STATUSES[:3]) for status in STATUSES])
def test_a_batch_is_active_until_it_has_ended(connection: sqlite3.Connection, status: str, open: bool) -> None:
    batch_id = create_batch(connection, 1)
    update_batch(connection, batch_id, status=status)
    assert (get_active_batch(connection) is not None) is open


def test_the_newest_open_batch_is_the_active_one(connection: sqlite3.Connection) -> None:
    first, second, third = (create_batch(connection, 1) for _ in range(3))
    update_batch(connection, third, status="completed")
    active, last = get_active_batch(connection), get_last_batch(connection)
    assert active is not None
    assert last is not None
    assert (active.id, last.id) == (second, third)
    before = get_batch_before(connection, second)
    assert before is not None
    assert before.id == first


def test_an_unknown_batch_cannot_be_changed(connection: sqlite3.Connection) -> None:
    with pytest.raises(NoSuchRow):
        update_batch(connection, 1, status="error")


def test_a_summary_adds_up_what_the_batch_did(connection: sqlite3.Connection) -> None:
    batch_id, other = create_batch(connection, None, started_at=1000), create_batch(connection, 1)
    for key, status in (("1-1-a", "done"), ("1-2-b", "blocked"), ("1-3-c", "review")):
        create_story(connection, batch_id, key, status=status)
    create_story(connection, batch_id, "1-1-a", cycle_number=2, status="done")
    create_command(connection, batch_id, "dev-story", cost_usd=0.5, input_tokens=10, output_tokens=1)
    create_command(connection, batch_id, "commit", cost_usd=0.25, input_tokens=5)
    create_command(connection, batch_id, "code-review-1")
    create_command(connection, other, "dev-story", cost_usd=9.0)
    update_batch(connection, batch_id, ended_at=4500)
    summary = summarise_batch(connection, batch_id)
    assert summary is not None
    assert (summary.stories, summary.stories_done, summary.stories_blocked) == (3, 1, 1)
    assert (summary.commands, summary.cost_usd) == (3, 0.75)
    assert (summary.input_tokens, summary.output_tokens, summary.duration_ms) == (15, 1, 3500)


def test_a_batch_of_nothing_adds_up_to_nothing(connection: sqlite3.Connection) -> None:
    summary = summarise_batch(connection, create_batch(connection, 1))
    assert summary is not None
    assert (summary.stories, summary.commands, summary.cost_usd, summary.duration_ms) == (0, 0, 0.0, None)


def test_batches_are_listed_newest_first_by_the_page(connection: sqlite3.Connection) -> None:
    for _ in range(5):
        create_batch(connection, 1)
    assert [batch.id for batch in list_batches(connection, 2, 0)] == [5, 4]
    assert [batch.id for batch in list_batches(connection, 2, 4)] == [1]
    assert list_batches(connection, 2, 5) == []
    assert count_batches(connection) == 5


def test_cycles_are_counted_by_their_committed_ends(connection: sqlite3.Connection) -> None:
    rows = [
        (1, "cycle:start", 1),
        (2, "cycle:end", 1),
        (3, "cycle:end", 2),
        (4, "cycle:end", 1),
        (5, "cycle:end", None),
    ]
    connection.executemany("INSERT INTO events VALUES (?, ?, 0, ?, NULL, '{}')", rows)
    assert [count_completed_cycles(connection, batch) for batch in (1, 2, 3)] == [2, 1, 0]
