"""Tables and migrations: fresh, old, too new, crashed in the middle."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import store.schema
from db import Database
from store.batches import BatchRow
from store.commands import Command
from store.lanes import Lane
from store.log import BackgroundTask, StoredEvent
from store.schema import MIGRATIONS, SchemaTooNew, migrate
from store.stories import Story

ROOT = Path(__file__).parents[2]
ADDED = ("ALTER TABLE batches ADD COLUMN note TEXT", "CREATE TABLE notes (id INTEGER PRIMARY KEY)")


def opened(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def version(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def epoch(connection: sqlite3.Connection) -> str:
    (found,) = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    return str(found)


def test_a_fresh_database_has_the_newest_version_and_an_epoch(connection: sqlite3.Connection) -> None:
    """Pitfall: schema made only at the first start of a batch, history 500 on a fresh install."""
    assert version(connection) == len(MIGRATIONS)
    assert len(epoch(connection)) == 32
    for table in ("batches", "stories", "commands", "events", "background_tasks"):
        assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)


TABLES = [
    ("batches", BatchRow),
    ("stories", Story),
    ("commands", Command),
    ("events", StoredEvent),
    ("background_tasks", BackgroundTask),
    ("lanes", Lane),
]


@pytest.mark.parametrize(("table", "kind"), TABLES)
def test_every_row_has_a_field_for_every_column(
    connection: sqlite3.Connection, table: str, kind: type[msgspec.Struct]
) -> None:
    assert set(kind.__struct_fields__) == set(columns(connection, table))


def test_migrating_again_changes_nothing(connection: sqlite3.Connection) -> None:
    before = (epoch(connection), connection.execute("SELECT * FROM sqlite_schema").fetchall())
    migrate(connection)
    assert (epoch(connection), connection.execute("SELECT * FROM sqlite_schema").fetchall()) == before


def test_every_database_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    found = set()
    for name in ("a", "b"):
        with opened(tmp_path / name) as connection:
            migrate(connection)
            found.add(epoch(connection))
    assert len(found) == 2


def test_an_older_version_keeps_its_rows_and_its_epoch(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("INSERT INTO batches (started_at) VALUES (1)")
    before = epoch(connection)
    monkeypatch.setattr(store.schema, "MIGRATIONS", (*MIGRATIONS, ADDED))
    migrate(connection)
    assert version(connection) == len(MIGRATIONS) + 1
    assert "note" in columns(connection, "batches")
    assert connection.execute("SELECT started_at, note FROM batches").fetchall() == [(1, None)]
    assert epoch(connection) == before


def test_every_version_leads_to_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (*MIGRATIONS, ADDED, ("DROP TABLE notes",))
    for known in range(len(steps) + 1):
        with opened(tmp_path / f"{known}.db") as connection:
            monkeypatch.setattr(store.schema, "MIGRATIONS", steps[:known])
            if known:
                migrate(connection)
            monkeypatch.setattr(store.schema, "MIGRATIONS", steps)
            migrate(connection)
            assert version(connection) == len(steps)
            assert columns(connection, "notes") == []


def test_a_newer_database_is_left_alone(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
    with pytest.raises(
        SchemaTooNew, match=rf"schema {len(MIGRATIONS) + 1}, .* up to {len(MIGRATIONS)}: start the newer"
    ):
        migrate(connection)
    assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before


async def test_opening_a_newer_database_says_so(tmp_path: Path) -> None:
    with opened(tmp_path / "new.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaTooNew):
        await Database.open(tmp_path / "new.db")


BROKEN = ("CREATE TABLE half (id INTEGER PRIMARY KEY)", "INSERT INTO nowhere VALUES (1)")


@pytest.mark.parametrize("fresh", [True, False])
def test_a_migration_that_fails_leaves_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    path = tmp_path / "old.db"
    if not fresh:
        with opened(path) as connection:
            migrate(connection)
    before = 0 if fresh else len(MIGRATIONS)
    monkeypatch.setattr(store.schema, "MIGRATIONS", (*MIGRATIONS[:before], BROKEN))
    with opened(path) as connection:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(connection)
        assert not connection.in_transaction
        assert (version(connection), columns(connection, "half")) == (before, [])
    monkeypatch.undo()
    with opened(path) as connection:
        migrate(connection)
        assert version(connection) == len(MIGRATIONS)


CRASH = """
import os, sqlite3, sys
import store.schema
class Crashing(sqlite3.Connection):
    def execute(self, sql, *values):
        if sql.startswith({at!r}):
            os._exit(9)
        return super().execute(sql, *values)
connection = sqlite3.connect(sys.argv[1], isolation_level=None, factory=Crashing)
store.schema.migrate(connection)
"""
MOMENTS = [
    "BEGIN",
    "CREATE TABLE batches",
    "CREATE TABLE background_tasks",
    "PRAGMA user_version =",
    "COMMIT",
    "INSERT OR",
]


@pytest.mark.parametrize("at", MOMENTS)
def test_a_crash_in_the_middle_leaves_the_old_or_the_new(tmp_path: Path, at: str) -> None:
    path = tmp_path / "crashed.db"
    script = CRASH.format(at=at)
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, timeout=30, check=False)
    assert done.returncode == 9
    with opened(path) as connection:
        assert version(connection) == (len(MIGRATIONS) if at == "INSERT OR" else 0)
        assert (columns(connection, "batches") != []) is (at == "INSERT OR")
        migrate(connection)
        assert version(connection) == len(MIGRATIONS)
        assert epoch(connection)


CONSTRAINTS = [
    ("a status that there is not", "INSERT INTO batches (started_at, status) VALUES (1, 'odd')"),
    ("a story of no batch", "INSERT INTO stories (batch_id, story_key, started_at) VALUES (9, 'a', 1)"),
    ("a command of no batch", "INSERT INTO commands (batch_id, command, started_at) VALUES (9, 'a', 1)"),
    ("a command of no story", "INSERT INTO commands (batch_id, story_id, command, started_at) VALUES (1, 9, 'a', 1)"),
    ("a seq twice", "INSERT INTO events VALUES (1, 'error', 1, NULL, NULL, '{}')"),
    ("a story twice in a cycle", "INSERT INTO stories (batch_id, story_key, started_at) VALUES (1, '1-1-a', 1)"),
]


@pytest.mark.parametrize(("what", "sql"), CONSTRAINTS, ids=[row[0] for row in CONSTRAINTS])
def test_the_tables_refuse(connection: sqlite3.Connection, what: str, sql: str) -> None:
    connection.execute("INSERT INTO batches (started_at) VALUES (1)")
    connection.execute("INSERT INTO stories (batch_id, story_key, started_at) VALUES (1, '1-1-a', 1)")
    connection.execute("INSERT INTO events VALUES (1, 'error', 1, NULL, NULL, '{}')")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(sql)
