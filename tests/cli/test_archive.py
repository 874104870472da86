"""Backups: whole, true while a server writes, and refused rather than half restored."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from cli.archive import DATABASE, ArchiveError, back_up, restore
from db import Database
from events import EventType, emit_event, start, stop
from running.lock import ProjectLock, ProjectLocked


async def filled(data_dir: Path, events: int = 3) -> str:
    """A data folder with some events, a stream and a lock file; the database's epoch."""
    (data_dir / "streams/1").mkdir(parents=True)
    (data_dir / "streams/1/1.ndjson.gz").write_bytes(b"stream")
    (data_dir / "lock").write_text("{}")
    (data_dir / "link").symlink_to("/etc/hosts")
    database = await Database.open(data_dir / DATABASE)
    start(database)
    for number in range(events):
        await emit_event(EventType.ERROR, {"type": "t", "message": str(number)})
    stop()
    await database.close()
    return database.epoch


def facts(data_dir: Path) -> tuple[int, str]:
    connection = sqlite3.connect(data_dir / DATABASE)
    try:
        count = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0]
        return count, connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
    finally:
        connection.close()


async def test_what_was_backed_up_comes_back(tmp_path: Path) -> None:
    epoch = await filled(tmp_path / "data")
    manifest = back_up(tmp_path / "data", tmp_path / "b.tar.gz", "Perch")
    assert (manifest.project, manifest.events) == ("Perch", 3)
    printed, aside = restore(tmp_path / "b.tar.gz", tmp_path / "other")
    assert printed == manifest
    assert aside is None
    assert (tmp_path / "other/streams/1/1.ndjson.gz").read_bytes() == b"stream"
    assert not (tmp_path / "other/link").exists()
    count, renewed = facts(tmp_path / "other")
    assert count == 3
    assert renewed != epoch  # pages of the old history must not continue in the new one


async def test_a_restore_sets_aside_what_was_there(tmp_path: Path) -> None:
    await filled(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "b.tar.gz", "Perch")
    await filled(tmp_path / "newer", events=7)
    _, aside = restore(tmp_path / "b.tar.gz", tmp_path / "newer")
    assert aside is not None
    assert facts(aside)[0] == 7
    assert facts(tmp_path / "newer")[0] == 3
    again, second = restore(tmp_path / "b.tar.gz", tmp_path / "newer")
    assert again.events == 3
    assert second is not None
    assert facts(aside)[0] == 7  # nothing that was set aside is touched again


async def test_a_backup_of_a_database_that_is_being_written(tmp_path: Path) -> None:
    await filled(tmp_path / "data", events=0)
    enough, done = threading.Event(), threading.Event()

    def write() -> None:
        connection = sqlite3.connect(tmp_path / "data" / DATABASE, isolation_level=None)
        seq = 0
        while not done.is_set():
            connection.execute("BEGIN")
            for _ in range(10):
                seq += 1
                connection.execute("INSERT INTO events VALUES (?, 'error', 0, NULL, NULL, '{}')", (seq,))
            connection.execute("COMMIT")
            if seq >= 50:
                enough.set()
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert enough.wait(30)
        back_up(tmp_path / "data", tmp_path / "b.tar.gz", "Perch")
    finally:
        done.set()
        thread.join()
    restore(tmp_path / "b.tar.gz", tmp_path / "other")
    count = facts(tmp_path / "other")[0]
    assert count >= 50
    assert count % 10 == 0  # whole transactions only


async def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    await filled(tmp_path / "data")
    (tmp_path / "b.tar.gz").write_text("mine")
    with pytest.raises(ArchiveError, match="exists already"):
        back_up(tmp_path / "data", tmp_path / "b.tar.gz", "Perch")
    assert (tmp_path / "b.tar.gz").read_text() == "mine"


def test_there_must_be_something_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="nothing has run here"):
        back_up(tmp_path, tmp_path / "b.tar.gz", "Perch")


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    await filled(tmp_path / "data")
    with pytest.raises(ArchiveError, match="could not be written"):
        back_up(tmp_path / "data", tmp_path / "no/where/b.tar.gz", "Perch")


async def test_a_server_that_runs_keeps_its_project(tmp_path: Path) -> None:
    await filled(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "b.tar.gz", "Perch")
    lock = ProjectLock(tmp_path / "data")
    lock.acquire()
    try:
        with pytest.raises(ProjectLocked):
            restore(tmp_path / "b.tar.gz", tmp_path / "data")
    finally:
        lock.release()


def damaged(whole: bytes) -> list[tuple[str, bytes]]:
    """Archives that are none, by name."""
    outside, link = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=outside, mode="w:gz") as archive:
        entry = tarfile.TarInfo("../evil")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    with tarfile.open(fileobj=link, mode="w:gz") as archive:
        entry = tarfile.TarInfo(DATABASE)
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/hosts"
        archive.addfile(entry)
    middle = len(whole) // 2
    return [
        ("empty", b""),
        ("text", b"hello"),
        ("cut", whole[:middle]),
        ("flipped", whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]),
        ("outside", outside.getvalue()),
        ("link", link.getvalue()),
    ]


async def test_a_damaged_backup_leaves_everything_as_it_was(tmp_path: Path) -> None:
    await filled(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "b.tar.gz", "Perch")
    before = facts(tmp_path / "data")
    names = sorted(path.name for path in (tmp_path / "data").iterdir())
    for name, content in damaged((tmp_path / "b.tar.gz").read_bytes()):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArchiveError):
            restore(tmp_path / name, tmp_path / "data")
        assert facts(tmp_path / "data") == before, name
        assert sorted(path.name for path in (tmp_path / "data").iterdir()) == names, name
    assert not (tmp_path / "evil").exists()
