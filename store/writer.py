"""The writer thread, the only one that writes to the database.

It owns the only writing connection. It runs all queued jobs in one transaction (group commit) and calls the event loop
back once per commit. A job that fails is rolled back alone or with its unit; a commit that fails loses the whole group,
and later writes are rejected until a probe succeeds. Only `append`, `submit` and `_deliver` run on the event loop, and
none of them blocks.
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
from typing import Any, Final, TypeVar

from store.group import BeforeWrite, Group, result_code
from store.job import DatabaseUnavailable, E, Job, LogEntry, NotWritten, fail, settle

GROUP_MAX: Final = 500  # jobs per commit: bounds the callback on the loop to a few milliseconds
QUEUE_MAX: Final = 200_000  # queued jobs, about 100 MB of events: more means that the disk is gone, not slow
BUSY_TIMEOUT_MS: Final = 1_000  # one wait for another process's lock; the writer retries, the loop never waits
DEFERRED_S: Final = 0.02  # that deferred writes wait for another one: less than a page would show
PROBE_S: Final = 1.0  # seconds between two probes of a broken disk

log = logging.getLogger("sprint_runner.writer")
T = TypeVar("T")


class Writer:
    """The writer thread of one database. Call `start` before use; `close` waits for everything queued.

    `failure` is the reason why writes fail or wait at the moment, None while they succeed.
    """

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self.before_write: BeforeWrite = lambda events: events  # in the thread
        self.on_commit: Callable[[Sequence[Any]], None] = lambda _events: None
        self.commits = 0
        self.commit_s = 0.0  # spent in commits
        self._broken: str | None = None  # writes are refused
        self._locked = False  # writes wait
        self._connection = connection
        self._loop = loop
        self._queue: queue.SimpleQueue[list[Job[Any]] | None] = queue.SimpleQueue()
        self._together: list[Job[Any]] | None = None
        self._deferred = False  # what is enqueued now
        self._kept: list[list[Job[Any]]] = []  # deferred units that the disk has refused: first in the next group
        self._next_unit: list[Job[Any]] | None = None  # taken from the queue, and not of the group before it
        self._seq: int = connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0]
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)

    @property
    def failure(self) -> str | None:
        return self._broken or ("another process has locked the database" if self._locked else None)

    @property
    def waiting(self) -> int:
        """The number of queued units, for health and metrics."""
        return self._queue.qsize()

    @property
    def last_seq(self) -> int:
        return self._seq

    def start(self) -> None:
        self._thread.start()

    # -- on the loop -------------------------------------------------------------------------------------------

    def append(self, entry: E) -> asyncio.Future[E]:
        """Enqueue an event; the future resolves to it, with its `seq`, after it was committed and delivered."""
        return self._enqueue(Job(self._loop.create_future(), entry=entry))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Enqueue a function of the connection; it runs in order with the events and commits with its group."""
        return self._enqueue(Job(self._loop.create_future(), work=work))

    def submit_alone(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Enqueue a function that gets a transaction of its own: neither its time nor its failure is that of others."""
        return self._enqueue(Job(self._loop.create_future(), work=work, alone=True))

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
    def atomic(self, *, deferred: bool = False) -> Iterator[None]:
        """Make everything enqueued inside one unit: all of it is committed, or none. Do not `await` inside.

        When the block raises, nothing of it is written; when one write fails, the futures of the others raise
        `NotWritten`. A nested block belongs to the unit of the outer one.

        A `deferred` unit need not be awaited: it is committed together with the next write, or alone after a moment,
        and never after what is enqueued later; when the disk refuses it, it is written first when that accepts writes.
        """
        outer, unit = self._together, self._together if self._together is not None else []
        mark, self._together = len(unit), unit
        if outer is None:
            self._deferred = deferred
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
            self._deferred = self._deferred and outer is not None
        if outer is None and unit:
            self._queue.put(unit)

    def _enqueue(self, job: Job[T]) -> asyncio.Future[T]:
        if self._closing:
            raise DatabaseUnavailable("the database is closed")
        if self._broken is not None:
            raise DatabaseUnavailable(f"the database takes no writes: {self._broken}")
        if self._queue.qsize() >= QUEUE_MAX:
            raise DatabaseUnavailable(f"{QUEUE_MAX} writes are waiting for the disk")
        job.deferred = self._deferred
        if self._together is None:
            self._queue.put([job])
        else:
            self._together.append(job)
        return job.future

    async def close(self) -> None:
        """Write what is queued, then end the thread and close the connection."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # the thread's last callback is already scheduled: let it run before the loop may end

    def _deliver(self, units: list[list[Job[Any]]]) -> None:
        """Call the subscribers, then settle the futures, so that an awaited event has reached every client."""
        jobs = [job for unit in units for job in unit]
        events = [job.result for job in jobs if job.entry is not None and job.error is None]
        try:
            if events:
                self.on_commit(events)
        except Exception:  # a fault of a subscriber: the events are committed, and their emitters must continue
            log.exception("events %d to %d could not be delivered", events[0].seq, events[-1].seq)
        for job in jobs:
            settle(job)

    # -- in the thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (first := self._next()) is not None:
            if first[0].exchange is not None:
                self._exchange(first[0], first[0].exchange)
            else:
                self._write(self._group(first))
        if self._kept:  # the last attempt: nothing waits for it any more
            self._write([])
            self._call_back(self._refused(self._kept, "it was closed before the disk accepted writes"))
        self._connection.close()

    def _exchange(self, job: Job[Any], change: Callable[[sqlite3.Connection], sqlite3.Connection]) -> None:
        try:
            self._connection = change(self._connection)
        except Exception as error:  # of any kind: the caller gets it, and the thread must continue
            job.error = error
        else:
            self._set_failure(None)
        self._call_back([[job]])

    def _next(self) -> list[Job[Any]] | None:
        """Return the next unit, None at the end. Probe a broken disk meanwhile, so that writes resume by themselves."""
        if self._next_unit is not None:
            unit, self._next_unit = self._next_unit, None
            return unit
        while True:
            try:
                return self._queue.get(timeout=PROBE_S if self._broken else None)
            except queue.Empty:
                self._probe()
                if self._kept and not self._broken:
                    self._write([])

    def _group(self, first: list[Job[Any]]) -> list[list[Job[Any]]]:
        """Return the units of the next commit: what is queued, at most `GROUP_MAX` jobs, or more by one unit.

        While all of them are deferred, wait a moment for one that is not.
        """
        units, size, until = [first], len(first), time.monotonic() + (DEFERRED_S if first[0].deferred else 0.0)
        while size < GROUP_MAX and not first[0].alone:
            try:
                rest = until - time.monotonic()
                unit = self._queue.get(timeout=rest) if rest > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                self._queue.put(None)  # ends the thread after this group
                break
            if unit[0].exchange is not None or unit[0].alone:
                self._next_unit = unit
                break
            units.append(unit)
            size += len(unit)
            until = until if unit[0].deferred else 0.0
        return units

    def _write(self, units: list[list[Job[Any]]]) -> None:
        """Run one transaction over all units and schedule their callback on the loop."""
        units, self._kept = [*self._kept, *units], []
        started = time.perf_counter()
        group = Group(self._connection, self._seq, self.before_write)
        try:
            self._begin()
            group.perform(units)
            self._connection.execute("COMMIT")
        except Exception as error:  # of any kind: nothing is committed, and the thread must continue
            self._undo()
            self._set_failure(error)
            self._kept = [unit for unit in units if unit[0].deferred]
            units = self._refused([unit for unit in units if not unit[0].deferred], str(error))
        else:
            self._seq = group.seq  # not before the commit: the loop reads it
            self._set_failure(None)
        self.commits += 1
        self.commit_s += time.perf_counter() - started
        self._call_back(units)

    def _refused(self, units: list[list[Job[Any]]], why: str) -> list[list[Job[Any]]]:
        for unit in units:
            for job in unit:
                job.error = DatabaseUnavailable(f"the database takes no writes: {why}")
        return units

    def _begin(self) -> None:
        """Begin a transaction, waiting for another process's lock as long as needed: this does not block the loop."""
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if result_code(error) != sqlite3.SQLITE_BUSY or self._closing:
                    raise
                if not self._locked:
                    log.warning("the database is locked by another process, waiting")
                self._locked = True
            else:
                self._locked = False
                return

    def _undo(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:  # the next BEGIN fails and brings us here again
                log.error("the database refused a rollback: %s", error)

    def _probe(self) -> None:
        """Try a real write: on a full disk an empty transaction still succeeds."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('probe', hex(randomblob(8192)))")
            self._connection.execute("DELETE FROM meta WHERE key = 'probe'")
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            self._set_failure(error)
        else:
            self._set_failure(None)

    def _set_failure(self, error: Exception | None) -> None:
        """Reject writes from now on, or accept them again; only the change is logged, not every attempt."""
        if error is not None and self._broken is None:
            log.error("the database takes no writes: %s", error)
        elif error is None and self._broken is not None:
            log.warning("the database takes writes again")
        self._locked = False
        self._broken = None if error is None else str(error) or repr(error)

    def _call_back(self, units: list[list[Job[Any]]]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, units)
        except RuntimeError:  # the loop is closed: the writes are on disk, but no future can be settled
            log.warning("%d writes were committed after the loop had closed", sum(map(len, units)))


__all__ = ["BUSY_TIMEOUT_MS", "DatabaseUnavailable", "LogEntry", "NotWritten", "Writer"]
