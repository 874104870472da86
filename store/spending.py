"""Sums of US dollars and tokens over commands, as caps compare them."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.rows import many, one

_USD: Final = "COALESCE(SUM(cost_usd), 0.0)"
_TOKENS: Final = """COALESCE(SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)
    + COALESCE(cache_read_tokens, 0) + COALESCE(cache_write_tokens, 0)), 0)"""
_SUMS: Final = f"{_USD} AS usd, {_TOKENS} AS tokens"
# The stories that a batch works on; what a story has cost before, in whatever batch, is part of what it costs.
_OPEN: Final = "SELECT story_key FROM stories WHERE batch_id = ?1 AND ended_at IS NULL"


class Spending(msgspec.Struct, frozen=True):
    """US dollars, and tokens of all kinds."""

    usd: float = 0.0
    tokens: int = 0


class _ByCommand(msgspec.Struct, frozen=True):
    story_key: str
    command: str
    usd: float
    tokens: int


class Progress(msgspec.Struct, frozen=True):
    """What a batch has spent since a story moved on: US dollars, and commands that were started."""

    usd: float = 0.0
    commands: int = 0


def spent_of_batch(connection: sqlite3.Connection, batch_id: int) -> Spending:
    sql = f"SELECT {_SUMS} FROM commands WHERE batch_id = ?"  # noqa: S608 - constants of this module
    return one(connection, Spending, sql, (batch_id,)) or Spending()


def spent_since(connection: sqlite3.Connection, since_ms: int) -> Spending:
    """Return the sums over the commands that started at or after the given time."""
    sql = f"SELECT {_SUMS} FROM commands WHERE started_at >= ?"  # noqa: S608 - constants of this module
    return one(connection, Spending, sql, (since_ms,)) or Spending()


def spent_by_stories(connection: sqlite3.Connection, batch_id: int) -> dict[str, Spending]:
    """Return the sums of each story that a batch works on, over all batches."""
    sql = f"""SELECT story_key, '' AS command, {_SUMS} FROM commands WHERE story_key IN ({_OPEN})
              GROUP BY story_key"""  # noqa: S608 - constants of this module
    return {row.story_key: Spending(row.usd, row.tokens) for row in many(connection, _ByCommand, sql, (batch_id,))}


def spent_by_commands(connection: sqlite3.Connection, batch_id: int) -> dict[tuple[str, str], Spending]:
    """Return the sums of each command of a batch that has not succeeded yet, over its attempts.

    Of the stories that it works on, and of the project itself.
    """
    sql = f"""SELECT story_key, command, {_SUMS} FROM commands
              WHERE batch_id = ?1 AND (story_key IN ({_OPEN}) OR story_key = '')
              GROUP BY story_key, command
              HAVING SUM(status = 'success') = 0"""  # noqa: S608 - constants of this module
    rows = many(connection, _ByCommand, sql, (batch_id,))
    return {(row.story_key, row.command): Spending(row.usd, row.tokens) for row in rows}


def spent_without_progress(connection: sqlite3.Connection, batch_id: int) -> Progress:
    """Return what a batch has spent since the newest of: its start, a status that moved, a pause for no progress."""
    # By the order of events, which no clock that was set can change.
    moved = """SELECT seq FROM events WHERE batch_id = ?1 AND (
        (type = 'story:status' AND json_extract(payload, '$.old_status') <> json_extract(payload, '$.new_status'))
        OR (type = 'batch:pause' AND json_extract(payload, '$.reason') = 'no-progress')) ORDER BY seq DESC LIMIT 1"""
    # By their starts: the end of the newest one may wait for the next commit.
    sql = f"""SELECT COALESCE(SUM(c.cost_usd), 0.0) AS usd, COUNT(*) AS commands
              FROM events e JOIN commands c ON c.id = json_extract(e.payload, '$.command_id')
              WHERE e.batch_id = ?1 AND e.type = 'command:start' AND c.agent <> 'runner'
              AND e.seq > COALESCE(({moved}), 0)"""  # noqa: S608 - constants of this module
    return one(connection, Progress, sql, (batch_id,)) or Progress()
