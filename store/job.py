"""A job of the writer thread, and how its result reaches the future of the caller."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

log = logging.getLogger("sprint_runner.writer")
T = TypeVar("T")


class DatabaseUnavailable(RuntimeError):
    """The database takes no writes: disk full, file gone, queue full. The message contains SQLite's."""


class NotWritten(RuntimeError):
    """A write was dropped because another one of its unit failed; `__cause__` is the error of that one."""


class LogEntry(Protocol):
    """The attributes of an event that the log stores."""

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


E = TypeVar("E", bound=LogEntry)


@dataclass(slots=True)
class Job(Generic[T]):
    """A write and its future. `entry` is set for events, `work` for everything else.

    `exchange` is neither: it replaces the writer's connection between two transactions. A `deferred` one waits a moment
    for others to be committed with, and for the disk as long as needed. One that is `alone` has its own transaction.

    The thread sets `result` or `error`; `settle` passes them to the future on the loop.
    """

    future: asyncio.Future[T]
    work: Callable[[sqlite3.Connection], T] | None = None
    entry: Any = None
    exchange: Callable[[sqlite3.Connection], sqlite3.Connection] | None = None
    deferred: bool = False
    alone: bool = False
    result: Any = None
    error: BaseException | None = None


def fail(jobs: Iterable[Job[Any]], cause: BaseException) -> None:
    """Set `NotWritten` on jobs that were rolled back because one of them, or the block around them, failed."""
    for job in jobs:
        job.error = NotWritten("not written, because another write of the same unit failed")
        job.error.__cause__ = cause


def settle(job: Job[Any]) -> None:
    """Set the result or error of the future; log an error, since the future may never be awaited."""
    if job.future.cancelled():  # the caller was cancelled; the write is committed all the same
        return
    if job.error is None:
        job.future.set_result(job.result)
        return
    job.future.set_exception(job.error)
    job.future.exception()  # marks it as retrieved: asyncio would log it a second time
    if not isinstance(job.error, DatabaseUnavailable | NotWritten):  # the writer logs a failing disk once, not per job
        log.error("%s was not stored: %s", "a write" if job.entry is None else f"event {job.entry.type}", job.error)
