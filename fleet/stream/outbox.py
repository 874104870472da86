"""The outbox: committed events on their way to the stream of their runner, each once and in order.

The table of events is the outbox itself. What counts for where to continue is the newest message of the stream; the
row of the cursor counts where the stream has none. Promises: an event is stored after its predecessor or not at all,
whatever is killed in between; events that no longer agree with the stream are not published.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec

from db import Database
from events import Event, envelope
from fleet.stream.broker import Broker, BrokerProblem, Message, StreamFull, WrongSequence
from fleet.stream.names import (
    EXPECTED_HEADER,
    ID_HEADER,
    LARGE_HEADER,
    VERSION,
    VERSION_HEADER,
    events_stream,
    events_subject,
)
from store.fleet import first_of_newest_batch, published_seq, set_published_seq
from store.log import EventFilter, StoredEvent, find_events, get_events_between
from store.writer import DatabaseUnavailable

AT_ONCE: Final = 500  # messages that wait for their answers together
AT_ONCE_BYTES: Final = 2 << 20
MESSAGE_MAX: Final = 900_000  # bytes; readers ask the runner for a larger event
FRESH_MAX: Final = 2000  # newest events that are kept in memory; older ones are read again
GATHER_S: Final = 0.05  # between two groups, unless many wait: most of a group's cost is that of the system calls
CURSOR_S: Final = 1.0  # between two writes of the cursor
FULL_S: Final = 5.0  # between two tries at a full stream
LOOKS_MAX: Final = 3  # looks at the stream without progress, until someone else is taken to write to it

log = logging.getLogger("sprint_runner.fleet")


class Diverged(BrokerProblem):
    """The stream has other events under this runner's name than its database."""


class Outbound(msgspec.Struct, frozen=True):
    """An event to publish: its envelope as it goes over every wire."""

    seq: int
    data: bytes


