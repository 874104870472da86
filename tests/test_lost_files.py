"""Database and lock taken from under a running server: written out again, nothing of the record is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import db
from db import READERS, Database
from store.log import get_events
from tests.store.disks import draft, stored


def count(path: Path) -> int:
    """The events that another process finds under the database's name."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        found: int = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0]
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    return found


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def remove_database(path: Path) -> None:
    path.unlink()


def remove_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def remove_index(path: Path) -> None:
    path.with_name(path.name + "-shm").unlink()


def move_away(path: Path) -> None:
    """As a stash that is popped, or not, later."""
    path.parent.rename(path.parent.with_name(f"stashed-{path.stat().st_ino}"))


@pytest.mark.parametrize("take", [remove_folder, remove_database, remove_log, remove_index, move_away])
async def test_a_database_that_was_taken_away_is_written_again(tmp_path: Path, take: Callable[[Path], None]) -> None:
    path = tmp_path / "data/a.db"
    database = await Database.open(path)
    await asyncio.gather(*(database.append(draft()) for _ in range(20)))
    assert database.lost() == []
    take(path)
    await database.append(draft())
    assert database.lost()
    reads = [asyncio.ensure_future(database.read(get_events, 100)) for _ in range(3 * READERS)]
    await database.write_again()
    assert [len(rows) for rows in await asyncio.gather(*reads)] == [21] * len(reads)
    assert database.lost() == []
    assert (await database.append(draft())).seq == 22
    assert count(path) == 22
    assert await stored(database) == list(range(1, 23))
    take(path)  # and again
    await database.write_again()
    await database.close()
    assert count(path) == 22


@pytest.mark.parametrize("moment", range(READERS + 1))
@pytest.mark.parametrize("take", [remove_folder, remove_database])
async def test_it_may_be_taken_away_again_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: Callable[[Path], None], moment: int
) -> None:
    """Before each connection that is opened: that of the writer, then those of the readers."""
    path = tmp_path / "data/a.db"
    database = await Database.open(path)
    await asyncio.gather(*(database.append(draft()) for _ in range(20)))
    connect, opened = db._connect, 0

    def connect_after(path: Path, mode: str = "rwc") -> sqlite3.Connection:
        nonlocal opened
        opened += 1
        if opened == moment + 1:
            take(path)
        return connect(path, mode)

    monkeypatch.setattr(db, "_connect", connect_after)
    remove_folder(path)
    with pytest.raises((OSError, sqlite3.Error)):
        await database.write_again()
    await database.write_again()
    assert await stored(database) == list(range(1, 21))
    assert database.lost() == []
    assert (await database.append(draft())).seq == 21
    await database.close()
    assert count(path) == 21


async def test_another_database_in_its_place_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database = await Database.open(path)
    await database.append(draft())
    path.rename(tmp_path / "away.db")
    other = await Database.open(path)
    await asyncio.gather(*(other.append(draft()) for _ in range(5)))
    await database.write_again()
    await other.append(draft())
    await other.close()
    assert count(path) == 1
    names = await asyncio.to_thread(os.listdir, tmp_path)
    (aside,) = (tmp_path / name for name in names if "found" in name and not name.endswith(("-wal", "-shm")))
    assert count(aside) >= 5
    await database.append(draft())
    await database.close()
    assert count(path) == 2


async def test_a_database_that_cannot_be_written_again_goes_on_with_its_handle(tmp_path: Path) -> None:
    path = tmp_path / "data/a.db"
    database = await Database.open(path)
    remove_folder(path)
    path.parent.write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        await database.write_again()
    assert (await database.append(draft())).seq == 1
    path.parent.unlink()
    await database.write_again()
    await database.close()
    assert count(path) == 1
