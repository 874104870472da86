"""What the writer thread is given to do, and how its answer reaches the one who asked."""

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
    """The database takes no writes: disk full, file gone, queue full. Says what SQLite said."""


class NotWritten(RuntimeError):
    """A write that was to be committed together with others, one of which failed. Its cause is that one's error."""


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
    """One thing to write and the future that waits for it. `entry` is set for events, `work` for everything else.

    `exchange` is neither: it replaces the writer's connection between two transactions.

    `result` and `error` are the thread's answer, which `settle` gives to the future on the loop.
    """

    future: asyncio.Future[T]
    work: Callable[[sqlite3.Connection], T] | None = None
    entry: Any = None
    exchange: Callable[[sqlite3.Connection], sqlite3.Connection] | None = None
    result: Any = None
    error: BaseException | None = None


def fail(jobs: Iterable[Job[Any]], cause: BaseException) -> None:
    """Nothing of these was written, because of one of them or of the block that asked for them."""
    for job in jobs:
        job.error = NotWritten("not written, because what was to be committed with it failed")
        job.error.__cause__ = cause


def settle(job: Job[Any]) -> None:
    """Give the future its result or error. An error that nobody awaits is in the log, if it is not that of the disk."""
    if job.future.cancelled():
        return
    if job.error is None:
        job.future.set_result(job.result)
        return
    job.future.set_exception(job.error)
    job.future.exception()  # seen: asyncio need not complain a second time
    if not isinstance(job.error, DatabaseUnavailable | NotWritten):
        log.error("%s was not stored: %s", "a write" if job.entry is None else f"event {job.entry.type}", job.error)
