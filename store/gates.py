"""The table of gates: one row for each time that a run waited for a person's decision.

A row is kept after its batch, so that an approval need not be given twice.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from store.batches import OPEN
from store.rows import insert, many, now_ms, one


class NotOpen(LookupError):
    """The gate does not exist or is decided already: the first decision counts."""


class GateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `gates`; times in ms since the epoch. `subject` is a story's key or an epic's id.

    `content` identifies the text that was shown; `decision` is None while the gate waits for one.
    """

    id: int
    batch_id: int
    kind: str
    subject: str
    round: int
    content: str
    message: str
    opened_at: int
    decision: str | None = None
    comments: str | None = None
    decided_at: int | None = None


def open_gate(connection: sqlite3.Connection, /, batch_id: int, **columns: Any) -> int:
    """Add a gate and return its id."""
    return insert(connection, "gates", GateRow, {"batch_id": batch_id, "opened_at": now_ms(), **columns})


def renew_gate(connection: sqlite3.Connection, /, gate_id: int, content: str) -> None:
    """Keep what is shown at an open gate now."""
    connection.execute("UPDATE gates SET content = ? WHERE id = ? AND decision IS NULL", (content, gate_id))


def decide_gate(connection: sqlite3.Connection, /, gate_id: int, decision: str, comments: str | None) -> None:
    """Store a decision; raises `NotOpen` without an open gate of an open batch, which also rolls its event back."""
    # The condition decides between two pages that decide at the same time, and against a batch that ends meanwhile.
    sql = (
        "UPDATE gates SET decision = ?, comments = ?, decided_at = ? WHERE id = ? AND decision IS NULL"
        " AND EXISTS (SELECT 1 FROM batches WHERE status IN (?, ?, ?))"
    )
    if connection.execute(sql, (decision, comments, now_ms(), gate_id, *OPEN)).rowcount == 0:
        raise NotOpen(f"gate {gate_id} waits for no decision")


def get_gate(connection: sqlite3.Connection, gate_id: int) -> GateRow | None:
    return one(connection, GateRow, "SELECT * FROM gates WHERE id = ?", (gate_id,))


def get_open_gates(connection: sqlite3.Connection, batch_id: int) -> list[GateRow]:
    """Return the gates of a batch that wait for a decision, oldest first."""
    sql = "SELECT * FROM gates WHERE batch_id = ? AND decision IS NULL ORDER BY id"
    return many(connection, GateRow, sql, (batch_id,))


def get_sent_back(connection: sqlite3.Connection, subject: str) -> list[GateRow]:
    """Return the gates at which a story was sent back, oldest first."""
    sql = "SELECT * FROM gates WHERE subject = ? AND decision = 'back' ORDER BY id"
    return many(connection, GateRow, sql, (subject,))


def get_gates_of(connection: sqlite3.Connection, kind: str, subject: str) -> list[GateRow]:
    """Return the rows of a gate, one for each time that a run came to it, oldest first."""
    sql = "SELECT * FROM gates WHERE kind = ? AND subject = ? ORDER BY id"
    return many(connection, GateRow, sql, (kind, subject))
