"""The table of batches: one row for each batch that was started."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from store.outcome import IS_HELD, IS_SUCCESS
from store.rows import insert, many, now_ms, one, update

OPEN: Final = ("running", "paused", "interrupted")  # the statuses of a batch without a batch:end


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `batches`; times in ms since the epoch, `max_cycles` None for all.

    `forecast` is the JSON of what was expected at its start.
    """

    id: int
    status: str
    max_cycles: int | None
    cycles_completed: int
    started_at: int
    ended_at: int | None
    agent: str
    workflow: str
    budget_usd: float | None
    only_stories: str | None
    reason: str | None
    branch: str | None = None
    head_commit: str | None = None
    start_at: int | None = None
    forecast: str | None = None
    agents: str | None = None


class BatchSummary(BatchRow, frozen=True, kw_only=True):
    """A batch with the sums over its stories and commands, for lists."""

    stories: int
    stories_done: int
    stories_blocked: int
    commands: int
    cost_usd: float
    estimated_usd: float
    input_tokens: int
    output_tokens: int
    duration_ms: int | None
    commands_without_cost: int
    commands_without_tokens: int
    review_rounds: int
    commands_failed: int


SUMMARY: Final = f"""
    SELECT b.*,
        (SELECT COUNT(DISTINCT story_key) FROM stories s WHERE s.batch_id = b.id) AS stories,
        (SELECT COUNT(DISTINCT story_key) FROM stories s WHERE s.batch_id = b.id AND status = 'done') AS stories_done,
        (SELECT COUNT(DISTINCT story_key) FROM stories s WHERE s.batch_id = b.id AND status = 'blocked')
            AS stories_blocked,
        COUNT(c.id) AS commands,
        COALESCE(SUM(c.cost_usd), 0.0) AS cost_usd,
        COALESCE(SUM(c.estimated_usd), 0.0) AS estimated_usd,
        COALESCE(SUM(c.input_tokens), 0) AS input_tokens,
        COALESCE(SUM(c.output_tokens), 0) AS output_tokens,
        b.ended_at - b.started_at AS duration_ms,
        COUNT(c.ended_at) FILTER (WHERE c.cost_usd IS NULL AND c.agent <> 'runner') AS commands_without_cost,
        COUNT(c.ended_at) FILTER (WHERE c.output_tokens IS NULL AND c.agent <> 'runner') AS commands_without_tokens,
        COUNT(*) FILTER (WHERE c.command GLOB 'code-review-*' AND c.status = 'success') AS review_rounds,
        COUNT(c.ended_at) FILTER (WHERE NOT ({IS_SUCCESS} OR {IS_HELD})) AS commands_failed
    FROM batches b LEFT JOIN commands c ON c.batch_id = b.id
"""  # noqa: S608 - a constant


def create_batch(connection: sqlite3.Connection, /, max_cycles: int | None, **columns: Any) -> int:
    """Add a running batch of so many cycles (None: all), with a reserved `id` or a new one, and return its id."""
    # Reserved where `batch:start`, committed with this row, has to name it.
    id_ = columns.pop("id", None)
    return insert(connection, "batches", BatchRow, {"started_at": now_ms(), "max_cycles": max_cycles, **columns}, id_)


def update_batch(connection: sqlite3.Connection, /, batch_id: int, **columns: Any) -> None:
    update(connection, "batches", BatchRow, batch_id, columns)


def get_batch(connection: sqlite3.Connection, batch_id: int) -> BatchRow | None:
    return one(connection, BatchRow, "SELECT * FROM batches WHERE id = ?", (batch_id,))


def get_active_batch(connection: sqlite3.Connection) -> BatchRow | None:
    """Return the newest batch that has not ended: running, paused or interrupted."""
    sql = "SELECT * FROM batches WHERE status IN (?, ?, ?) ORDER BY id DESC LIMIT 1"
    return one(connection, BatchRow, sql, OPEN)


def get_last_batch(connection: sqlite3.Connection) -> BatchRow | None:
    return one(connection, BatchRow, "SELECT * FROM batches ORDER BY id DESC LIMIT 1")


def get_batch_before(connection: sqlite3.Connection, batch_id: int) -> BatchRow | None:
    return one(connection, BatchRow, "SELECT * FROM batches WHERE id < ? ORDER BY id DESC LIMIT 1", (batch_id,))


def count_batches(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT COUNT(*) FROM batches").fetchone()[0]
    return count


def list_batches(connection: sqlite3.Connection, limit: int, offset: int) -> list[BatchSummary]:
    """Return a page of batches, newest first."""
    sql = SUMMARY + " GROUP BY b.id ORDER BY b.id DESC LIMIT ? OFFSET ?"
    return many(connection, BatchSummary, sql, (limit, offset))


def summarise_batch(connection: sqlite3.Connection, batch_id: int) -> BatchSummary | None:
    return one(connection, BatchSummary, SUMMARY + " WHERE b.id = ? GROUP BY b.id", (batch_id,))


def count_completed_cycles(connection: sqlite3.Connection, batch_id: int) -> int:
    """Count the cycles of the batch whose `cycle:end` is committed."""
    sql = "SELECT COUNT(*) FROM events WHERE batch_id = ? AND type = 'cycle:end'"
    count: int = connection.execute(sql, (batch_id,)).fetchone()[0]
    return count
