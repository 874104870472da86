"""The table of hints: what the operator wants the next command of a story to know."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from store.rows import many, now_ms

_COLUMNS: Final = (
    "SELECT hints.*, (SELECT MAX(command_id) FROM hints_given WHERE hint_id = hints.id) AS command_id FROM hints"
)


class HintRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `hints`; `at` in ms since the epoch, `command_id` the last command that got it, None before.

    `sent_to` is the command that ran when it was sent as a message, None for a hint.
    """

    id: int
    story_key: str
    text: str
    at: int
    command_id: int | None
    sent_to: int | None


def add_hint(connection: sqlite3.Connection, /, id: int, story_key: str, text: str, sent_to: int | None = None) -> None:
    """Insert a hint with a reserved id."""
    sql = "INSERT INTO hints (id, story_key, text, at, sent_to) VALUES (?, ?, ?, ?, ?)"
    connection.execute(sql, (id, story_key, text, now_ms(), sent_to))


def give_hints(connection: sqlite3.Connection, /, ids: Sequence[int], command_id: int) -> None:
    """Store that the prompt of a command holds these hints."""
    connection.executemany("INSERT INTO hints_given VALUES (?, ?)", [(id_, command_id) for id_ in ids])


def get_hints(connection: sqlite3.Connection, story_keys: Sequence[str]) -> list[HintRow]:
    """Return all hints of these stories, oldest first."""
    marks = ", ".join("?" * len(story_keys))
    return many(connection, HintRow, f"{_COLUMNS} WHERE story_key IN ({marks}) ORDER BY id", tuple(story_keys))


def get_hints_of_command(connection: sqlite3.Connection, command_id: int) -> list[HintRow]:
    """Return the hints that the prompt of a command held, oldest first."""
    sql = f"{_COLUMNS} WHERE id IN (SELECT hint_id FROM hints_given WHERE command_id = ?) ORDER BY id"  # noqa: S608
    return many(connection, HintRow, sql, (command_id,))


def get_sent_hints(connection: sqlite3.Connection, command_id: int) -> list[HintRow]:
    """Return the messages that were sent to a command while it ran, oldest first."""
    return many(connection, HintRow, f"{_COLUMNS} WHERE sent_to = ? ORDER BY id", (command_id,))


def get_pending_hints(connection: sqlite3.Connection, story_keys: Sequence[str], command: str) -> list[HintRow]:
    """Return the hints that a new session of `command` has to get, oldest first.

    A hint is settled by a call that succeeded, or by another command that has ended or that it was sent to: what starts
    beside the first one gets it, too. One that only failed calls of this command got is given again, because what those
    knew is gone with their sessions.
    """
    marks = ", ".join("?" * len(story_keys))
    sql = (
        f"{_COLUMNS} WHERE story_key IN ({marks}) AND NOT EXISTS"  # noqa: S608 - only marks
        " (SELECT 1 FROM hints_given JOIN commands ON commands.id = command_id WHERE hint_id = hints.id"
        " AND (commands.status = 'success' OR commands.command <> ?"
        " AND (commands.ended_at IS NOT NULL OR hints.sent_to = commands.id))) ORDER BY id"
    )
    return many(connection, HintRow, sql, (*story_keys, command))
