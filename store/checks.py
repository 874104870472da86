"""The table of verify runs: one row for each run of the project's own test command, with its story and result."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from store.rows import insert, many


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `checks`; `at` in ms since the epoch, `exit_code` None for a run killed after its time limit.

    `output_sha256` is that of the file, None where none could be written.
    """

    id: int
    batch_id: int
    story_key: str
    command_id: int | None
    command: str
    ok: int
    exit_code: int | None
    duration_ms: int
    at: int
    tail: str
    file: str | None
    output_sha256: str | None = None
    machine: str | None = None  # that it ran on; None: on this one


def create_check(connection: sqlite3.Connection, /, batch_id: int, story_key: str, **columns: Any) -> int:
    """Insert a finished verify run and return its id."""
    return insert(connection, "checks", Check, {"batch_id": batch_id, "story_key": story_key, **columns})


def get_checks_by_key(connection: sqlite3.Connection, story_key: str, most: int = 50) -> list[Check]:
    """Return the newest `most` runs for a story in any batch, in ascending order."""
    sql = "SELECT * FROM (SELECT * FROM checks WHERE story_key = ? ORDER BY id DESC LIMIT ?) ORDER BY id"
    return many(connection, Check, sql, (story_key, most))


def get_checks_of_command(connection: sqlite3.Connection, command_id: int) -> list[Check]:
    """Return the runs after one command, oldest first."""
    return many(connection, Check, "SELECT * FROM checks WHERE command_id = ? ORDER BY id", (command_id,))
