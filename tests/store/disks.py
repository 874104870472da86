"""Disks in trouble: locked, full, and a watch on the loop meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from db import Database
from events import Event
from store.log import get_events
from store.writer import DatabaseUnavailable
from tests.lines import event

LARGER_THAN_A_PAGE: Final = "x" * 10_000  # of 4096 bytes: it needs room that was not there before


def draft(message: str = "Writing tests") -> Event:
    return event(0, message)


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process's lock, as SQLite sees it: a connection of its own in a write transaction."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


@contextmanager
def full(database: Database) -> Iterator[None]:
    """A full disk: the file may not grow any more. Set from the writer's own thread, as the limit is a connection's."""
    connection = database.writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


async def tried(database: Database, message: str) -> Event | DatabaseUnavailable:
    """The stored event, or why it was refused: at once while the disk is known to be full, else by its commit."""
    try:
        return await database.append(draft(message))
    except DatabaseUnavailable as error:
        return error


async def probes(database: Database, count: int) -> None:
    """Wait until the writer has tried the disk so many times more."""
    writer, probe = database.writer, database.writer._probe
    seen = 0

    def counted() -> None:
        nonlocal seen
        probe()
        seen += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_probe", counted)
        async with asyncio.timeout(30):
            while seen < count:
                await asyncio.sleep(0.005)


async def open_again(database: Database) -> None:
    async with asyncio.timeout(30):
        while database.writer.failure is not None:
            await asyncio.sleep(0.005)


async def stored(database: Database) -> list[int]:
    return [row.seq for row in await database.read(get_events, 1_000_000)]


class Metronome:
    """How late the loop was at worst, in seconds, while it watched."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def __aenter__(self) -> Metronome:
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(0.005)
            self.worst = max(self.worst, time.perf_counter() - asked - 0.005)
