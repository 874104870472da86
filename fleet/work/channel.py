"""One side of the two streams that join a coordinator and the worker of a lane: messages in order, each once.

Promises: what is posted is stored in this order, once, over lost connections; a message is stored only after the one
that this side knows as the newest of its subject. So of two workers that both believe they hold a lane, the one that
was replaced stores nothing more: its first message after the other's is refused, and `Fenced` is raised.
"""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message, WrongSequence
from fleet.stream.names import EXPECTED_HEADER, ID_HEADER, VERSION_HEADER
from fleet.work.link import BrokerLink
from fleet.work.messages import ForeignMessage
from fleet.work.names import (
    BODY_HEADER,
    INLINE_BYTES,
    OBJECTS,
    WORK_VERSION,
    WRITER_HEADER,
    bundles_bucket,
    do_subject,
    lanes_stream,
    said_subject,
)

AGAIN_S: Final = 1.0  # after a broker that refuses what was posted

Receive = Callable[[Message], Awaitable[None]]


class Fenced(BrokerProblem):
    """Someone else writes in this side's place, or the lane was removed."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a message of a lane: the worker, its job, and the token of its lease."""

    name: str
    job: int = 0
    token: int = 0

    @property
    def lease(self) -> tuple[int, int]:
        """What grows with every lease of a lane."""
        return self.job, self.token

    @property
    def header(self) -> str:
        return f"{self.name} {self.job} {self.token}"

    @classmethod
    def of(cls, message: Message) -> Writer:
        """Return who wrote a message; raises `BrokerProblem`."""
        name, *numbers = message.headers.get(WRITER_HEADER, "").split()
        if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
            raise BrokerProblem(f"a message about a lane does not say who wrote it ({name or 'nobody'})")
        return cls(name, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that waits for its place."""

    id: str
    data: bytes


class LaneChannel:
    """One side of a lane's streams; `receive` is called with each message of the other side, one after the other."""

    def __init__(self, project: str, lane: str, writer: Writer, receive: Receive, *, worker: bool) -> None:
        self.writer = writer
        self.read = 0  # the place of the newest message of the other side
        self.place: int | None = None  # of the newest one of this side, None before it is known
        self._project, self._lane = project, lane
        self._stream = lanes_stream(project).name
        do, said = do_subject(project, lane), said_subject(project, lane)
        self._out, self._in = (said, do) if worker else (do, said)
        self._receive = receive
        self._queue: deque[Outgoing] = deque()
        self._posted = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def post(self, message: msgspec.Struct) -> None:
        """Have a message stored after all earlier ones; returns at once."""
        self._queue.append(Outgoing(secrets.token_hex(8), msgspec.json.encode(message)))
        self._drained.clear()
        self._posted.set()

    async def until_stored(self) -> None:
        """Return when all that was posted is stored."""
        await self._drained.wait()

    @property
    def waiting(self) -> int:
        """How many messages are not stored yet."""
        return len(self._queue)

    async def serve(self, link: BrokerLink, on_problem: Callable[[str], None]) -> None:
        """Store and receive over all connections. Raises `Fenced`, `ForeignMessage`."""
        while True:
            broker = await link.broker()
            try:
                await self.run(broker)
            except BrokerLost:
                await link.drop(broker)
            except (Fenced, ForeignMessage):
                raise
            except BrokerProblem as problem:
                on_problem(f"{problem}; the lane {self._lane} waits")
                await asyncio.sleep(AGAIN_S)

    async def run(self, broker: Broker) -> None:
        """Store and receive with a connection until it is lost. Raises `Fenced`, `BrokerProblem`."""
        await self.settle(broker)
        tasks = [asyncio.ensure_future(self._store(broker)), asyncio.ensure_future(self._follow(broker))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(*tasks)  # both may have failed
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def settle(self, broker: Broker) -> None:
        """Find this side's place; a message that was stored without an answer is not stored again. Raises `Fenced`."""
        newest = await broker.last(self._stream, self._out)
        place = 0 if newest is None else newest.seq
        if self.place is None:
            if newest is not None and Writer.of(newest).lease > self.writer.lease:
                raise Fenced(f"{Writer.of(newest).name} has the lane")
            self.place = place
        elif place != self.place:
            if newest is None or not self._queue or newest.headers.get(ID_HEADER) != self._queue[0].id:
                raise Fenced("the lane was removed" if newest is None else f"{Writer.of(newest).name} has the lane")
            self._is_stored(place)

    async def check(self, broker: Broker) -> None:
        """Raise `Fenced` where someone else has written in this side's place, without writing."""
        place = self.place  # as it was before: something may be stored while the broker answers
        newest = await broker.last(self._stream, self._out)
        if newest is None:
            if place:
                raise Fenced("the lane was removed")
            return
        other = Writer.of(newest)
        if other.lease > self.writer.lease or (place and newest.seq > place and other.lease != self.writer.lease):
            raise Fenced(f"{other.name} has the lane")

    async def _store(self, broker: Broker) -> None:
        while True:
            while self._queue:
                await self._put(broker, self._queue[0])
            self._drained.set()
            self._posted.clear()
            await self._posted.wait()

    async def _put(self, broker: Broker, message: Outgoing) -> None:
        headers = {
            VERSION_HEADER: WORK_VERSION,
            WRITER_HEADER: self.writer.header,
            ID_HEADER: message.id,
            EXPECTED_HEADER: str(self.place),
        }
        data = message.data
        if len(data) > INLINE_BYTES:
            await broker.objects.put(bundles_bucket(self._project), message.id, io.BytesIO(data), OBJECTS)
            headers[BODY_HEADER], data = message.id, b""
        try:
            place = await broker.stored(await broker.store(self._out, data, headers))
        except WrongSequence:
            await self.settle(broker)  # raises unless the newest is our own message, whose answer was lost
            if self._queue and self._queue[0] is message:
                raise Fenced("the lane was removed and made again") from None
        else:
            self._is_stored(place)

    def _is_stored(self, place: int) -> None:
        self.place = place
        self._queue.popleft()

    async def _follow(self, broker: Broker) -> None:
        async for message in broker.follow(self._stream, self._in, self.read + 1):
            await self._receive(await self.whole(broker, message))
            self.read = message.seq

    async def whole(self, broker: Broker, message: Message) -> Message:
        """Return a message with its body, wherever that is."""
        name = message.headers.get(BODY_HEADER)
        if name is None:
            return message
        body = io.BytesIO()
        await broker.objects.get(bundles_bucket(self._project), name, body)
        return Message(message.subject, body.getvalue(), message.headers, message.seq)
