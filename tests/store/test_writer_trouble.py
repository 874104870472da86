"""The writer when the disk takes nothing: locks, full disks, a broken write, too much waiting."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

import store.writer as writer_module
from db import Database
from events import Event
from store.batches import create_batch
from store.writer import DatabaseUnavailable
from tests.store.disks import LARGER_THAN_A_PAGE, draft, full, locked, open_again, probes, stored, tried


async def test_a_lock_of_another_process_is_waited_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.BUSY_TIMEOUT_MS", 20)
    database = await Database.open(path)
    commits: list[int] = []
    database.on_commit = lambda events: commits.extend(one.seq for one in events)
    with locked(path):
        futures = [database.append(draft()) for _ in range(50)]
        async with asyncio.timeout(30):
            while database.writer.failure is None:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # ten busy timeouts more
        assert not any(future.done() for future in futures)
        assert commits == []
        assert database.writer.failure == "another process has locked the database"
        assert await stored(database) == []
    assert [one.seq for one in await asyncio.gather(*futures)] == list(range(1, 51))
    assert database.writer.failure is None
    await database.close()


async def test_a_real_lock_leaves_the_loop_alone(path: Path) -> None:
    """With the busy timeout as it is, and a real process that holds the lock until the loop says so: were the loop to
    wait for the lock, it would wait for ever."""
    database = await Database.open(path)
    script = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read(); c.execute('ROLLBACK')\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdin is not None
    await other.stdout.readline()
    future = database.append(draft())
    async with asyncio.timeout(30):
        while database.writer.failure is None:  # the busy timeout has run once
            await asyncio.sleep(0.01)
    await asyncio.sleep(1.2)  # and once more
    assert not future.done()
    assert database.writer.failure == "another process has locked the database"
    other.stdin.close()
    assert (await future).seq == 1
    await other.wait()
    await database.close()


async def test_at_the_end_a_lock_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.BUSY_TIMEOUT_MS", 20)
    database = await Database.open(path)
    with locked(path):
        future = database.append(draft())
        async with asyncio.timeout(30):
            await database.close()
        with pytest.raises(DatabaseUnavailable, match="locked"):
            await future
    with pytest.raises(DatabaseUnavailable, match="closed"):
        database.append(draft())


async def test_a_full_disk_refuses_and_opens_again(
    database: Database, seen: list[list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    await database.append(draft())
    with full(database):
        results = await asyncio.gather(*(tried(database, LARGER_THAN_A_PAGE) for _ in range(200)))
        assert all("full" in str(result) for result in results)
        with pytest.raises(DatabaseUnavailable, match="full"):
            database.append(draft())
        with pytest.raises(DatabaseUnavailable, match="full"):
            database.write(create_batch, max_cycles=1)
        assert seen == [[1]]
        assert await stored(database) == [1]
        await probes(database, 3)
        assert database.writer.failure is not None
    await open_again(database)
    assert (await database.append(draft())).seq == 2
    assert await stored(database) == [1, 2]
    assert caplog.text.count("the database takes no writes") == 1
    assert "takes writes again" in caplog.text


async def test_a_disk_that_comes_and_goes_loses_nothing_that_was_said_to_be_stored(
    database: Database, seen: list[list[int]]
) -> None:
    committed = []
    for _ in range(8):
        with full(database):
            results = await asyncio.gather(*(tried(database, "x" * 300) for _ in range(100)))
            committed += [result.seq for result in results if isinstance(result, Event)]
        await open_again(database)
        committed.append((await database.append(draft())).seq)
    assert committed == [seq for commit in seen for seq in commit] == await stored(database)
    assert committed == list(range(1, len(committed) + 1))


async def test_a_broken_write_does_not_end_the_thread(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise MemoryError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(database.writer, "_begin", broken)
        with pytest.raises(DatabaseUnavailable, match="out of memory"):
            await database.append(draft())
    await open_again(database)
    assert (await database.append(draft())).seq == 1


async def test_too_many_waiting_writes_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.BUSY_TIMEOUT_MS", 20)
    monkeypatch.setattr(writer_module, "QUEUE_MAX", 100)
    database = await Database.open(path)
    waiting: list[asyncio.Future[Event]] = []

    async def fill() -> None:
        for _ in range(2 * writer_module.GROUP_MAX):
            waiting.append(database.append(draft()))
            await asyncio.sleep(0)

    with locked(path), pytest.raises(DatabaseUnavailable, match="100 writes are waiting for the disk"):
        await fill()
    assert len(await asyncio.gather(*waiting)) >= 100
    await database.close()


async def test_close_writes_what_is_queued(path: Path) -> None:
    database = await Database.open(path)
    futures = [database.append(draft()) for _ in range(2_000)]
    await database.close()
    assert all(future.done() for future in futures)
    again = await Database.open(path)
    assert again.last_seq == 2_000
    await again.close()
