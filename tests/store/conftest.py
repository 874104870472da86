from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import store.writer as writer_module
from db import Database
from store.schema import migrate


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A fresh database of today's schema, opened as the program opens its own."""
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        migrate(opened)
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sprint-runner.db"


@pytest.fixture
async def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(writer_module, "PROBE_S", 0.02)
    opened = await Database.open(path)
    yield opened
    await opened.close()


@pytest.fixture
def seen(database: Database) -> list[list[int]]:
    """The seqs of every commit that subscribers received."""
    commits: list[list[int]] = []
    database.on_commit = lambda events: commits.append([one.seq for one in events])
    return commits
