"""SQLite: one file, one writer thread, many readers, and no statement on the event loop.

`Database` owns the connections; the queries are plain functions of a connection, one module per table in `store/`:
write with `await database.write(create_batch, max_cycles=2)`, read with `await database.read(get_batch, 7)`.
Writes run in the order of the calls and are durable when awaited (WAL, synchronous=FULL).
"""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from pathlib import Path
from typing import Any, BinaryIO, Concatenate, Final, ParamSpec, TypeVar

from base.files import replacing, sync_folder
from store.rows import newest_id
from store.schema import migrate, version_to_keep
from store.writer import BUSY_TIMEOUT_MS, LogEntry, Writer

READERS: Final = 4  # threads, each with its own read-only connection
READER_CACHE_KIB: Final = 256  # page cache per reader; SQLite's default of 2 MiB duplicates the cache of the system

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=LogEntry)


class Database:
    """An open database. `epoch` identifies the history of this file; `last_seq` is the newest committed event."""

    def __init__(self, path: Path, epoch: str, writer: Writer) -> None:
        self.path = path
        self.epoch = epoch
        self.writer = writer
        self._files = _identities(path)
        self._newest_ids: dict[str, int] = {}  # by table, of those in which ids are reserved
        self._copy: BinaryIO | None = None  # of the file, while the old connections are closed and no new one is open
        # Opened now: a connection opened after the file was removed would create a new, empty one.
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._add_readers()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open or create the file, migrate it, start the writer. Raises `SchemaTooNew`, `sqlite3.Error`."""
        connection, epoch = await asyncio.to_thread(_open, path)
        writer = Writer(connection, asyncio.get_running_loop())
        writer.start()
        return await asyncio.to_thread(cls, path, epoch, writer)

    @property
    def last_seq(self) -> int:
        return self.writer.last_seq

    @property
    def on_commit(self) -> Callable[[Sequence[Any]], None]:
        return self.writer.on_commit

    @on_commit.setter
    def on_commit(self, callback: Callable[[Sequence[Any]], None]) -> None:
        self.writer.on_commit = callback

    @property
    def before_write(self) -> Callable[[Sequence[Any]], Sequence[Any]]:
        return self.writer.before_write

    @before_write.setter
    def before_write(self, callback: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        self.writer.before_write = callback

    def append(self, entry: E) -> asyncio.Future[E]:
        """Enqueue an event; see `Writer.append`."""
        return self.writer.append(entry)

    def atomic(self, *, deferred: bool = False) -> AbstractContextManager[None]:
        """Commit everything that is written and emitted inside the block together; do not `await` inside.

        `deferred`: see `Writer.atomic`; readers may not see it yet.
        """
        return self.writer.atomic(deferred=deferred)

    def in_one_commit(self, enqueue: Callable[[], Iterable[Awaitable[Any]]]) -> Awaitable[list[Any]]:
        """Commit everything that `enqueue` writes and emits together; the result is what it returns, awaited in order.

        Each of them is awaited, so that the error of the first that failed is raised.
        """
        with self.atomic():
            enqueued = list(enqueue())
        return asyncio.gather(*enqueued)

    def write(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """Enqueue `function(connection, …)`; the future resolves to its result after the commit."""
        return self.writer.submit(lambda connection: function(connection, *args, **kwargs))

    async def reserve_id(self, table: str) -> int:
        """Return an id that no other row of the table will get, so that an event can name the row of its commit.

        Nothing is written for it: after a crash an id whose row was not committed is given again. In the table all
        rows must come in this way. Raises `DatabaseUnavailable`.
        """
        if table not in self._newest_ids:
            newest = await self.write(newest_id, table)
            self._newest_ids.setdefault(table, newest)  # another one may have asked meanwhile
        self._newest_ids[table] += 1
        return self._newest_ids[table]

    async def read(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(connection, …)` on a read-only connection in a thread and return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, self._read, lambda connection: function(connection, *args, **kwargs)
        )

    async def close(self) -> None:
        """Write what is queued, then close all connections."""
        await self.writer.close()
        await asyncio.to_thread(self._pool.shutdown)
        while not self._readers.empty():
            self._readers.get_nowait().close()

    def _read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._readers.get()
        try:
            return function(connection)
        finally:
            self._readers.put(connection)

    def _add_readers(self) -> None:
        """Open the connections of the readers. Raises `sqlite3.Error` when the path has another file by now."""
        with ExitStack() as opened:
            readers = [opened.enter_context(closing(_connect(self.path, mode="rw"))) for _ in range(READERS)]
            for connection in readers:
                self._check_epoch(_epoch(connection))
                connection.execute("PRAGMA query_only = ON")
                connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
            opened.pop_all()
        for connection in readers:
            self._readers.put(connection)

    def _check_epoch(self, epoch: str) -> None:
        """Raise `sqlite3.OperationalError` for another database, which is at the path since this one was removed."""
        if epoch != self.epoch:
            raise sqlite3.OperationalError(f"{self.path} was removed or replaced while it was opened")

    # -- the file at its path ----------------------------------------------------------------------------------

    def lost(self) -> list[Path]:
        """Return the files of the database that were removed or replaced since they were opened. Reads the disk.

        Writes still succeed then, but are lost at the end of the server.
        """
        found = _identities(self.path)
        return [path for path, identity in self._files.items() if found.get(path) != identity]

    async def write_again(self) -> None:
        """Write the database from the open handle to its path again, and continue with that file.

        Another database at the path is renamed, never overwritten. Raises OSError and `sqlite3.Error`; the next call
        then continues with what is still open.
        """
        await self.writer.exchange(self._write_again)

    def _write_again(self, old: sqlite3.Connection) -> sqlite3.Connection:
        """Exchange the file, in the writer's thread.

        SQLite deletes the `-wal` of its path by name when the last connection closes, so every old connection is closed
        before a new one is opened. Between the two the open copy is all there is: it is closed when the path has it.
        """
        if self._copy is None:
            self._copy = _copied(old, self.path)
            for _ in range(READERS):
                self._readers.get().close()
            old.close()
        own = self._files.get(self.path), _identity(os.fstat(self._copy.fileno()))
        _put_in_place(self._copy, self.path, own)
        with ExitStack() as opened:
            connection, epoch = _open(self.path)
            opened.callback(connection.close)
            self._check_epoch(epoch)
            self._add_readers()
            opened.pop_all()
        self._copy.close()
        self._files, self._copy = _identities(self.path), None
        return connection


Identity = tuple[int, int]


def _identities(path: Path) -> dict[Path, Identity]:
    """Return the existing files of a database, identified by device and inode."""
    found = {}
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        with suppress(OSError):
            found[file] = _identity(os.stat(file))
    return found


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def _copied(connection: sqlite3.Connection, path: Path) -> BinaryIO:
    """Return an open copy of the database, which is beside its path."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = _beside(path)
    copy.unlink(missing_ok=True)
    _copy(connection, copy)
    return copy.open("rb")


