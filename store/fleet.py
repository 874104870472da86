"""The tables of a fleet: how far the events are published, and the replies to commands that came by it.

A reply is begun in one commit and completed in another: a key without a status after a restart belongs to a command of
which it is unknown whether it was carried out.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

REPLY_KEPT_MS: Final = 7 * 86_400_000  # how long a repeated key returns the first reply


class CommandReply(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `command_replies`; `headers` as a JSON list of pairs, `status` None: begun, and not known to be done."""

    key: str
    digest: str
    status: int | None
    headers: str
    body: bytes
    at: int


def published_seq(connection: sqlite3.Connection, name: str) -> int | None:
    """Return the newest event that a stream has acknowledged; None for a stream that has none of this database."""
    row = connection.execute("SELECT seq FROM outbox WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def set_published_seq(connection: sqlite3.Connection, /, name: str, seq: int) -> None:
    connection.execute("INSERT OR REPLACE INTO outbox (name, seq) VALUES (?, ?)", (name, seq))


def begin_reply(connection: sqlite3.Connection, /, key: str, digest: str, at: int) -> CommandReply | None:
    """Note that a command is about to be carried out; return the row of the key if there is one already."""
    connection.execute("DELETE FROM command_replies WHERE at < ?", (at - REPLY_KEPT_MS,))
    row = connection.execute(
        "SELECT key, digest, status, headers, body, at FROM command_replies WHERE key = ?", (key,)
    ).fetchone()
    if row is not None:
        return CommandReply(**dict(zip(CommandReply.__struct_fields__, row, strict=True)))
    connection.execute("INSERT INTO command_replies (key, digest, at) VALUES (?, ?, ?)", (key, digest, at))
    return None


def complete_reply(connection: sqlite3.Connection, /, key: str, status: int, headers: str, body: bytes) -> None:
    connection.execute(
        "UPDATE command_replies SET status = ?, headers = ?, body = ? WHERE key = ?", (status, headers, body, key)
    )


def first_of_newest_batch(connection: sqlite3.Connection) -> int | None:
    """Return the first event of the newest batch; None before any batch, or when it has no events."""
    found: int | None = connection.execute(
        "SELECT MIN(seq) FROM events WHERE batch_id = (SELECT MAX(id) FROM batches)"
    ).fetchone()[0]
    return found
