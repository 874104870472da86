"""SQLite: one file, one writer thread, many readers, and no statement on the event loop.

`Database` owns the connections; the queries are plain functions of a connection, one module per table in `store/`,
and public here. Write with `await database.write(create_batch, max_cycles=2)`, read with
`await database.read(get_batch, 7)`. Writes run in the order they were asked for and are durable when awaited
(WAL, synchronous=FULL).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from store.batches import (
    Batch,
    BatchSummary,
    count_batches,
    count_completed_cycles,
    create_batch,
    get_active_batch,
    get_batch,
    get_batch_before,
    get_last_batch,
    list_batches,
    summarise_batch,
    update_batch,
)
from store.checks import Check, create_check, get_checks_by_key, get_checks_of_command
from store.commands import (
    Command,
    cost_of_batch,
    cost_since,
    create_command,
    find_commands,
    get_command,
    get_commands_by_batch,
    get_commands_by_key,
    get_commands_by_story,
    get_cycle_commands,
    get_running_commands,
    update_command,
)
from store.counters import get_counters
from store.job import NotWritten
from store.lanes import (
    Lane,
    create_lane,
    end_lane,
    get_finished_lanes,
    get_lane,
    get_unfinished_lane,
    update_lane,
)
from store.ledger import Insights, Window, get_insights
from store.log import (
    BackgroundTask,
    EventFilter,
    StoredEvent,
    create_background_task,
    find_events,
    get_events,
    get_events_between,
    get_events_by_batch,
    get_events_of_types,
    get_events_since_batch,
    get_pending_background_tasks,
    oldest_event,
    prune_events,
    update_background_task,
)
from store.meta import get_meta, get_preset, keep_preset, set_meta
from store.questions import NotAsked, Question, answer_question, ask_question, get_question, get_questions
from store.rows import NoSuchRow, UnknownColumn
from store.schema import SchemaTooNew, migrate, version_to_keep
from store.stories import (
    Story,
    check_story_blocked,
    create_story,
    finish_stories,
    get_next_available_story,
    get_stories_by_batch,
    get_story,
    get_story_by_key,
    update_story,
)
from store.writer import BUSY_TIMEOUT_MS, DatabaseUnavailable, Entry, Writer

READERS: Final = 4  # threads, each with a read-only connection of its own
READER_CACHE_KIB: Final = 256  # of pages for each; SQLite's 2 MiB would hold a second time what the system has cached

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=Entry)


class Database:
    """An open database. `epoch` names this file's history; `last_seq` is the newest committed event."""

    def __init__(self, path: Path, epoch: str, writer: Writer) -> None:
        self.path = path
        self.epoch = epoch
        self.writer = writer
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open or create the file, migrate it, start the writer. Raises `SchemaTooNew`, `sqlite3.Error`."""
        connection, epoch = await asyncio.to_thread(_open, path)
        writer = Writer(connection, asyncio.get_running_loop())
        writer.start()
        return cls(path, epoch, writer)

    @property
    def last_seq(self) -> int:
        return self.writer.last_seq

    @property
    def on_commit(self) -> Callable[[Sequence[Any]], None]:
        return self.writer.on_commit

    @on_commit.setter
    def on_commit(self, callback: Callable[[Sequence[Any]], None]) -> None:
        self.writer.on_commit = callback

    def append(self, entry: E) -> asyncio.Future[E]:
        """Enqueue an event; see `Writer.append`."""
        return self.writer.append(entry)

    def atomic(self) -> AbstractContextManager[None]:
        """Everything written and emitted inside commits together; there must be no `await` inside."""
        return self.writer.atomic()

    def write(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """Enqueue `function(connection, …)`; the future holds its result once that is committed."""
        return self.writer.submit(lambda connection: function(connection, *args, **kwargs))

    async def read(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(connection, …)` on a read-only connection in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, self._read, lambda connection: function(connection, *args, **kwargs)
        )

    async def close(self) -> None:
        """Write what is queued, then close every connection."""
        await self.writer.close()
        await asyncio.to_thread(self._pool.shutdown)
        for connection in self._readers:
            connection.close()

    def _read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
            self._local.connection = connection
            self._readers.append(connection)
        return function(connection)


def _open(path: Path) -> tuple[sqlite3.Connection, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    _keep_private(path)
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if (old := version_to_keep(connection)) is not None:
        _copy(connection, path.with_name(f"{path.name}.schema-{old}"))
    migrate(connection)
    epoch: str = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
    return connection, epoch


def _keep_private(path: Path) -> None:
    """For its owner alone, whatever the folder's mode; the files that SQLite puts beside it take this one's."""
    with suppress(OSError):  # what cannot be opened or changed, SQLite says in its own words
        path.touch(0o600)
        path.chmod(0o600)


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """What a database was before it is changed for good: a whole copy or none."""
    half = target.with_name(f"{target.name}.half")
    half.unlink(missing_ok=True)
    copy = sqlite3.connect(half)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    half.chmod(0o600)
    half.replace(target)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


__all__ = [
    "BackgroundTask",
    "Batch",
    "BatchSummary",
    "Check",
    "Command",
    "Database",
    "DatabaseUnavailable",
    "EventFilter",
    "Insights",
    "Lane",
    "NoSuchRow",
    "NotAsked",
    "NotWritten",
    "Question",
    "SchemaTooNew",
    "StoredEvent",
    "Story",
    "UnknownColumn",
    "Window",
    "answer_question",
    "ask_question",
    "check_story_blocked",
    "cost_of_batch",
    "cost_since",
    "count_batches",
    "count_completed_cycles",
    "create_background_task",
    "create_batch",
    "create_check",
    "create_command",
    "create_lane",
    "create_story",
    "end_lane",
    "find_commands",
    "find_events",
    "finish_stories",
    "get_active_batch",
    "get_batch",
    "get_batch_before",
    "get_checks_by_key",
    "get_checks_of_command",
    "get_command",
    "get_commands_by_batch",
    "get_commands_by_key",
    "get_commands_by_story",
    "get_counters",
    "get_cycle_commands",
    "get_events",
    "get_events_between",
    "get_events_by_batch",
    "get_events_of_types",
    "get_events_since_batch",
    "get_finished_lanes",
    "get_insights",
    "get_lane",
    "get_last_batch",
    "get_meta",
    "get_next_available_story",
    "get_pending_background_tasks",
    "get_preset",
    "get_question",
    "get_questions",
    "get_running_commands",
    "get_stories_by_batch",
    "get_story",
    "get_story_by_key",
    "get_unfinished_lane",
    "keep_preset",
    "list_batches",
    "oldest_event",
    "prune_events",
    "set_meta",
    "summarise_batch",
    "update_background_task",
    "update_batch",
    "update_command",
    "update_lane",
    "update_story",
]
