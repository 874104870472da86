"""What forecasts are made of: the newest commands that have ended, and the stories in cycles, as plain rows.

Rows are tuples in the order of the columns below: thousands of them are read for one forecast.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from store.ledger import KIND

COMMANDS_MOST: Final = 1500  # newest commands: 150 to 200 stories, more than a forecast looks back on
STORIES_MOST: Final = 500

# Older rows, and those of one story, may name it only as the key.
_KEYS: Final = "CASE WHEN c.story_keys = '[]' AND c.story_key <> '' THEN json_array(c.story_key) ELSE c.story_keys END"
# batch, cycle (NULL: of the project), keys as JSON, kind, agent, model, background, start, end, dollars, tokens, ok
_COMMANDS: Final = f"""
    SELECT c.batch_id, s.cycle_number, {_KEYS}, {KIND}, c.agent, COALESCE(c.model, ''), c.background,
           c.started_at, c.ended_at, c.cost_usd,
           c.input_tokens + c.output_tokens + c.cache_read_tokens + c.cache_write_tokens, c.status = 'success'
    FROM (SELECT * FROM commands ORDER BY id DESC LIMIT ?) c LEFT JOIN stories s ON s.id = c.story_id
    WHERE c.ended_at IS NOT NULL ORDER BY c.started_at, c.id
"""  # noqa: S608 - a constant
# batch, day (of this machine), keys as JSON, command, attempt, status, agent, background, ms, fresh, cached and written
# tokens, dollars, estimated dollars
_SPENT: Final = f"""
    SELECT c.batch_id, date(c.started_at / 1000, 'unixepoch', 'localtime'), {_KEYS}, c.command, c.attempt,
           CASE WHEN c.ended_at IS NULL THEN 'running' ELSE c.status END, c.agent, c.background,
           COALESCE(c.duration_ms, 0), c.input_tokens + COALESCE(c.cache_write_tokens, 0), c.cache_read_tokens,
           c.output_tokens, c.cost_usd, COALESCE(c.estimated_usd, 0.0)
    FROM commands c
"""  # noqa: S608 - a constant
# batch, cycle, key, entry status, status, start
_STORIES: Final = """
    SELECT batch_id, cycle_number, story_key, entry_status, status, started_at
    FROM (SELECT * FROM stories ORDER BY id DESC LIMIT ?) ORDER BY id
"""


def get_past_commands(
    connection: sqlite3.Connection, limit: int = COMMANDS_MOST
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the newest commands and the stories whose commands they are, oldest first, of one moment."""
    connection.execute("SAVEPOINT past")  # one snapshot: a story is not finished without its commands
    try:
        commands = connection.execute(_COMMANDS, (limit,)).fetchall()
        stories = connection.execute(_STORIES, (STORIES_MOST,)).fetchall()
    finally:
        connection.execute("RELEASE past")
    if len(commands) >= limit:
        # The oldest batch may have lost some of its commands to the limit.
        oldest = min(row[0] for row in commands)
        stories = [row for row in stories if row[0] > oldest]
    return commands, stories


def get_spent(connection: sqlite3.Connection, /, limit: int = COMMANDS_MOST) -> list[tuple[Any, ...]]:
    """Return the newest commands with what they used, also those that run."""
    return connection.execute(f"{_SPENT} ORDER BY c.id DESC LIMIT ?", (limit,)).fetchall()


def get_spent_of_batch(connection: sqlite3.Connection, /, batch_id: int) -> list[tuple[Any, ...]]:
    return connection.execute(f"{_SPENT} WHERE c.batch_id = ? ORDER BY c.id", (batch_id,)).fetchall()


def get_spent_since(connection: sqlite3.Connection, /, since: int, until: int) -> list[tuple[Any, ...]]:
    """Return the commands that started at or after a time and before another one (ms since the epoch)."""
    sql = f"{_SPENT} WHERE c.started_at >= ? AND c.started_at < ? ORDER BY c.id"
    return connection.execute(sql, (since, until)).fetchall()


def get_spent_of_story(connection: sqlite3.Connection, /, story_key: str) -> list[tuple[Any, ...]]:
    """Return the commands for a story, in any batch, also those for several stories at once."""
    named = "c.story_key = ?1 OR EXISTS (SELECT 1 FROM json_each(c.story_keys) WHERE value = ?1)"
    sql = f"{_SPENT} WHERE {named} ORDER BY c.id"
    return connection.execute(sql, (story_key,)).fetchall()
