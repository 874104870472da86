"""Old events go, oldest first; what the next start and the next event need stays."""

from __future__ import annotations

import sqlite3

import pytest

from store.batches import create_batch
from store.pruning import oldest_event, prune_events


def store(connection: sqlite3.Connection, seq: int, at: int, batch: int | None = None) -> None:
    connection.execute("INSERT INTO events VALUES (?, 'error', ?, ?, NULL, '{}')", (seq, at, batch))


def left(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT seq FROM events ORDER BY seq")]


@pytest.mark.parametrize(
    ("before", "expected"), [(0, [1, 2, 3, 4, 5]), (30, [3, 4, 5]), (31, [4, 5]), (1000, [5])], ids=str
)
def test_events_before_a_time_go(connection: sqlite3.Connection, before: int, expected: list[int]) -> None:
    for seq in range(1, 6):
        store(connection, seq, at=seq * 10)
    prune_events(connection, before, most=100)
    assert left(connection) == expected
    assert oldest_event(connection) == expected[0]


def test_the_newest_batch_keeps_its_events(connection: sqlite3.Connection) -> None:
    first, second = create_batch(connection, 1), create_batch(connection, 1)
    for seq, batch in enumerate([first, first, second, None, second], start=1):
        store(connection, seq, at=seq, batch=batch)
    assert prune_events(connection, 1000, most=100) == 2
    assert left(connection) == [3, 4, 5]


def test_a_clock_that_went_back_makes_no_gap(connection: sqlite3.Connection) -> None:
    for seq, at in enumerate([50, 10, 60, 20, 70], start=1):
        store(connection, seq, at=at)
    prune_events(connection, 55, most=100)
    assert left(connection) == [3, 4, 5]


def test_little_by_little(connection: sqlite3.Connection) -> None:
    for seq in range(1, 11):
        store(connection, seq, at=0)
    assert [prune_events(connection, 1, most=4) for _ in range(4)] == [4, 4, 1, 0]
    assert left(connection) == [10]


def test_an_empty_log(connection: sqlite3.Connection) -> None:
    assert prune_events(connection, 1000, most=5) == 0
    assert oldest_event(connection) == 1
