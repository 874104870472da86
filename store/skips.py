"""The table of skips: the stories that the operator has put aside, each with the reason."""

from __future__ import annotations

import sqlite3

import msgspec

from store.rows import many, now_ms, one


class NotSkipped(LookupError):
    """The story is not skipped: another page has brought it back."""


class SkipRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `skips`; `at` in ms since the epoch."""

    story_key: str
    reason: str
    at: int


def add_skip(connection: sqlite3.Connection, /, story_key: str, reason: str) -> None:
    """Put a story aside; a later reason replaces the one before."""
    connection.execute(
        "INSERT INTO skips VALUES (?, ?, ?) ON CONFLICT (story_key) DO UPDATE SET reason = excluded.reason",
        (story_key, reason, now_ms()),
    )


def remove_skip(connection: sqlite3.Connection, /, story_key: str) -> None:
    """Let a story run again; raises `NotSkipped`, which also rolls the event back."""
    if connection.execute("DELETE FROM skips WHERE story_key = ?", (story_key,)).rowcount == 0:
        raise NotSkipped(f"{story_key} is not skipped")


def get_skips(connection: sqlite3.Connection) -> dict[str, SkipRow]:
    """Return all skips by the key of their story."""
    return {row.story_key: row for row in many(connection, SkipRow, "SELECT * FROM skips ORDER BY story_key")}


def get_skip(connection: sqlite3.Connection, story_key: str) -> SkipRow | None:
    return one(connection, SkipRow, "SELECT * FROM skips WHERE story_key = ?", (story_key,))
