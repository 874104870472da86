"""Letting go of old events. Only ever the oldest ones, so that `seq` has no gap in what is left."""

from __future__ import annotations

import sqlite3


def oldest_event(connection: sqlite3.Connection) -> int:
    """The smallest `seq` that is stored; 1 while nothing is."""
    found: int | None = connection.execute("SELECT MIN(seq) FROM events").fetchone()[0]
    return 1 if found is None else found


def prune_events(connection: sqlite3.Connection, before_ms: int, most: int) -> int:
    """Delete at most `most` of the events that are older than `before_ms`; how many were.

    The newest batch keeps all of its events, from which the state of the run is folded at the next start; and the
    newest event of all stays, from which the next `seq` follows.
    """
    limit = connection.execute(
        """SELECT MIN(COALESCE((SELECT MIN(seq) FROM events WHERE timestamp >= ?1), MAX(seq)),
                      COALESCE((SELECT MIN(seq) FROM events WHERE batch_id = (SELECT MAX(id) FROM batches)), MAX(seq)),
                      MAX(seq)) FROM events""",
        (before_ms,),
    ).fetchone()[0]
    if limit is None:
        return 0
    old = "SELECT seq FROM events WHERE seq < ? ORDER BY seq LIMIT ?"
    return connection.execute(f"DELETE FROM events WHERE seq IN ({old})", (limit, most)).rowcount  # noqa: S608
