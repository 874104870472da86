"""The presets of batches, by value: a batch goes on with the one it was started with, whatever the settings say."""

from __future__ import annotations

import sqlite3


def keep_preset(connection: sqlite3.Connection, /, batch_id: int, preset: str) -> None:
    """Remember the preset of a batch, as JSON."""
    connection.execute("INSERT OR REPLACE INTO presets (batch_id, preset) VALUES (?, ?)", (batch_id, preset))


def get_preset(connection: sqlite3.Connection, batch_id: int) -> str | None:
    """The JSON of a batch's preset; None for a batch of the time before presets were kept."""
    row = connection.execute("SELECT preset FROM presets WHERE batch_id = ?", (batch_id,)).fetchone()
    return None if row is None else str(row[0])
