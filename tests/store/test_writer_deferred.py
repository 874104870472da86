"""Deferred writes: committed with the next one, in order, and never given up."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import store.writer as writer_module
from db import Database
from events import Event
from store.log import get_events
from store.writer import DatabaseUnavailable
from tests.store.disks import LARGER_THAN_A_PAGE, draft, full, locked, open_again, probes


def later(database: Database, message: str) -> asyncio.Future[Event]:
    with database.atomic(deferred=True):
        return database.append(draft(message))


async def messages(database: Database) -> list[str]:
    return [json.loads(row.payload)["message"] for row in await database.read(get_events, 1_000_000)]


async def test_one_is_committed_with_the_next_write(
    database: Database, seen: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "DEFERRED_S", 1000.0)
    first = later(database, "deferred")
    second = later(database, "deferred, too")
    await asyncio.sleep(0.05)
    assert not first.done()
    assert (await database.append(draft("awaited"))).seq == 3
    assert first.done()
    assert second.done()
    assert seen == [[1, 2, 3]]
    assert await messages(database) == ["deferred", "deferred, too", "awaited"]


async def test_alone_it_is_committed_after_a_moment(database: Database, seen: list[list[int]]) -> None:
    assert (await later(database, "deferred")).seq == 1
    assert seen == [[1]]


async def test_what_was_enqueued_before_does_not_wait_for_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "DEFERRED_S", 1000.0)
    first, second = database.append(draft("at once")), later(database, "deferred")
    assert (await first).seq == 1
    await database.append(draft("after it"))
    assert (await second).seq == 2


async def test_the_end_does_not_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "DEFERRED_S", 1000.0)
    database = await Database.open(path)
    future = later(database, "deferred")
    await database.close()
    assert (await future).seq == 1


async def test_a_full_disk_keeps_it_and_its_place(database: Database) -> None:
    with full(database):
        kept = later(database, LARGER_THAN_A_PAGE)
        refused = database.append(draft("refused"))
        with pytest.raises(DatabaseUnavailable):
            await refused
        assert not kept.done()
        with pytest.raises(DatabaseUnavailable):  # what comes now has to wait, deferred or not
            later(database, "refused at once")
        await probes(database, 2)
        assert not kept.done()
    await open_again(database)
    assert (await database.append(draft("awaited"))).seq == 2
    assert (await kept).seq == 1
    assert await messages(database) == [LARGER_THAN_A_PAGE, "awaited"]


async def test_it_is_written_when_the_disk_is_well_again_though_nothing_follows(database: Database) -> None:
    with full(database):
        kept = later(database, LARGER_THAN_A_PAGE)
        await probes(database, 1)
    async with asyncio.timeout(30):
        assert (await kept).seq == 1


async def test_what_cannot_be_written_until_the_end_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.BUSY_TIMEOUT_MS", 20)
    database = await Database.open(path)
    with locked(path):
        kept = later(database, "deferred")
        await database.close()
        with pytest.raises(DatabaseUnavailable, match="closed"):
            await kept


async def test_a_fault_in_one_leaves_the_others(database: Database) -> None:
    def fail(_connection: object) -> None:
        raise ValueError("a fault of the caller")

    with database.atomic(deferred=True):
        failed = database.write(fail)
    assert (await database.append(draft("awaited"))).seq == 1
    with pytest.raises(ValueError, match="a fault"):
        await failed


async def test_a_block_inside_another_one_is_a_part_of_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "DEFERRED_S", 1000.0)
    with database.atomic():
        inner = later(database, "inside")
        outer = database.append(draft("outside"))
    assert ((await inner).seq, (await outer).seq) == (1, 2)
