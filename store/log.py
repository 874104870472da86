"""The log: the stored events, their search and pruning; and the table of background tasks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from store.rows import insert, many, now_ms, update


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `events`; `payload` is the JSON as it was sent."""

    seq: int
    type: str
    timestamp: int
    batch_id: int | None
    story_key: str | None
    payload: str


class BackgroundTask(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `background_tasks`."""

    id: int
    batch_id: int | None
    story_key: str | None
    task_type: str
    status: str
    message: str | None
    command_id: int | None
    started_at: int
    ended_at: int | None


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The events to find: after `since`, of one batch, type or story, containing a text; None means any."""

    since: int = 0
    batch: int | None = None
    type: str | None = None
    story: str | None = None
    text: str | None = None


def get_events(connection: sqlite3.Connection, limit: int, offset: int = 0) -> list[StoredEvent]:
    """Return the newest events after skipping `offset` of them, in ascending order."""
    # Descending to find the newest by the index, then turned round.
    sql = "SELECT * FROM (SELECT * FROM events ORDER BY seq DESC LIMIT ? OFFSET ?) ORDER BY seq"
    return many(connection, StoredEvent, sql, (limit, offset))


def get_events_by_batch(connection: sqlite3.Connection, batch_id: int) -> list[StoredEvent]:
    return many(connection, StoredEvent, "SELECT * FROM events WHERE batch_id = ? ORDER BY seq", (batch_id,))


def get_events_since_batch(connection: sqlite3.Connection, batch_id: int) -> list[StoredEvent]:
    """Return every event from the batch's first one on, also events of no batch."""
    sql = "SELECT * FROM events WHERE seq >= (SELECT MIN(seq) FROM events WHERE batch_id = ?) ORDER BY seq"
    return many(connection, StoredEvent, sql, (batch_id,))


def get_events_between(connection: sqlite3.Connection, first: int, last: int) -> list[StoredEvent]:
    """Return the events with first <= seq <= last."""
    sql = "SELECT * FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq"
    return many(connection, StoredEvent, sql, (first, last))


def get_events_of_types(
    connection: sqlite3.Connection, types: Sequence[str], since: int, limit: int
) -> list[StoredEvent]:
    """Return at most `limit` events of these types after `since`, oldest first."""
    marks = ", ".join("?" * len(types))
    sql = f"SELECT * FROM events WHERE seq > ? AND type IN ({marks}) ORDER BY seq LIMIT ?"  # noqa: S608 - marks
    return many(connection, StoredEvent, sql, (since, *types, limit))


def find_events(connection: sqlite3.Connection, wanted: EventFilter, limit: int) -> list[StoredEvent]:
    """Return at most `limit` matching events, oldest first; `text` matches in the payload, ignoring ASCII case."""
    conditions, values = ["seq > ?"], [wanted.since]
    for condition, value in (
        ("batch_id = ?", wanted.batch),
        ("type = ?", wanted.type),
        ("story_key = ?", wanted.story),
        # Not LIKE, for which `%` and `_` in the text would be wildcards.
        ("instr(lower(payload), lower(?)) > 0", _as_in_json(wanted.text)),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)  # type: ignore[arg-type]
    sql = f"SELECT * FROM events WHERE {' AND '.join(conditions)} ORDER BY seq LIMIT ?"  # noqa: S608 - fixed texts
    return many(connection, StoredEvent, sql, (*values, limit))


def _as_in_json(text: str | None) -> str | None:
    """Return a text as a JSON payload contains it, with quotes and line ends escaped."""
    return None if text is None else json.dumps(text, ensure_ascii=False)[1:-1]


def oldest_event(connection: sqlite3.Connection) -> int:
    """Return the smallest stored `seq`; 1 while the log is empty."""
    found: int | None = connection.execute("SELECT MIN(seq) FROM events").fetchone()[0]
    return 1 if found is None else found


def prune_events(connection: sqlite3.Connection, before_ms: int, most: int, below: int | None = None) -> int:
    """Delete at most `most` of the events that are older than `before_ms`, and below a seq; return the number deleted.

    Only the oldest ones are deleted, so that `seq` has no gap in the rest. The newest batch keeps all of its events,
    from which the state of the run is folded at the next start; the newest event is kept, because the next `seq`
    follows from it.
    """
    limit = connection.execute(
        """SELECT MIN(COALESCE((SELECT MIN(seq) FROM events WHERE timestamp >= ?1), MAX(seq)),
                      COALESCE((SELECT MIN(seq) FROM events WHERE batch_id = (SELECT MAX(id) FROM batches)), MAX(seq)),
                      COALESCE(?2, MAX(seq)),
                      MAX(seq)) FROM events""",
        (before_ms, below),
    ).fetchone()[0]
    if limit is None:
        return 0
    # DELETE with LIMIT is an option of SQLite's build that Python's may lack.
    old = "SELECT seq FROM events WHERE seq < ? ORDER BY seq LIMIT ?"
    return connection.execute(f"DELETE FROM events WHERE seq IN ({old})", (limit, most)).rowcount  # noqa: S608


def create_background_task(connection: sqlite3.Connection, /, task_type: str, **columns: Any) -> int:
    values = {"task_type": task_type, "started_at": now_ms(), **columns}
    return insert(connection, "background_tasks", BackgroundTask, values)


def update_background_task(connection: sqlite3.Connection, /, task_id: int, **columns: Any) -> None:
    update(connection, "background_tasks", BackgroundTask, task_id, columns)


def get_pending_background_tasks(connection: sqlite3.Connection) -> list[BackgroundTask]:
    sql = "SELECT * FROM background_tasks WHERE ended_at IS NULL ORDER BY id"
    return many(connection, BackgroundTask, sql)
