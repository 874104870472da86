"""Opening a database of an older version: a copy is kept, every row stays, and the run can continue with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import store.schema
from db import Database
from store.batches import get_batch
from store.log import get_events
from store.schema import MIGRATIONS, migrate


def made_by(number: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database as the program of that schema left it: a batch, and its event."""
    with monkeypatch.context() as patched:
        patched.setattr(store.schema, "MIGRATIONS", MIGRATIONS[:number])
        connection = sqlite3.connect(path, isolation_level=None)
        migrate(connection)
        connection.execute("INSERT INTO batches (status, started_at, agent) VALUES ('completed', 7, 'demo')")
        connection.execute("INSERT INTO events VALUES (1, 'batch:start', 7, 1, NULL, '{\"batch_id\":1}')")
        connection.close()


@pytest.mark.parametrize("number", range(1, len(MIGRATIONS)))
async def test_every_older_schema_is_kept_and_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path, kept = tmp_path / "x.db", tmp_path / f"x.db.schema-{number}"
    made_by(number, path, monkeypatch)
    database = await Database.open(path)
    batch = await database.read(get_batch, 1)
    stored = await database.read(get_events, 10)
    await database.close()
    assert batch is not None
    assert batch.agent == "demo"
    assert [event.seq for event in stored] == [1]
    old = sqlite3.connect(kept)
    assert old.execute("PRAGMA user_version").fetchone()[0] == number
    assert old.execute("SELECT agent FROM batches").fetchall() == [("demo",)]
    old.close()
    assert kept.stat().st_mode & 0o077 == 0


async def test_a_new_or_a_current_database_is_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        database = await Database.open(tmp_path / "x.db")
        await database.close()
    assert names(tmp_path, "schema") == []


def names(folder: Path, part: str) -> list[str]:
    return [path.name for path in folder.iterdir() if part in path.name]
