"""The one thread that writes.

It owns the only writing connection. It takes all that is queued, runs it in one transaction (group commit) and calls
the event loop back once per commit. What is refused loses only itself, or the unit that it was to be committed with;
a commit that fails loses the whole group, and everything after it is refused until a probe succeeds. Only `append`,
`submit` and `_deliver` run on the event loop, and none of them waits.
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
from itertools import groupby
from typing import Any, Final, TypeVar

from store.job import DatabaseUnavailable, E, Entry, Job, NotWritten, fail, settle

GROUP_MAX: Final = 500  # jobs per commit: bounds the callback on the loop to a few milliseconds
ROWS_MAX: Final = 64  # events of one statement; SQLite works on it without Python's lock, so the loop goes on
ROW: Final = "(?, ?, ?, ?, ?, ?)"
QUEUE_MAX: Final = 200_000  # jobs waiting, some 100 MB of events: more means the disk is gone, not slow
BUSY_TIMEOUT_MS: Final = 1_000  # one wait for another process's lock; the writer asks again, the loop never waits
PROBE_S: Final = 1.0  # how often a broken disk is tried again

log = logging.getLogger("sprint_runner.writer")
T = TypeVar("T")


class Writer:
    """The writer thread of one database. `start` before use, `close` waits for everything queued.

    `failure` says why no write goes through at the moment, None while they do.
    """

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self.on_commit: Callable[[Sequence[Any]], None] = lambda _events: None
        self.commits = 0
        self.commit_s = 0.0  # spent in commits
        self._broken: str | None = None  # writes are refused
        self._locked = False  # writes wait
        self._connection = connection
        self._loop = loop
        self._queue: queue.SimpleQueue[list[Job[Any]] | None] = queue.SimpleQueue()
        self._together: list[Job[Any]] | None = None
        self._next_unit: list[Job[Any]] | None = None  # taken from the queue, and not of the group before it
        self._seq: int = connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0]
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)

    @property
    def failure(self) -> str | None:
        return self._broken or ("another process has locked the database" if self._locked else None)

    @property
    def waiting(self) -> int:
        """Units in the queue, for health and metrics."""
        return self._queue.qsize()

    @property
    def last_seq(self) -> int:
        return self._seq

    def start(self) -> None:
        self._thread.start()

    # -- on the loop -------------------------------------------------------------------------------------------

    def append(self, entry: E) -> asyncio.Future[E]:
        """Enqueue an event; the future holds it with its `seq` once it is committed and delivered."""
        return self._enqueue(Job(self._loop.create_future(), entry=entry))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Enqueue a function of the connection; it runs in order with the events and commits with its group."""
        return self._enqueue(Job(self._loop.create_future(), work=work))

    def exchange(self, change: Callable[[sqlite3.Connection], sqlite3.Connection]) -> asyncio.Future[None]:
        """Enqueue a change of the connection: `change` gets the old one and returns that of all further writes.

        What was enqueued before is written to the old one. When `change` raises, the old one stays in use.
        """
        if self._closing:
            raise DatabaseUnavailable("the database is closed")
        job: Job[None] = Job(self._loop.create_future(), exchange=change)
        self._queue.put([job])
        return job.future

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Everything enqueued inside is one unit: all of it is committed, or none. There must be no `await` inside.

        When the block raises, nothing of it is written; when one write fails, the futures of the others raise
        `NotWritten`. A block inside another belongs to that one's unit.
        """
        outer, unit = self._together, self._together if self._together is not None else []
        mark, self._together = len(unit), unit
        try:
            yield
        except BaseException as error:
            fail(unit[mark:], error)
            for job in unit[mark:]:
                settle(job)
            del unit[mark:]
            raise
        finally:
            self._together = outer
        if outer is None and unit:
            self._queue.put(unit)

    def _enqueue(self, job: Job[T]) -> asyncio.Future[T]:
        if self._closing:
            raise DatabaseUnavailable("the database is closed")
        if self._broken is not None:
            raise DatabaseUnavailable(f"the database takes no writes: {self._broken}")
        if self._queue.qsize() >= QUEUE_MAX:
            raise DatabaseUnavailable(f"{QUEUE_MAX} writes are waiting for the disk")
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

    def _deliver(self, units: list[list[Job[Any]]]) -> None:
        """Subscribers first, then the futures, so that an awaited event has reached every client."""
        jobs = [job for unit in units for job in unit]
        events = [job.result for job in jobs if job.entry is not None and job.error is None]
        try:
            if events:
                self.on_commit(events)
        except Exception:  # a fault of a subscriber; the events are committed, and whoever awaits them must go on
            log.exception("events %d to %d could not be delivered", events[0].seq, events[-1].seq)
        for job in jobs:
            settle(job)

    # -- in the thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (first := self._next()) is not None:
            if first[0].exchange is not None:
                self._exchange(first[0], first[0].exchange)
            else:
                self._write([first, *self._drain(GROUP_MAX - len(first))])
        self._connection.close()

    def _exchange(self, job: Job[Any], change: Callable[[sqlite3.Connection], sqlite3.Connection]) -> None:
        try:
            self._connection = change(self._connection)
        except Exception as error:  # whatever it was: the one who asked is told, and the thread must live
            job.error = error
        else:
            self._judge(None)
        self._call_back([[job]])

    def _next(self) -> list[Job[Any]] | None:
        """The next unit; while the disk is broken, probes it meanwhile so that writing opens again by itself."""
        if self._next_unit is not None:
            unit, self._next_unit = self._next_unit, None
            return unit
        while True:
            try:
                return self._queue.get(timeout=PROBE_S if self._broken else None)
            except queue.Empty:
                self._probe()

    def _drain(self, most: int) -> list[list[Job[Any]]]:
        """What else is queued, up to so many jobs or a unit more."""
        units: list[list[Job[Any]]] = []
        while most > 0 and not self._queue.empty():  # nobody else takes from it
            unit = self._queue.get_nowait()
            if unit is None:
                self._queue.put(None)  # the end stays last
                break
            if unit[0].exchange is not None:
                self._next_unit = unit
                break
            units.append(unit)
            most -= len(unit)
        return units

    def _write(self, units: list[list[Job[Any]]]) -> None:
        before, started = self._seq, time.perf_counter()
        try:
            self._begin()
            self._perform_all(units)
            self._connection.execute("COMMIT")
        except Exception as error:  # whatever it was: nothing is committed, and the thread must live
            self._undo(before)
            self._judge(error)
            for unit in units:
                for job in unit:
                    job.error = DatabaseUnavailable(f"the database takes no writes: {error}")
        else:
            self._judge(None)
        self.commits += 1
        self.commit_s += time.perf_counter() - started
        self._call_back(units)

    def _begin(self) -> None:
        """Begin, however long another process holds the lock: waiting here costs the loop nothing."""
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or self._closing:
                    raise
                if not self._locked:
                    log.warning("the database is locked by another process, waiting")
                self._locked = True
            else:
                self._locked = False
                return

    def _perform_all(self, units: list[list[Job[Any]]]) -> None:
        """In order; events that stand side by side and alone go in one statement, everything else unit by unit."""
        for alone, run in groupby(units, lambda unit: len(unit) == 1 and unit[0].work is None):
            if alone:
                jobs = [unit[0] for unit in run]
                for first in range(0, len(jobs), ROWS_MAX):
                    self._perform_events(jobs[first : first + ROWS_MAX])
            else:
                for unit in run:
                    self._perform(unit)

    def _perform_events(self, jobs: list[Job[Any]]) -> None:
        """SQLite takes or refuses a statement as a whole: when it refuses, each event has its own."""
        try:
            self._insert(jobs)
        except Exception as error:
            if self._fatal(error):
                raise
            if len(jobs) == 1:
                jobs[0].error = error
                return
            for job in jobs:
                self._perform_events([job])

    def _perform(self, unit: list[Job[Any]]) -> None:
        """Run one unit; its own failure undoes it alone. A full disk or a broken file is the whole group's failure."""
        job, before = unit[0], self._seq
        self._connection.execute("SAVEPOINT unit")
        try:
            for job in unit:
                if job.work is None:
                    self._insert([job])
                else:
                    job.result = job.work(self._connection)
        except Exception as error:
            if self._fatal(error):
                raise
            self._connection.execute("ROLLBACK TO unit")
            self._seq = before
            fail(unit, error)
            job.error = error
        self._connection.execute("RELEASE unit")

    def _insert(self, jobs: list[Job[Any]]) -> None:
        values: list[Any] = []
        for seq, job in enumerate(jobs, start=self._seq + 1):
            entry: Entry = job.entry
            key = entry.payload.get("story_key")
            values += (seq, entry.type, entry.timestamp, entry.batch_id, key, entry.body.decode())
            job.result = entry.stamped(seq)
        self._connection.execute(f"INSERT INTO events VALUES {', '.join([ROW] * len(jobs))}", values)  # noqa: S608
        self._seq += len(jobs)

    def _fatal(self, error: Exception) -> bool:
        """Whether no transaction is left to go on with, or none can be committed."""
        return not self._connection.in_transaction or (isinstance(error, sqlite3.Error) and _code(error) in _FATAL)

    def _undo(self, seq: int) -> None:
        self._seq = seq
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:  # the next BEGIN fails and brings us here again
                log.error("the database refused a rollback: %s", error)

    def _probe(self) -> None:
        """A real write, since a full disk still begins and commits empty transactions."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('probe', hex(randomblob(8192)))")
            self._connection.execute("DELETE FROM meta WHERE key = 'probe'")
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(self._seq)
            self._judge(error)
        else:
            self._judge(None)

    def _judge(self, error: Exception | None) -> None:
        """Refuse writes from now on, or take them again; said once, not at every try."""
        if error is not None and self._broken is None:
            log.error("the database takes no writes: %s", error)
        elif error is None and self._broken is not None:
            log.warning("the database takes writes again")
        self._locked = False
        self._broken = None if error is None else str(error) or repr(error)

    def _call_back(self, units: list[list[Job[Any]]]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, units)
        except RuntimeError:  # the loop is closed: the writes are on disk, nobody is left to hear of them
            log.warning("%d writes were committed after the loop had closed", sum(map(len, units)))


_FATAL: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY}


def _code(error: sqlite3.Error) -> int:
    """The primary result code (https://sqlite.org/rescode.html); the extended ones carry it in their low byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


__all__ = ["BUSY_TIMEOUT_MS", "DatabaseUnavailable", "Entry", "NotWritten", "Writer"]
