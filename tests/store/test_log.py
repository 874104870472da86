"""Stored events, how they are found and pruned; background tasks."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import pytest

from store.batches import create_batch
from store.log import (
    EventFilter,
    create_background_task,
    find_events,
    get_events,
    get_events_between,
    get_events_by_batch,
    get_pending_background_tasks,
    oldest_event,
    prune_events,
    update_background_task,
)
from store.rows import NoSuchRow

EVENTS: list[tuple[str, int | None, str | None, dict[str, Any]]] = [
    ("batch:start", 1, None, {"batch_id": 1}),
    ("command:progress", 1, "1-1-a", {"message": 'say "hello" to C:\\tea'}),
    ("command:progress", 1, "1-1-ab", {"message": "two\nlines"}),
    ("story:status", 1, "1-1-a", {"message": "Über 100 % of_it"}),
    ("error", None, None, {"message": "disk"}),
    ("batch:start", 2, None, {"batch_id": 2}),
    ("command:progress", 2, "1-1-a", {"message": "é✓"}),
]


@pytest.fixture
def log(connection: sqlite3.Connection) -> sqlite3.Connection:
    for seq, (type, batch, key, payload) in enumerate(EVENTS, start=1):
        body = msgspec.json.encode(payload).decode()
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (seq, type, 1000 + seq, batch, key, body))
    return connection


def seqs(rows: list[Any]) -> list[int]:
    return [row.seq for row in rows]


@pytest.mark.parametrize(
    ("limit", "offset", "found"),
    [(3, 0, [5, 6, 7]), (3, 5, [1, 2]), (99, 0, [1, 2, 3, 4, 5, 6, 7]), (3, 7, []), (0, 0, [])],
)
def test_the_newest_are_read_oldest_first(log: sqlite3.Connection, limit: int, offset: int, found: list[int]) -> None:
    assert seqs(get_events(log, limit, offset)) == found


@pytest.mark.parametrize(
    ("first", "last", "found"), [(2, 4, [2, 3, 4]), (1, 1, [1]), (7, 99, [7]), (5, 4, []), (0, 0, []), (8, 9, [])]
)
def test_a_range_includes_its_ends(log: sqlite3.Connection, first: int, last: int, found: list[int]) -> None:
    assert seqs(get_events_between(log, first, last)) == found


def test_the_events_of_a_batch(log: sqlite3.Connection) -> None:
    assert seqs(get_events_by_batch(log, 1)) == [1, 2, 3, 4]
    assert seqs(get_events_by_batch(log, 3)) == []


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4, 5, 6, 7]),
    ({"since": 4}, [5, 6, 7]),
    ({"since": 7}, []),
    ({"batch": 1}, [1, 2, 3, 4]),
    ({"batch": 0}, []),
    ({"type": "command:progress"}, [2, 3, 7]),
    ({"type": "command:%"}, []),
    ({"story": "1-1-a"}, [2, 4, 7]),
    ({"story": "1-1"}, []),
    ({"text": "disk"}, [5]),
    ({"text": "DISK"}, [5]),
    ({"text": "Hello"}, [2]),
    ({"text": 'say "hello"'}, [2]),
    ({"text": "C:\\tea"}, [2]),
    ({"text": "two\nlines"}, [3]),
    ({"text": "100 % of_it"}, [4]),
    ({"text": "%"}, [4]),
    ({"text": "of%it"}, []),
    ({"text": "Über"}, [4]),
    ({"text": "é✓"}, [7]),
    ({"text": "'; DROP TABLE events"}, []),
    ({"text": ""}, [1, 2, 3, 4, 5, 6, 7]),
    ({"since": 2, "batch": 1, "type": "story:status", "story": "1-1-a", "text": "über"}, []),
    ({"since": 2, "batch": 1, "type": "story:status", "story": "1-1-a", "text": "Über"}, [4]),
]


@pytest.mark.parametrize(("wanted", "found"), FILTERS, ids=[f"{n}" for n in range(len(FILTERS))])
def test_events_are_sought_by_all_that_is_given(
    log: sqlite3.Connection, wanted: dict[str, Any], found: list[int]
) -> None:
    assert seqs(find_events(log, EventFilter(**wanted), 100)) == found


def test_a_search_is_read_in_pieces(log: sqlite3.Connection) -> None:
    read, since = [], 0
    while rows := find_events(log, EventFilter(since=since, type="command:progress"), 1):
        read += seqs(rows)
        since = rows[-1].seq
    assert read == [2, 3, 7]


def test_a_background_task_is_pending_until_it_ends(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 1)
    first = create_background_task(connection, "review", batch_id=batch, story_key="1-1-a")
    second = create_background_task(connection, "context-refresh")
    pending = get_pending_background_tasks(connection)
    assert [(task.id, task.task_type, task.status, task.story_key) for task in pending] == [
        (first, "review", "running", "1-1-a"),
        (second, "context-refresh", "running", None),
    ]
    update_background_task(connection, first, status="finished", message="clean", ended_at=9)
    assert [task.id for task in get_pending_background_tasks(connection)] == [second]
    with pytest.raises(NoSuchRow):
        update_background_task(connection, 99, status="finished")


# -- pruning: what the next start and the next event need stays ------------------------------------------------


def add_event(connection: sqlite3.Connection, seq: int, at: int, batch: int | None = None) -> None:
    connection.execute("INSERT INTO events VALUES (?, 'error', ?, ?, NULL, '{}')", (seq, at, batch))


def stored_seqs(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT seq FROM events ORDER BY seq")]


@pytest.mark.parametrize(
    ("before", "expected"), [(0, [1, 2, 3, 4, 5]), (30, [3, 4, 5]), (31, [4, 5]), (1000, [5])], ids=str
)
def test_events_before_a_time_go(connection: sqlite3.Connection, before: int, expected: list[int]) -> None:
    for seq in range(1, 6):
        add_event(connection, seq, at=seq * 10)
    prune_events(connection, before, most=100)
    assert stored_seqs(connection) == expected
    assert oldest_event(connection) == expected[0]


def test_the_newest_batch_keeps_its_events(connection: sqlite3.Connection) -> None:
    first, second = create_batch(connection, 1), create_batch(connection, 1)
    for seq, batch in enumerate([first, first, second, None, second], start=1):
        add_event(connection, seq, at=seq, batch=batch)
    assert prune_events(connection, 1000, most=100) == 2
    assert stored_seqs(connection) == [3, 4, 5]


def test_a_clock_that_went_back_makes_no_gap(connection: sqlite3.Connection) -> None:
    for seq, at in enumerate([50, 10, 60, 20, 70], start=1):
        add_event(connection, seq, at=at)
    prune_events(connection, 55, most=100)
    assert stored_seqs(connection) == [3, 4, 5]


def test_little_by_little(connection: sqlite3.Connection) -> None:
    for seq in range(1, 11):
        add_event(connection, seq, at=0)
    assert [prune_events(connection, 1, most=4) for _ in range(4)] == [4, 4, 1, 0]
    assert stored_seqs(connection) == [10]


def test_an_empty_log(connection: sqlite3.Connection) -> None:
    assert prune_events(connection, 1000, most=5) == 0
    assert oldest_event(connection) == 1