def _put_in_place(copy: BinaryIO, path: Path, own: Sequence[Identity | None]) -> None:
    """Put an open copy at `path` atomically, also when its file was removed meanwhile; `own` are files of this one."""
    beside = _beside(path)
    if not beside.exists():  # put in place before, and removed again
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy.seek(0)
        with replacing(beside, mode=0o600) as target:
            shutil.copyfileobj(copy, target)
    found = _identities(path)
    stranger = found.get(path) not in (*own, None)
    aside = f"{path.name}.found-{time.strftime('%Y%m%d-%H%M%S')}"
    for file in found:
        if stranger:
            file.rename(path.with_name(aside + file.name.removeprefix(path.name)))
        elif file != path:  # a log beside the copy would be replayed into it
            file.unlink()
    beside.replace(path)
    sync_folder(path.parent)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.written-again")


def _open(path: Path) -> tuple[sqlite3.Connection, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    _keep_private(path)
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if (
        old := version_to_keep(connection)
    ) is not None:  # a migration cannot be undone: an older program needs the copy
        _copy(connection, path.with_name(f"{path.name}.schema-{old}"))
    migrate(connection)
    return connection, _epoch(connection)


def _epoch(connection: sqlite3.Connection) -> str:
    epoch: str = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
    return epoch


def _keep_private(path: Path) -> None:
    """Restrict the file to its owner, whatever the folder's mode; SQLite's WAL files inherit the mode of this one."""
    with suppress(OSError):  # SQLite reports a file that cannot be opened, with a better message
        path.touch(0o600)
        path.chmod(0o600)


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database before a migration, completely or not at all."""
    with replacing(target, mode=0o600) as file:
        copy = sqlite3.connect(file.name)
        try:
            connection.backup(copy)
        finally:
            copy.close()


def _connect(path: Path, mode: str = "rwc") -> sqlite3.Connection:
    """Open the file; mode `rw` does not create it."""
    address = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
