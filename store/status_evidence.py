"""The runner's records about stories: the newest row, the commands and the last status change of each."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

import msgspec

from store.rows import many
from store.stories import Story

COMMANDS_MAX: Final = 20_000  # newest commands that are read, which is years of one project


class CommandSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a command that are evidence for a story; `story_keys` as JSON, times in ms since the epoch."""

    id: int
    story_keys: str
    command: str
    attempt: int
    status: str
    word: str | None
    reason: str | None
    verdict: str | None
    ended_at: int | None
    files_changed: int | None
    lines_added: int | None
    lines_removed: int | None


class StatusChange(msgspec.Struct, frozen=True):
    """The last status change of a story that was emitted; `at` in ms since the epoch."""

    old: str
    new: str
    reason: str
    at: int


def get_command_summaries(connection: sqlite3.Connection) -> list[CommandSummary]:
    """Return the newest commands that have stories, in ascending order."""
    columns = ", ".join(CommandSummary.__struct_fields__)
    sql = f"""SELECT * FROM (SELECT {columns} FROM commands WHERE story_keys != '[]' ORDER BY id DESC LIMIT ?)
              ORDER BY id"""  # noqa: S608 - only names of columns
    return many(connection, CommandSummary, sql, (COMMANDS_MAX,))


def get_newest_stories(connection: sqlite3.Connection) -> list[Story]:
    """Return the newest row of every story that was in a batch."""
    return many(connection, Story, "SELECT * FROM stories WHERE id IN (SELECT max(id) FROM stories GROUP BY story_key)")


def get_status_changes(connection: sqlite3.Connection, only: str | None = None) -> dict[str, StatusChange]:
    """Return the last status change of each story that has one, or of one story.

    An edit of a story's file is an event of the same type with the same status before and after; it does not count.
    """
    # Beside max() SQLite takes the other columns from the row with the maximum (lang_select.html#bareagg).
    sql = """SELECT story_key, max(seq), timestamp, payload FROM events
             WHERE type = 'story:status' AND (?1 IS NULL OR story_key = ?1)
             AND json_extract(payload, '$.old_status') IS NOT json_extract(payload, '$.new_status')
             GROUP BY story_key"""
    changes = {}
    for key, _, at, payload in connection.execute(sql, (only,)):
        change = json.loads(payload)
        changes[key] = StatusChange(change["old_status"], change["new_status"], change.get("reason", ""), at)
    return changes


def count_stories_since(connection: sqlite3.Connection, since_ms: int) -> int:
    """Count the different stories that were started at or after the given time."""
    sql = "SELECT count(DISTINCT story_key) FROM stories WHERE started_at >= ?"
    count: int = connection.execute(sql, (since_ms,)).fetchone()[0]
    return count
