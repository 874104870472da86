"""The table of take-overs: stories that the operator works on by hand, from the request until they are handed back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from store.rows import insert, many, now_ms, update


class NotTaken(LookupError):
    """The story is not taken over any more: another page has handed it back."""


class TakeOverRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `takeovers`; times in ms since the epoch, trees as git names them, None without git.

    `base_tree` and `base_commit` are what the work on the story is measured from.
    """

    id: int
    story_key: str
    folder: str
    requested_at: int
    taken_at: int | None = None
    returned_at: int | None = None
    agent: str | None = None
    session_id: str | None = None
    command_line: str | None = None
    message: str = ""
    tree_before: str | None = None
    tree_after: str | None = None
    base_tree: str | None = None
    base_commit: str | None = None
    last_command: int | None = None
    files_changed: int | None = None
    lines_added: int | None = None
    lines_removed: int | None = None

    @property
    def state(self) -> str:
        """The state as events name it."""
        if self.returned_at is not None:
            return "returned"
        return "requested" if self.taken_at is None else "taken"


def add_takeover(connection: sqlite3.Connection, /, id_: int, story_key: str, folder: str, message: str) -> None:
    """Add a request; raises `sqlite3.IntegrityError` where the story is taken over already."""
    values = {"story_key": story_key, "folder": folder, "requested_at": now_ms(), "message": message}
    insert(connection, "takeovers", TakeOverRow, values, id_)


def update_takeover(connection: sqlite3.Connection, /, id_: int, **columns: Any) -> None:
    update(connection, "takeovers", TakeOverRow, id_, columns)


def return_takeover(connection: sqlite3.Connection, /, id_: int, **columns: Any) -> None:
    """Hand a story back; raises `NotTaken`, which also rolls the event back."""
    newest = "(SELECT COALESCE(MAX(id), 0) FROM commands)"
    sql = f"UPDATE takeovers SET returned_at = ?, last_command = {newest} WHERE id = ? AND returned_at IS NULL"  # noqa: S608
    if connection.execute(sql, (now_ms(), id_)).rowcount == 0:
        raise NotTaken(f"take-over {id_} has ended")
    update(connection, "takeovers", TakeOverRow, id_, columns)


def get_takeovers(connection: sqlite3.Connection) -> list[TakeOverRow]:
    """Return all take-overs, oldest first."""
    return many(connection, TakeOverRow, "SELECT * FROM takeovers ORDER BY id")


def get_takeovers_of(connection: sqlite3.Connection, story_key: str) -> list[TakeOverRow]:
    return many(connection, TakeOverRow, "SELECT * FROM takeovers WHERE story_key = ? ORDER BY id", (story_key,))


def has_unfollowed(connection: sqlite3.Connection, operator: str, since_ms: int) -> bool:
    """Whether a story is taken over, or was handed back since a time and no agent's command has succeeded since."""
    sql = """SELECT EXISTS (SELECT 1 FROM takeovers AS taken WHERE returned_at IS NULL OR (returned_at > ?
             AND NOT EXISTS (SELECT 1 FROM commands WHERE commands.story_key = taken.story_key
             AND commands.id > taken.last_command AND agent <> ? AND commands.status = 'success')))"""
    return bool(connection.execute(sql, (since_ms, operator)).fetchone()[0])


def get_successes_since(connection: sqlite3.Connection, story_key: str, command_id: int, but: str) -> Sequence[str]:
    """Return the names of the commands of a story that succeeded after a command, but those of an agent."""
    sql = (
        "SELECT command FROM commands WHERE story_key = ? AND id > ? AND agent <> ? AND status = 'success' ORDER BY id"
    )
    return [str(row[0]) for row in connection.execute(sql, (story_key, command_id, but))]
