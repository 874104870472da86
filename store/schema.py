"""The tables, and the migrations of a database of any older version to the newest one.

A migration is a list of statements; its index in `MIGRATIONS` plus one is the `user_version` after it. Migrations are
only appended, never changed. Each runs in one transaction, so a crash leaves the old version or the new one.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from typing import Final

from store.first_tables import FIFTH, FIRST, FOURTH, SECOND, SEVENTH, SIXTH, THIRD
from store.later_tables import (
    ACCESS,
    BRIEFS,
    BY_BATCH,
    DELIVERIES,
    FINDINGS,
    FLEET,
    FORECASTS,
    GATES,
    HINTS,
    MACHINES,
    MESSAGES,
    QUOTA,
    RECEIPTS,
    SEARCH,
    SKIPS,
    START_TIMES,
    TAKEOVERS,
    TREES,
)


class SchemaTooNew(RuntimeError):
    """The database was written by a newer program than this one."""


MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    *(FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH),
    *(GATES, HINTS, FINDINGS, MESSAGES, START_TIMES, BY_BATCH, SKIPS, QUOTA, FORECASTS, TAKEOVERS, ACCESS),
    *(RECEIPTS, BRIEFS, DELIVERIES, TREES, SEARCH, FLEET, MACHINES),
)


def version_to_keep(connection: sqlite3.Connection) -> int | None:
    """Return the version of a non-empty database that `migrate` would change; None when it would not."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version if 0 < version < len(MIGRATIONS) else None


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate the database to the newest version and set its epoch; raises `SchemaTooNew`."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise SchemaTooNew(
            f"the database has schema {version}, this program knows up to {len(MIGRATIONS)}: start the newer program"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        _run(connection, (*statements, f"PRAGMA user_version = {number}"))
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (uuid.uuid4().hex,))


def _run(connection: sqlite3.Connection, statements: Sequence[str]) -> None:
    """Execute all statements or none; a failure leaves no transaction open, because its lock would remain."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