class Outbox:
    """The events of one database, on their way to the stream of the runner `name`. `take` is a subscriber of commits.

    `on_problem` is called with what keeps events from being stored, and with None when that is over.
    """

    def __init__(self, database: Database, name: str, on_problem: Callable[[str | None], None]) -> None:
        self.seq = 0  # of the newest event that the stream has, once it was asked
        self._database = database
        self._stream = events_stream(name)
        self._subject = events_subject(name, database.epoch)
        self._on_problem = on_problem
        self._fresh: deque[Outbound] = deque(maxlen=FRESH_MAX)
        self._woken = asyncio.Event()
        self._noted, self._noted_at = 0, 0.0

    async def first_unpublished(self) -> int | None:
        """Return the first event that is still to be published, as the database knows it; None for none."""
        after = self.seq or await self._begin()
        return after + 1 if after < self._database.last_seq else None

    def take(self, events: Sequence[Event]) -> None:
        self._fresh.extend(Outbound(event.seq, event.data) for event in events)
        self._woken.set()

    async def publish(self, broker: Broker) -> None:
        """Publish for ever. Raises `BrokerProblem`, after which the next call begins from what the stream has."""
        await broker.ensure(self._stream, self._subject)
        looks = 0
        while True:
            place = await self._find(broker)
            try:
                async for sent in self._steps(broker, place):
                    self.seq, looks = sent, 0
                    self._on_problem(None)
            except WrongSequence:  # late messages of an earlier connection, or of another process
                looks += 1
                if looks >= LOOKS_MAX:
                    raise Diverged(
                        f"someone else writes to {self._subject}: give this runner another fleet_name"
                    ) from None
            except StreamFull as full:
                self._on_problem(f"{full}; events wait in the database of this runner")
                await asyncio.sleep(FULL_S)

    async def _steps(self, broker: Broker, place: int) -> AsyncIterator[int]:
        """Publish what there is and what comes; yield the seq after each group. `place` is the newest message's."""
        seq = self.seq
        while True:
            self._woken.clear()
            group = await self._after(seq)
            if not group:
                await self._rest()
                continue
            place = await self._store(broker, group, place)
            seq = group[-1].seq
            yield seq
            await self._note()
            if seq == self._database.last_seq:  # the first event goes at once, those that follow closely go together
                await asyncio.sleep(GATHER_S)

    async def _find(self, broker: Broker) -> int:
        """Take over from the stream how far events are published; return the place of the newest message, 0: none."""
        newest = await broker.last(self._stream.name, self._subject)
        if newest is None:
            self.seq = await self._begin()
            return 0
        seq = int(newest.headers.get(ID_HEADER, "").rpartition(":")[2] or 0)
        await self._compare(seq, newest)
        self.seq = self._noted = seq
        return newest.seq

    async def _begin(self) -> int:
        """Return after which event a stream without any of this database begins: the cursor, or the newest batch."""
        known = await self._database.read(published_seq, self._subject)
        if known is not None:
            return known
        first = await self._database.read(first_of_newest_batch)
        return 0 if first is None else first - 1

    async def _compare(self, seq: int, newest: Message) -> None:
        """Raise `Diverged` unless the newest message of the stream is an event of this database."""
        rows = await self._database.read(get_events_between, seq, seq)
        large = LARGE_HEADER in newest.headers
        pruned = not rows and seq <= self._database.last_seq
        if pruned or (rows and (large or _envelope(rows[0]) == newest.data)):
            return
        raise Diverged(
            f"the stream of this runner has other events than its database, which was put back or copied "
            f"(event {seq}): give this runner another fleet_name"
        )

    async def _after(self, seq: int) -> list[Outbound]:
        """Return the next events, from memory or else from the log; a pruned one is left out."""
        fresh = self._fresh
        while fresh and fresh[0].seq <= seq:
            fresh.popleft()
        if fresh and fresh[0].seq == seq + 1:
            return _bounded([fresh[index] for index in range(min(len(fresh), AT_ONCE))])
        if self._database.last_seq <= seq:
            return []
        rows = await self._database.read(find_events, EventFilter(since=seq), AT_ONCE)
        return _bounded([Outbound(row.seq, _envelope(row)) for row in rows])

    async def _store(self, broker: Broker, group: Sequence[Outbound], place: int) -> int:
        """Store a group and return the place of its last message."""
        if place == 0 and len(group) > 1:  # the places of a stream that others of this name have used are not known
            place, group = await self._store(broker, group[:1], 0), group[1:]
        futures = []
        for index, event in enumerate(group):
            headers = {
                ID_HEADER: f"{self._database.epoch}:{event.seq}",
                EXPECTED_HEADER: str(place + index),
                VERSION_HEADER: VERSION,
            }
            large = len(event.data) > MESSAGE_MAX
            if large:
                headers[LARGE_HEADER] = "1"
            futures.append(await broker.store(self._subject, b"" if large else event.data, headers))
        return await broker.stored(*futures)

    async def _rest(self) -> None:
        """Wait for the next commit; write the cursor meanwhile if it is behind."""
        try:
            async with asyncio.timeout(CURSOR_S if self._noted < self.seq else None):
                await self._woken.wait()
        except TimeoutError:
            await self._note()

    async def _note(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._noted >= self.seq or now - self._noted_at < CURSOR_S:
            return
        self._noted, self._noted_at = self.seq, now
        try:
            await self._database.write(set_published_seq, self._subject, self.seq)
        except DatabaseUnavailable as error:  # reported elsewhere; the stream itself says how far it is
            log.debug("the cursor of the outbox could not be written: %s", error)


def _bounded(events: list[Outbound]) -> list[Outbound]:
    """Return the first of these events, as many as may wait for their answers together."""
    size = 0
    for index, event in enumerate(events):
        size += len(event.data)
        if size > AT_ONCE_BYTES and index:
            return events[:index]
    return events


def _envelope(row: StoredEvent) -> bytes:
    return envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id)
