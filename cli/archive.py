"""Backup and restore of a project's data folder: the database, the streams, and the other files of runs.

A backup is one `.tar.gz`. It may be made while a server runs: SQLite's online backup copies the database in a committed
state. A restore needs the project's lock, verifies the archive before it changes anything, and moves what it replaces
into a folder. The restored database gets a new epoch, so that pages of the old history do not resume in the new one.
"""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from base.files import replacing
from running.lock import ProjectLock
from store.schema import MIGRATIONS

DATABASE: Final = "sprint-runner.db"
MANIFEST: Final = "manifest.json"
# `worktrees` belong to the project's repository; the others are made again where a backup is restored.
LEFT_OUT: Final = ("lock", ".gitignore", "worktrees", "restoring")
SET_ASIDE: Final = "before-restore-"
FORMAT: Final = 1


class ArchiveError(RuntimeError):
    """A backup that cannot be written or restored; the message says what to do."""


class Manifest(msgspec.Struct, frozen=True):
    """The description inside of a backup. `created_at` in seconds since the epoch, UTC."""

    format: int
    created_at: int
    project: str
    schema: int
    events: int


def back_up(data_dir: Path, file: Path, project: str) -> Manifest:
    """Write a backup of the data folder to `file`, completely or not at all. Raises `ArchiveError`."""
    if not (data_dir / DATABASE).is_file():
        raise ArchiveError(f"there is no database in {data_dir}: nothing has run here yet")
    if file.exists():
        raise ArchiveError(f"{file} exists already: name another file")
    try:
        return _write(data_dir, file, project)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(f"{file} could not be written: {error}") from None


def _write(data_dir: Path, file: Path, project: str) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="sprint-runner-backup-") as folder:
        copy = Path(folder) / DATABASE
        manifest = _copy_database(data_dir / DATABASE, copy, project)
        with (
            replacing(file, mode=0o600) as raw,  # transcripts may contain private data
            tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6) as archive,
        ):
            content = msgspec.json.encode(manifest)
            entry = tarfile.TarInfo(MANIFEST)
            entry.size, entry.mtime, entry.mode = len(content), manifest.created_at, 0o600
            archive.addfile(entry, io.BytesIO(content))
            archive.add(copy, DATABASE, recursive=False)
            for path in _kept(data_dir):
                _add(archive, path, path.relative_to(data_dir).as_posix())
    return manifest


def _copy_database(source: Path, target: Path, project: str) -> Manifest:
    # Read-only, or a wrong path would create an empty database.
    old, new = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        old.backup(new)
        version: int = new.execute("PRAGMA user_version").fetchone()[0]
        events: int = new.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0]
    finally:
        old.close()
        new.close()
    return Manifest(FORMAT, int(time.time()), project, version, events)


def _kept(data_dir: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(data_dir):
        here = Path(folder)
        if here == data_dir:
            folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith(SET_ASIDE)]
            files = [name for name in files if name not in LEFT_OUT and not name.startswith(DATABASE)]
        # Links are left out, as a restore refuses an archive that contains some.
        yield from (here / name for name in sorted(files) if (here / name).is_file() and not (here / name).is_symlink())


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file with its current length: streams of running commands grow while they are read."""
    try:
        content = path.open("rb")
    except FileNotFoundError:  # removed since it was listed
        return
    with content:
        entry = archive.gettarinfo(arcname=name, fileobj=content)
        # The users and groups of this machine do not belong in a file that is passed on.
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        archive.addfile(entry, content)


def restore(file: Path, data_dir: Path) -> tuple[Manifest, Path | None]:
    """Replace the data folder by a backup; return its manifest and the folder of the old content, if there was any.

    Raises `ArchiveError`, and `ProjectLocked` while a server runs for the project.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = ProjectLock(data_dir)
    # Before the archive is read: no server may start on a folder that is half exchanged.
    lock.acquire()
    # In the data folder itself, so that the renames at the end stay on one file system.
    new = data_dir / "restoring"
    try:
        _remove(new)
        manifest = _unpack(file, new)
        # Before it is moved into place: with the old epoch a page would resume into another history.
        _renew_epoch(new / DATABASE)
        aside = _swap(new, data_dir)
    finally:
        _remove(new)
        lock.release()
    return manifest, aside


def _unpack(file: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(file, "r:gz") as archive:
            # Not `extractall`: the filters that make it safe are missing in the first releases of Python 3.11.
            for entry in archive:
                _unpack_one(archive, entry, folder)
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        (folder / MANIFEST).unlink()
    except (OSError, EOFError, tarfile.TarError, gzip.BadGzipFile, msgspec.DecodeError) as error:
        raise ArchiveError(f"{file} is not a complete backup: {error}") from None
    if manifest.format > FORMAT or manifest.schema > len(MIGRATIONS):
        raise ArchiveError(f"{file} was made by a newer program than this one: use that one")
    _check_database(folder / DATABASE, file)
    return manifest


def _unpack_one(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    """Unpack a regular file below the folder; a foreign archive may contain links and paths that leave it."""
    name = PurePosixPath(entry.name)
    content = archive.extractfile(entry) if entry.isreg() else None
    if content is None or name.is_absolute() or ".." in name.parts or name.parts[0] in LEFT_OUT:
        raise ArchiveError(f"the backup contains {entry.name!r}, which is no part of a backup: use another one")
    target = folder.joinpath(*name.parts)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # "x": two entries of one name mean that the archive is damaged or forged.
    with content, target.open("xb") as copy:
        os.chmod(target, 0o600)
        while chunk := content.read(1 << 20):
            copy.write(chunk)


def _check_database(database: Path, file: Path) -> None:
    try:
        # Writable, because a database in WAL mode is only opened where its -shm file can be made.
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)
        try:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise ArchiveError(f"the database in {file} is damaged ({found}): use another backup")


def _renew_epoch(database: Path) -> None:
    connection = sqlite3.connect(database)
    try:
        with connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (uuid.uuid4().hex,))
    finally:
        connection.close()


def _swap(new: Path, data_dir: Path) -> Path | None:
    """Move the old content into a new folder, then the new content into the data folder; delete nothing."""
    old = [path for path in data_dir.iterdir() if path.name not in LEFT_OUT and not path.name.startswith(SET_ASIDE)]
    # The time alone would be the same for two restores within one second.
    aside = data_dir / f"{SET_ASIDE}{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:4]}" if old else None
    if aside is not None:
        aside.mkdir(mode=0o700)
        for path in old:
            path.rename(aside / path.name)
    for path in new.iterdir():
        path.rename(data_dir / path.name)
    return aside


def _remove(folder: Path) -> None:
    """Delete the files of an unfinished restore."""
    if not folder.exists():
        return
    # In reverse order every file comes before its folder.
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


def described(manifest: Manifest) -> str:
    """Return the manifest as text."""
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(manifest.created_at))
    return f"project {manifest.project}, {manifest.events} events, made {made}"


__all__ = ["ArchiveError", "Manifest", "back_up", "described", "restore"]
