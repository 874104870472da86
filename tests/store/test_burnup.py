"""Tests of the burn-up: done stories over time, from events alone."""

from __future__ import annotations

import json
import sqlite3

from store.burnup import BurnUp, get_burn_up

Change = tuple[int, int | None, str, str, str]


def tell(connection: sqlite3.Connection, *changes: Change) -> None:
    for number, (at, batch, key, old, new) in enumerate(changes, start=1):
        payload = json.dumps({"story_key": key, "old_status": old, "new_status": new})
        row = (number, "story:status", at, batch, key, payload)
        connection.execute(
            "INSERT INTO events (seq, type, timestamp, batch_id, story_key, payload) VALUES (?, ?, ?, ?, ?, ?)", row
        )


def seen(burn_up: BurnUp) -> tuple[int, list[tuple[int, str, int]], int]:
    return burn_up.before, [(point.at, point.story_key, point.done) for point in burn_up.points], burn_up.now


RECORD: list[Change] = [
    (10, 1, "1-1-a", "backlog", "in-progress"),
    (20, 1, "1-1-a", "review", "done"),
    (21, 1, "1-1-a", "done", "done"),  # only the file has changed
    (30, None, "1-0-old", "done", "backlog"),  # was done before the record begins
    (40, 2, "1-2-b", "review", "done"),
    (50, 2, "1-3-c", "review", "blocked"),
]


def test_every_change_of_the_count_is_a_point(connection: sqlite3.Connection) -> None:
    tell(connection, *RECORD)
    points = [(20, "1-1-a", 2), (30, "1-0-old", 1), (40, "1-2-b", 2)]
    assert seen(get_burn_up(connection)) == (1, points, 2)


def test_a_window_begins_with_what_was_done_before_it(connection: sqlite3.Connection) -> None:
    tell(connection, *RECORD)
    assert seen(get_burn_up(connection, since=25)) == (2, [(30, "1-0-old", 1), (40, "1-2-b", 2)], 2)
    assert seen(get_burn_up(connection, batch=2)) == (1, [(40, "1-2-b", 2)], 2)
    assert seen(get_burn_up(connection, since=41)) == (2, [], 2)


def test_statuses_are_found_without_reading_the_other_events(connection: sqlite3.Connection) -> None:
    plan = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM events WHERE type = 'story:status' ORDER BY seq")
    assert "events_of_status" in plan.fetchone()[-1]
