"""The writer over real files: group commit, refused rows, units, crashes, the end."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import store.writer as writer_module
from db import Database
from events import Event
from store.batches import create_batch, get_batch, update_batch
from store.job import NotWritten
from store.rows import NoSuchRow
from tests.store.disks import draft, stored

# -- the ordinary ----------------------------------------------------------------------------------------------


async def test_a_burst_is_one_group_after_another_in_order(database: Database, seen: list[list[int]]) -> None:
    futures = [database.append(draft(str(number))) for number in range(4_000)]
    events = await asyncio.gather(*futures)
    assert [one.seq for one in events] == list(range(1, 4_001))
    assert [seq for commit in seen for seq in commit] == list(range(1, 4_001))
    assert len(seen) <= 4_000 / writer_module.GROUP_MAX + 2
    assert max(map(len, seen)) <= writer_module.GROUP_MAX
    assert await stored(database) == list(range(1, 4_001))


async def test_subscribers_hear_before_the_future_is_done(database: Database) -> None:
    order: list[str] = []
    database.on_commit = lambda _events: order.append("subscribers")
    await database.append(draft())
    order.append("caller")
    assert order == ["subscribers", "caller"]


async def test_seq_goes_on_after_reopening(path: Path) -> None:
    for expected in (1, 2, 3):
        database = await Database.open(path)
        assert (await database.append(draft())).seq == expected
        await database.close()


async def test_events_and_rows_commit_in_the_order_they_were_asked_for(database: Database) -> None:
    order: list[str] = []
    database.on_commit = lambda events: order.extend(str(one.seq) for one in events)
    first, batch = database.append(draft()), database.write(create_batch, max_cycles=2)
    await asyncio.gather(first, batch, database.append(draft()))
    assert order == ["1", "2"]
    assert await database.read(get_batch, batch.result()) is not None


async def test_a_write_alone_has_a_transaction_of_its_own(database: Database, seen: list[list[int]]) -> None:
    commits = database.writer.commits
    alone = [database.write_alone(lambda connection: connection.total_changes) for _ in range(2)]
    await asyncio.gather(database.append(draft()), *alone, database.append(draft()), database.append(draft()))
    assert alone[1].result() - alone[0].result() == 0  # no event between them
    assert seen in ([[1], [2, 3]], [[1, 2, 3]])
    assert database.writer.commits - commits >= 3
    failed = database.write_alone(lambda connection: connection.execute("nonsense"))
    assert (await database.append(draft())).seq == 4
    with pytest.raises(sqlite3.OperationalError):
        await failed


async def test_a_subscriber_that_fails_keeps_no_caller_waiting(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(_events: Any) -> None:
        raise KeyError("a fault")

    database.on_commit = faulty
    assert (await database.append(draft())).seq == 1
    assert "could not be delivered" in caplog.text


async def test_a_cancelled_caller_affects_no_other(database: Database) -> None:
    first, second = database.append(draft()), database.append(draft())
    first.cancel()
    assert (await second).seq == 2
    assert await stored(database) == [1, 2]


# -- refused rows and units ------------------------------------------------------------------------------------


async def refuse_some(database: Database) -> None:
    """The database refuses events whose payload holds the word refused."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(
            "CREATE TRIGGER refusing BEFORE INSERT ON events WHEN NEW.payload LIKE '%refused%' "
            "BEGIN SELECT RAISE(ABORT, 'refused by a trigger'); END"
        )

    await database.write(work)


async def test_a_refused_row_is_its_callers_alone_and_leaves_no_gap(
    database: Database, seen: list[list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    await refuse_some(database)
    futures = [database.append(draft("refused" if number % 3 == 1 else "fine")) for number in range(300)]
    results = await asyncio.gather(*futures, return_exceptions=True)
    refused = [number for number, result in enumerate(results) if isinstance(result, sqlite3.IntegrityError)]
    assert refused == list(range(1, 300, 3))
    assert [one.seq for one in results if isinstance(one, Event)] == list(range(1, 201))
    assert [seq for commit in seen for seq in commit] == await stored(database) == list(range(1, 201))
    assert database.writer.failure is None
    assert "was not stored: refused by a trigger" in caplog.text


async def test_a_unit_commits_together_or_not_at_all(database: Database, seen: list[list[int]]) -> None:
    await refuse_some(database)
    batch = await database.write(create_batch, max_cycles=1)
    with database.atomic():
        row = database.write(update_batch, batch, status="completed")
        before = database.append(draft("fine"))
        refused = database.append(draft("refused"))
        after = database.append(draft("fine"))
    alone = database.append(draft("fine"))
    with pytest.raises(sqlite3.IntegrityError):
        await refused
    for future in (row, before, after):
        with pytest.raises(NotWritten) as caught:
            await future
        assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
    assert (await alone).seq == 1
    assert seen == [[1]]
    found = await database.read(get_batch, batch)
    assert found is not None
    assert found.status == "running"


async def test_a_unit_whose_row_is_missing_shows_no_event(database: Database, seen: list[list[int]]) -> None:
    with database.atomic():
        row = database.write(update_batch, 99, status="completed")
        received = database.append(draft())
    with pytest.raises(NoSuchRow):
        await row
    with pytest.raises(NotWritten):
        await received
    assert seen == []


def block(database: Database, futures: list[asyncio.Future[Any]]) -> None:
    """A unit that a fault leaves in the middle."""
    with database.atomic():
        futures.append(database.append(draft()))
        futures.append(database.write(create_batch, max_cycles=1))
        raise ValueError("a wrong payload")


async def test_a_block_that_raises_writes_nothing(database: Database) -> None:
    futures: list[asyncio.Future[Any]] = []
    with pytest.raises(ValueError, match="a wrong payload"):
        block(database, futures)
    for future in futures:
        with pytest.raises(NotWritten):
            await future
    assert (await database.append(draft())).seq == 1
    assert await database.write(create_batch, max_cycles=1) == 1


async def test_units_nest(database: Database) -> None:
    lost: list[asyncio.Future[Any]] = []
    with database.atomic():
        first = database.append(draft())
        with pytest.raises(ValueError, match="wrong"):
            block(database, lost)
        with database.atomic():
            second = database.append(draft())
    assert [(await first).seq, (await second).seq] == [1, 2]
    with pytest.raises(NotWritten):
        await lost[0]


def read_copy(path: Path, copy: Path) -> tuple[int, int]:
    """Copy the files as they are and count the events, and what the batches say of them."""
    for suffix in ("", "-wal"):  # in this order: the log only grows, and is not yet moved into the file
        shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    found = sqlite3.connect(copy)
    counted = found.execute(
        "SELECT (SELECT COUNT(*) FROM events), (SELECT COALESCE(SUM(max_cycles), 0) FROM batches)"
    ).fetchone()
    found.close()
    return counted[0], counted[1]


async def test_a_crash_shows_all_of_a_unit_or_nothing(path: Path, tmp_path: Path) -> None:
    """What a copy of the files holds, taken while the thread writes, is what a crash would have left there."""
    database = await Database.open(path)
    rng, found = random.Random(3), set()
    for round_ in range(60):
        with database.atomic():
            futures = [database.append(draft(str(round_))) for _ in range(rng.randrange(2, 9))]
            database.write(create_batch, max_cycles=len(futures))
        if round_ % 3 == 0:
            await asyncio.sleep(rng.random() / 500)
        if round_ % 4 == 0:
            await futures[0]  # a slow disk, too, gets on while we copy
        events, received = await asyncio.to_thread(read_copy, path, tmp_path / f"copy-{round_}.db")
        assert events == received
        found.add(events)
    assert len(found) > 10
    await database.close()
