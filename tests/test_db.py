"""Tests of the open database: writes, reads, and that no thread or connection is left after `close`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from db import READER_CACHE_KIB, READERS, Database
from store.batches import create_batch
from store.commands import create_command
from store.log import get_events
from tests.store.disks import draft, locked, stored


def pragma(connection: sqlite3.Connection, name: str) -> int:
    found: tuple[int] = connection.execute(f"PRAGMA {name}").fetchone()
    return found[0]


def descriptors(path: Path) -> int:
    """How many files of the database this process has open."""
    folder = Path("/proc/self/fd")
    return sum(str(path) in os.readlink(folder / name) for name in os.listdir(folder) if (folder / name).is_symlink())


async def test_the_writer_is_durable_and_readers_cannot_write(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    assert await database.write(pragma, "synchronous") == 2  # FULL
    assert await database.write(pragma, "foreign_keys") == 1
    assert await database.read(pragma, "cache_size") == -READER_CACHE_KIB
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(lambda connection: connection.execute("DELETE FROM events"))
    await database.close()


async def test_readers_go_on_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    await asyncio.gather(*(database.append(draft()) for _ in range(30)))
    with locked(database.path):
        waiting = database.append(draft())
        read = await asyncio.gather(*(database.read(get_events, 10) for _ in range(3 * READERS)))
        assert [[row.seq for row in rows] for rows in read] == [list(range(21, 31))] * len(read)
        assert not waiting.done()
    assert (await waiting).seq == 31
    assert await stored(database) == list(range(1, 32))
    await database.close()


async def test_nothing_of_it_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for _ in range(3):
        database = await Database.open(path)
        await asyncio.gather(database.append(draft()), *(database.read(get_events, 10) for _ in range(20)))
        assert descriptors(path) >= 4  # the writer and at least one reader, each with the file and its log
        epoch = database.epoch
        await database.close()
        assert descriptors(path) == 0
    again = await Database.open(path)
    assert again.epoch == epoch
    assert again.last_seq == 3
    await again.close()


async def test_reserved_ids_are_given_once_and_follow_those_of_rows(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    batch = await database.write(create_batch, None)
    first = await database.write(create_command, batch, "dev-story", id=7)
    taken = await asyncio.gather(*(database.reserve_id("commands") for _ in range(3)))
    assert sorted(taken) == [8, 9, 10]
    assert first == 7
    await database.write(create_command, batch, "dev-story", id=8)
    await database.close()
    # After a kill: what was reserved and has no committed row is given again, and never the id of a row that is gone.
    database = await Database.open(tmp_path / "a.db")
    await database.write(lambda connection: connection.execute("DELETE FROM commands"))
    assert await database.reserve_id("commands") == 9
    assert await database.reserve_id("hints") == 1
    await database.close()
