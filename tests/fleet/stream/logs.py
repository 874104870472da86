"""A database with events, its outbox, and what the stream has of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import events
from base.tasks import end_tasks
from db import Database
from events import emit, envelope
from fleet.stream.broker import Broker, BrokerProblem
from fleet.stream.follow import Delivered, follow
from fleet.stream.outbox import Outbox
from payloads import Error
from store.log import get_events_between

NAME = "box"


class Log:
    """The events of a database that are published to a broker at `address` by their outbox."""

    def __init__(self, database: Database, address: str) -> None:
        self.database = database
        self.problems: list[str | None] = []
        self.outbox = Outbox(database, NAME, self._note)
        self._address = address

    def _note(self, problem: str | None) -> None:
        if (self.problems or [None])[-1] != problem:
            self.problems.append(problem)

    async def commit(self, count: int, message: str = "x" * 200) -> None:
        await asyncio.gather(*[emit(Error(type="test", message=f"{number} {message}")) for number in range(count)])

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Publish until the end of the block, connecting again and again."""
        task = asyncio.create_task(self._publish())
        try:
            yield
        finally:
            await end_tasks(task)

    async def _publish(self) -> None:
        while True:
            try:
                broker = await Broker.connect(self._address, "runner", None, "outbox")
                try:
                    await self.outbox.publish(broker)
                finally:
                    await broker.close()
            except BrokerProblem as problem:
                self._note(str(problem))
                await asyncio.sleep(0.05)

    async def until_published(self) -> None:
        async with asyncio.timeout(60):
            while self.outbox.seq < self.database.last_seq:
                await asyncio.sleep(0.01)

    async def stored(self) -> list[bytes]:
        rows = await self.database.read(get_events_between, 1, self.database.last_seq)
        return [envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id) for row in rows]


@asynccontextmanager
async def log_of(folder: Path, address: str) -> AsyncIterator[Log]:
    database = await Database.open(folder / "log.db")
    log = Log(database, address)
    events.start(database, log.outbox.take)
    try:
        yield log
    finally:
        events.stop()
        await database.close()


async def published(address: str, epoch: str, last: int) -> list[bytes]:
    """Return the events that the stream has, from the first to `last`; a gap or a second one fails."""
    broker = await Broker.connect(address, "page", None, "check")
    found: list[Delivered] = []

    async def nobody(since: int, count: int) -> list[bytes]:
        raise AssertionError(f"{count} events after {since} are missing")

    try:
        async with asyncio.timeout(30), aclosing(follow(broker, NAME, epoch, 0, nobody)) as delivered:
            async for event in delivered:
                found.append(event)
                if event.seq >= last:
                    break
        newest = await broker.last(f"fleet-events-{NAME}", f"fleet.events.{NAME}.{epoch}")
        assert newest is not None
        assert newest.seq == last, "the stream has messages beside the events"
    finally:
        await broker.close()
    return [event.data for event in found]
