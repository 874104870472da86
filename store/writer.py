"""The one thread that writes.

It owns the only writing connection. It takes all that is queued, runs it in one transaction (group commit) and calls
the event loop back once per commit. A job that fails loses only itself; a commit that fails loses the whole group,
and everything after it is refused until a probe succeeds. Nothing here ever runs on the event loop but `submit` and
`append`, which only enqueue.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, Self, TypeVar

GROUP_MAX: Final = 500  # jobs per commit: bounds the callback on the loop to a few milliseconds
QUEUE_MAX: Final = 200_000  # jobs waiting, some 100 MB of events: more means the disk is gone, not slow
BUSY_TIMEOUT_MS: Final = 1_000  # one wait for another process's lock; the writer asks again, the loop never waits
PROBE_S: Final = 1.0  # how often a broken disk is tried again

log = logging.getLogger("sprint_runner.writer")
T = TypeVar("T")


class DatabaseUnavailable(RuntimeError):
    """The database takes no writes: disk full, file gone, queue full. Says what SQLite said."""


class Entry(Protocol):
    """What the log stores of an event."""

    @property
    def type(self) -> str: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def batch_id(self) -> int | None: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def body(self) -> bytes: ...
    def stamped(self, seq: int) -> Self: ...


E = TypeVar("E", bound=Entry)


@dataclass(slots=True)
class Job(Generic[T]):
    """One thing to write and the future that waits for it. `entry` is set for events, `work` for everything else."""

    future: asyncio.Future[T]
    work: Callable[[sqlite3.Connection], T] | None = None
    entry: Any = None
    result: Any = None
    error: BaseException | None = None


class Writer:
    """The writer thread of one database. `start` before use, `close` waits for everything queued."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self.on_commit: Callable[[Sequence[Any]], None] = lambda _events: None
        self.failure: str | None = None
        self.commits = 0
        self.last_commit_s = 0.0
        self._connection = connection
        self._loop = loop
        self._queue: queue.SimpleQueue[list[Job[Any]] | None] = queue.SimpleQueue()
        self._together: list[Job[Any]] | None = None
        self._seq: int = connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0]
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)

    @property
    def waiting(self) -> int:
        """Jobs in the queue, for health and metrics."""
        return self._queue.qsize()

    @property
    def last_seq(self) -> int:
        return self._seq

    def start(self) -> None:
        self._thread.start()

    def append(self, entry: E) -> asyncio.Future[E]:
        """Enqueue an event; the future holds it with its `seq` once it is committed and delivered."""
        future: asyncio.Future[E] = self._loop.create_future()
        return self._enqueue(Job(future, entry=entry))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Enqueue a function of the connection; it runs in order with the events and commits with its group."""
        future: asyncio.Future[T] = self._loop.create_future()
        return self._enqueue(Job(future, work=work))

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Everything enqueued inside commits in one transaction; there must be no `await` inside."""
        if self._together is not None:
            yield  # already inside one
            return
        self._together = []
        try:
            yield
        finally:
            jobs, self._together = self._together, None
            if jobs:
                self._queue.put(jobs)

    def _enqueue(self, job: Job[T]) -> asyncio.Future[T]:
        if self._closing:
            raise DatabaseUnavailable("the database is closed")
        if self.failure is not None:
            raise DatabaseUnavailable(f"the database takes no writes: {self.failure}")
        if self._queue.qsize() >= QUEUE_MAX:
            raise DatabaseUnavailable(f"{QUEUE_MAX} writes are waiting for the disk")
        # A future whose error nobody awaits is still logged by `_deliver`; asyncio need not complain a second time.
        job.future.add_done_callback(_seen)
        if self._together is None:
            self._queue.put([job])
        else:
            self._together.append(job)
        return job.future

    async def close(self) -> None:
        """Write what is queued, end the thread, close the connection."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # the thread's last callback is already scheduled: let it run before the loop may end

    def _run(self) -> None:
        group: list[Job[Any]] = []
        while (first := self._next()) is not None:
            group = [*first, *self._drain(GROUP_MAX - len(first))]
            self._write(group)
        self._connection.close()

    def _next(self) -> list[Job[Any]] | None:
        """The next job; while the disk is broken, probes it meanwhile so that writing opens again by itself."""
        while True:
            try:
                return self._queue.get(timeout=PROBE_S if self.failure else None)
            except queue.Empty:
                self._probe()

    def _drain(self, most: int) -> list[Job[Any]]:
        jobs: list[Job[Any]] = []
        while len(jobs) < most:
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                self._queue.put(None)  # the end stays last
                break
            jobs.extend(unit)
        return jobs

    def _write(self, group: list[Job[Any]]) -> None:
        before = self._seq
        started = time.perf_counter()
        try:
            self._begin()
            for job in group:
                self._perform(job)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(before)
            self.failure = str(error)
            log.error("the database refused a commit of %d writes: %s", len(group), error)
            for job in group:
                job.error = DatabaseUnavailable(f"the database takes no writes: {error}")
        else:
            self.failure = None
        self.commits += 1
        self.last_commit_s = time.perf_counter() - started
        self._call_back(group)

    def _begin(self) -> None:
        """Begin, however long another process holds the lock: waiting here costs the loop nothing."""
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or self._closing:
                    raise
                log.warning("the database is locked by another process, waiting")
            else:
                return

    def _perform(self, job: Job[Any]) -> None:
        """Run one job; its own failure undoes it alone. A full disk or a broken file is the whole group's failure."""
        try:
            job.result = self._insert(job.entry) if job.work is None else self._call(job.work)
        except sqlite3.Error as error:
            if not self._connection.in_transaction or _code(error) in _FATAL:
                raise
            job.error = error
        except Exception as error:
            job.error = error

    def _insert(self, entry: Entry) -> Any:
        seq = self._seq + 1
        key = entry.payload.get("story_key")
        row = (seq, entry.type, entry.timestamp, entry.batch_id, key, entry.body.decode())
        self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
        self._seq = seq
        return entry.stamped(seq)

    def _call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Functions may run several statements, so each gets a savepoint; an event is one and needs none."""
        self._connection.execute("SAVEPOINT job")
        try:
            result = work(self._connection)
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO job")
                self._connection.execute("RELEASE job")
            raise
        self._connection.execute("RELEASE job")
        return result

    def _undo(self, seq: int) -> None:
        self._seq = seq
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _probe(self) -> None:
        """A real write, since a full disk still begins and commits empty transactions."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('probe', hex(randomblob(8192)))")
            self._connection.execute("DELETE FROM meta WHERE key = 'probe'")
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(self._seq)
            self.failure = str(error)
        else:
            self.failure = None

    def _call_back(self, group: list[Job[Any]]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, group)
        except RuntimeError:  # the loop is closed: the writes are on disk, nobody is left to hear of them
            log.warning("%d writes were committed after the loop had closed", len(group))

    def _deliver(self, group: list[Job[Any]]) -> None:
        """On the loop: subscribers first, then the futures, so that an awaited event has reached every client."""
        events = [job.result for job in group if job.entry is not None and job.error is None]
        if events:
            self.on_commit(events)
        for job in group:
            if job.future.cancelled():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                if job.entry is not None:
                    log.error("event %s was not stored: %s", job.entry.type, job.error)
                job.future.set_exception(job.error)


_FATAL: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY}


def _code(error: sqlite3.Error) -> int:
    """The primary result code (https://sqlite.org/rescode.html); the extended ones carry it in their low byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _seen(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
