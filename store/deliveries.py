"""The table of deliveries: finished work that goes to a branch of a remote, and to a request on a forge.

A row says what is to be done next, and is committed before that is done: what continues it looks first.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from store.rows import insert, many, now_ms, one, update

REQUEST: Final = "pull-request"

PLANNED: Final = "planned"  # the branch is to be pushed
PUSHED: Final = "pushed"  # the remote's branch holds the commit; the end where no request is wanted
REQUESTING: Final = "requesting"  # the request is to be made
REQUESTED: Final = "requested"  # the request is there, and nothing is set that looks at it
OPEN: Final = "open"  # the request is there, and its checks are looked at
WAITING: Final = "waiting"  # a round of development is to deal with failed checks or comments
MENDING: Final = "mending"  # that round is under way, or was when the server ended
MERGING: Final = "merging"  # the request is to be merged
MERGED: Final = "merged"
CLOSED: Final = "closed"  # without a merge
STOPPED: Final = "stopped"  # given up by the operator
ENDED: Final = (MERGED, CLOSED, STOPPED)


class DeliveryChanged(LookupError):
    """The delivery is not in the state that the change expects: another request has changed it."""


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `deliveries`; times in ms since the epoch, `story_keys` as JSON."""

    id: int
    batch_id: int
    kind: str
    subject: str
    story_keys: str
    epic: str
    remote: str
    branch: str
    base: str | None
    target: str | None
    state: str
    wanted: str
    head: str | None
    requested_at: int | None
    url: str | None
    checks: str | None
    looks: int
    log: str | None
    round: int
    command: str | None
    failures: int
    next_at: int
    problem: str | None
    created_at: int
    changed_at: int

    @property
    def keys(self) -> list[str]:
        return msgspec.json.decode(self.story_keys, type=list[str])

    @property
    def ended(self) -> bool:
        """Whether nothing more is done for it."""
        return self.state in (*ENDED, PUSHED, REQUESTED)


class CommentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `delivery_comments`; `round` is the one that dealt with it, None before."""

    delivery_id: int
    comment_id: str
    text: str
    round: int | None
    at: int


def create_delivery(connection: sqlite3.Connection, /, id: int, keys: Sequence[str], **columns: Any) -> None:
    """Insert a delivery with a reserved id."""
    now = now_ms()
    values = {"story_keys": json.dumps(list(keys)), "state": PLANNED, "created_at": now, "changed_at": now, **columns}
    insert(connection, "deliveries", DeliveryRow, values, id)


def change_delivery(connection: sqlite3.Connection, /, before: DeliveryRow, columns: Mapping[str, Any]) -> None:
    """Change a delivery that is still as it was read; raises `DeliveryChanged`, which rolls the event back, too."""
    found = get_delivery(connection, before.id)
    if found is None or (found.state, found.changed_at) != (before.state, before.changed_at):
        raise DeliveryChanged(f"delivery {before.id} is not in the state {before.state} any more")
    # The time identifies a version of the row: two changes within one millisecond must differ.
    changed = max(now_ms(), before.changed_at + 1)
    update(connection, "deliveries", DeliveryRow, before.id, {**columns, "changed_at": changed})


def add_comments(connection: sqlite3.Connection, /, delivery_id: int, comments: Iterable[tuple[str, str]]) -> None:
    """Store comments by the forge's id; those that are known stay as they are."""
    sql = "INSERT OR IGNORE INTO delivery_comments (delivery_id, comment_id, text, at) VALUES (?, ?, ?, ?)"
    connection.executemany(sql, [(delivery_id, name, text, now_ms()) for name, text in comments])


def settle_comments(connection: sqlite3.Connection, /, delivery_id: int, names: Iterable[str], round: int) -> None:
    """Note the round that has dealt with these comments."""
    sql = "UPDATE delivery_comments SET round = ? WHERE delivery_id = ? AND comment_id = ?"
    connection.executemany(sql, [(round, delivery_id, name) for name in names])


def get_comments(connection: sqlite3.Connection, delivery_id: int) -> list[CommentRow]:
    """Return all comments of a delivery, oldest first."""
    sql = "SELECT * FROM delivery_comments WHERE delivery_id = ? ORDER BY at, comment_id"
    return many(connection, CommentRow, sql, (delivery_id,))


def get_delivery(connection: sqlite3.Connection, delivery_id: int) -> DeliveryRow | None:
    return one(connection, DeliveryRow, "SELECT * FROM deliveries WHERE id = ?", (delivery_id,))


def get_newest_of_branch(connection: sqlite3.Connection, remote: str, branch: str) -> DeliveryRow | None:
    sql = "SELECT * FROM deliveries WHERE remote = ? AND branch = ? ORDER BY id DESC LIMIT 1"
    return one(connection, DeliveryRow, sql, (remote, branch))


def get_open_deliveries(connection: sqlite3.Connection) -> list[DeliveryRow]:
    """Return the deliveries that are not at their end, oldest first."""
    return [row for row in get_deliveries(connection) if not row.ended]


def get_deliveries(connection: sqlite3.Connection) -> list[DeliveryRow]:
    """Return all deliveries, oldest first."""
    return many(connection, DeliveryRow, "SELECT * FROM deliveries ORDER BY id")


def get_deliveries_of(connection: sqlite3.Connection, story_key: str) -> list[DeliveryRow]:
    """Return the deliveries that hold a story, oldest first."""
    sql = "SELECT * FROM deliveries WHERE EXISTS (SELECT 1 FROM json_each(story_keys) WHERE value = ?) ORDER BY id"
    return many(connection, DeliveryRow, sql, (story_key,))
