"""What the search takes in, and that a kill at any instant loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from base.program import PROGRAM_DIR
from store.search import get_next, get_size
from store.search_text import SEPARATOR, unpack

from .conftest import SearchProject, stream

TEXTS = [f"entry {number} says xyzzy{number:04d} and more words to fill it" for number in range(600)]


def entries(path: Path) -> dict[int, list[str]]:
    """By source, all entries in the blocks, which have to follow each other."""
    found: dict[int, list[str]] = {}
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT source, first, count, text FROM search_blocks ORDER BY source, first")
        for source, first, count, text in rows:
            known = found.setdefault(source, [])
            begin = first - 1 if source == 0 else first
            assert len(known) == begin, f"source {source}: a block begins at {first} after {len(known)} entries"
            parts = unpack(text).split(SEPARATOR)
            assert len(parts) == count
            known += parts
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_terms'").fetchone():
            return found  # killed before there was an index
        indexed = {row[0] for row in connection.execute("SELECT rowid FROM search_index")}
        assert indexed == {row[0] for row in connection.execute("SELECT id FROM search_blocks")}
    return found


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
async def test_a_recording_is_taken_in_entry_by_entry(project: SearchProject, packed: bool) -> None:
    id_ = await project.command(stream(TEXTS), packed=packed)
    await project.indexer.work()
    assert (await project.places("xyzzy0123 says"))[-1] == (id_, 246)
    assert await project.places("answer xyzzy0123") == [(id_, 247)]
    assert (await project.indexer.backlog()).transcripts == 0
    assert len(entries(project.folder / "sprint-runner.db")[id_]) == 1200


async def test_a_running_command_is_searched_as_it_grows(project: SearchProject) -> None:
    id_ = await project.command(stream(TEXTS[:3]), ended=False)
    path = project.folder / f"streams/1/{id_}.ndjson"
    assert await project.indexer.work() is not None  # it looks again by itself
    assert await project.places("xyzzy0001 says") == [(id_, 3), (id_, 2)]
    assert await project.database.read(get_next, id_) == 0  # a block is not full yet
    with path.open("ab") as file:
        file.write(stream(TEXTS[3:400], 3))
    await project.indexer.work()
    assert await project.database.read(get_next, id_) > 0
    assert len(await project.places("entry says", kinds=["transcript"], limit=1000)) == 400 * 2 - 1  # the last is open
    await project.end(id_)
    assert await project.indexer.work() is None
    assert len(await project.places("entry says", kinds=["transcript"], limit=1000)) == 800


async def test_events_are_found_before_and_after_they_are_taken_in(project: SearchProject) -> None:
    await project.events(*TEXTS)
    await project.indexer._prepare()
    assert await project.places("xyzzy0599") == [(0, 600)]
    assert await project.database.read(get_next, 0) == 0
    await project.indexer.work()
    assert await project.database.read(get_next, 0) > 500
    assert await project.places("xyzzy0599") == [(0, 600)]
    assert await project.places("xyzzy0000") == [(0, 1)]
    await project.reopen()
    await project.indexer.work()
    assert len(await project.places("entry", kinds=["event"], limit=1000)) == 600


async def test_no_secret_enters_the_index(project: SearchProject) -> None:
    key = "sk-ant-api03-" + "Ab1" * 30 + "AA"
    hidden = [f"the key is {key}", "password correct-horse-battery", "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD" * 16]
    id_ = await project.command(stream(hidden))
    await project.events(*hidden, *TEXTS)
    await project.indexer.work()
    assert len(await project.places("key", kinds=["transcript"])) >= 2
    for query in (key, key[20:40], "correct-horse", "QUJDQUJD"):
        assert await project.places(query) == [], query
    stored = "".join("".join(parts) for parts in entries(project.folder / "sprint-runner.db").values())
    assert "[masked" in stored
    assert not any(secret in stored for secret in (key, "correct-horse-battery", "QUJDQUJD"))
    assert id_ in entries(project.folder / "sprint-runner.db")


async def test_a_secret_that_is_known_later_is_not_found_any_more(project: SearchProject) -> None:
    await project.command(stream(["the word is swordfish-and-more"]))
    await project.indexer.work()
    assert len(await project.places("swordfish-and")) == 2
    project.workspace.masker = type(project.workspace.masker)(["swordfish-and-more"])
    assert await project.places("swordfish-and") == []
    assert "swordfish" not in str((await project.find("the word")).results)


async def test_what_retention_removes_leaves_the_search(project: SearchProject) -> None:
    id_ = await project.command(stream(TEXTS[:5]))
    await project.events(*TEXTS)
    await project.indexer.work()
    (project.folder / f"streams/1/{id_}.ndjson").unlink()
    await project.database.write(lambda connection: connection.execute("DELETE FROM events WHERE seq <= 590"))
    project.indexer.sweep()
    await project.indexer.work()
    assert await project.places("entry", kinds=["transcript"]) == []
    assert len(await project.places("entry", kinds=["event"], limit=99)) == 10
    size = await project.database.read(get_size)
    assert size.transcripts == 0
    assert await project.indexer.work() is None  # and it is not taken in again


async def test_beyond_its_bound_the_oldest_transcripts_leave(
    project: SearchProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("running.search.indexer.TEXT_MAX", 100_000)
    old = await project.command(stream(TEXTS))
    new = await project.command(stream(TEXTS))
    await project.indexer.work()
    found = {command for command, _ in await project.places("entry says", kinds=["transcript"], limit=1000)}
    assert found == {new}
    assert (await project.database.read(get_size)).transcripts <= 100_000
    await project.reopen()
    await project.indexer.work()
    assert await project.database.read(get_next, old) == 1200  # and they are not taken in again


async def test_one_recording_at_fault_costs_no_other(project: SearchProject, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = await project.command(b'{"type": "assistant"\n' * 3)
    gone = await project.command(stream(TEXTS[:2]))
    (project.folder / f"streams/1/{gone}.ndjson").unlink()
    good = await project.command(stream(["found all the same"]))
    opened = project.indexer._opened

    def faulty(path: Path, command: Any, start: int) -> Any:
        if command.id == bad:
            raise RuntimeError("a fault of ours")
        return opened(path, command, start)

    monkeypatch.setattr(project.indexer, "_opened", faulty)
    await project.indexer.work()
    assert [command for command, _ in await project.places("all the same")] == [good, good]
    assert (await project.indexer.backlog()).transcripts == 1  # the next server tries that again


async def test_a_damaged_index_is_made_anew_by_itself(project: SearchProject) -> None:
    id_ = await project.command(stream(TEXTS[:200]), ended=False)
    await project.events(*TEXTS)
    await project.indexer.work()
    damage = "UPDATE search_index_data SET block = x'ffffffff'"
    await project.database.write(lambda connection: connection.execute(damage))
    await project.reopen()
    await project.events(*TEXTS)
    await project.end(id_)
    for _ in range(4):
        await project.indexer.work()
    found = entries(project.folder / "sprint-runner.db")
    assert len(found[id_]) == 400
    assert len(await project.places("xyzzy0000", kinds=["event"])) == 2


# One process that imports everything once, and a child of it for each moment.
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from db import Database
from tests.running.search.conftest import SearchProject
from tests.running.search.test_indexer import entries

async def main(folder, moment):
    project = SearchProject(folder, await Database.open(folder / "sprint-runner.db"))
    left = [moment]
    def count(statement):
        if "search_" in statement or statement.startswith(("COMMIT", "RELEASE", "BEGIN")):
            left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    await project.database.write(lambda connection: connection.set_trace_callback(count))
    await project.indexer.work()
    await project.indexer.stop()
    await project.database.close()

folder = Path(sys.argv[1])
for moment in map(int, sys.argv[2:]):
    child = os.fork()
    if child == 0:
        asyncio.run(main(folder, moment))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, sum(map(len, entries(folder / "sprint-runner.db").values())))
"""


async def test_a_kill_in_the_middle_loses_nothing_and_doubles_nothing(tmp_path: Path, project: SearchProject) -> None:
    ids = [await project.command(stream(TEXTS), packed=packed) for packed in (False, True)]
    await project.events(*TEXTS)
    await project.indexer.stop()
    await project.database.close()
    moments = [str(moment) for moment in (*range(2, 40, 3), 1_000_000)]
    argv = [sys.executable, "-c", KILLED, str(tmp_path), *moments]
    done = await asyncio.to_thread(
        subprocess.run, argv, cwd=PROGRAM_DIR, timeout=120, check=True, capture_output=True, text=True
    )
    codes = [line.split()[0] for line in done.stdout.splitlines()]
    assert codes[-1] == "0"
    assert codes.count("-9") >= 10
    found = entries(tmp_path / "sprint-runner.db")
    assert [len(found[id_]) for id_ in ids] == [1200, 1200]
    await project.reopen()
    await project.indexer.work()
    assert len(await project.places("entry xyzzy0", kinds=["event"], limit=1000)) == 600
    assert len(await project.places('"xyzzy0321"', kinds=["transcript"])) == 4
