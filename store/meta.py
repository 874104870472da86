"""Key-value facts about the database, such as its epoch, and the preset of each batch."""

from __future__ import annotations

import sqlite3


def get_meta(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
    )


def keep_preset(connection: sqlite3.Connection, /, batch_id: int, preset: str) -> None:
    """Store the preset of a batch as JSON; a resumed batch uses it again even if the settings have changed."""
    connection.execute("INSERT OR REPLACE INTO presets (batch_id, preset) VALUES (?, ?)", (batch_id, preset))


def get_preset(connection: sqlite3.Connection, batch_id: int) -> str | None:
    """Return the JSON of a batch's preset; None for a batch that is older than the table."""
    row = connection.execute("SELECT preset FROM presets WHERE batch_id = ?", (batch_id,)).fetchone()
    return None if row is None else str(row[0])
