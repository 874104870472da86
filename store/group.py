"""A group of jobs in one transaction: events and other writes in order, each unit rolled back separately.

Promises: a unit that fails is rolled back without the others, and its events use up no `seq`; an error after which the
transaction cannot be committed, such as a full disk, is raised and fails the whole group.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final

from store.job import Job, LogEntry, fail

ROWS_MAX: Final = 64  # events per statement; SQLite runs it without the GIL, so the loop continues meanwhile
ROW: Final = "(?, ?, ?, ?, ?, ?)"
FATAL: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY}

BeforeWrite = Callable[[Sequence[Any]], Sequence[Any]]


class Group:
    """The jobs of one transaction, which the writer begins and commits. `seq` is that of the last event written."""

    def __init__(self, connection: sqlite3.Connection, seq: int, before_write: BeforeWrite) -> None:
        self.seq = seq
        self._connection = connection
        self._before_write = before_write

    def perform(self, units: list[list[Job[Any]]]) -> None:
        """Run the units in order; consecutive single events share one statement, everything else runs unit by unit."""
        for alone, run in groupby(units, lambda unit: len(unit) == 1 and unit[0].work is None):
            if alone:
                jobs = [unit[0] for unit in run]
                for first in range(0, len(jobs), ROWS_MAX):
                    self._perform_events(jobs[first : first + ROWS_MAX])
            else:
                for unit in run:
                    self._perform_unit(unit)

    def _perform_events(self, jobs: list[Job[Any]]) -> None:
        """Insert events in one statement; when SQLite rejects it, insert each event alone to find the one at fault."""
        try:
            self._insert(jobs)
        except Exception as error:
            if self._is_fatal(error):
                raise
            if len(jobs) == 1:
                jobs[0].error = error
                return
            for job in jobs:
                self._perform_events([job])

    def _perform_unit(self, unit: list[Job[Any]]) -> None:
        """Run one unit and roll it back alone when it fails."""
        job, before = unit[0], self.seq
        self._connection.execute("SAVEPOINT unit")
        try:
            for job in unit:
                if job.work is None:
                    self._insert([job])
                else:
                    job.result = job.work(self._connection)
        except Exception as error:
            if self._is_fatal(error):
                raise
            self._connection.execute("ROLLBACK TO unit")
            self.seq = before
            fail(unit, error)
            job.error = error
        # Also after ROLLBACK TO, which undoes the changes but leaves the savepoint open.
        self._connection.execute("RELEASE unit")

    def _insert(self, jobs: list[Job[Any]]) -> None:
        values: list[Any] = []
        entries: Sequence[LogEntry] = self._before_write([job.entry for job in jobs])
        for seq, (job, entry) in enumerate(zip(jobs, entries, strict=True), start=self.seq + 1):
            key = entry.payload.get("story_key")
            values += (seq, entry.type, entry.timestamp, entry.batch_id, key, entry.body.decode())
            job.result = entry.stamped(seq)
        self._connection.execute(f"INSERT INTO events VALUES {', '.join([ROW] * len(jobs))}", values)  # noqa: S608
        self.seq += len(jobs)

    def _is_fatal(self, error: Exception) -> bool:
        """Whether the transaction is gone or cannot be committed."""
        return not self._connection.in_transaction or (isinstance(error, sqlite3.Error) and result_code(error) in FATAL)


def result_code(error: sqlite3.Error) -> int:
    """Return the primary result code (https://sqlite.org/rescode.html), the low byte of an extended one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
