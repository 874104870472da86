"""The events of one runner as its stream has them: each once, in order, without a gap.

The stream tells where messages are; what was delivered is counted by the events' own seq. What the stream does not have
any more is asked of the runner; only where that fails too is there a gap, and the reader begins anew with a snapshot.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from fleet.source import Envelope
from fleet.stream.broker import Broker, Message
from fleet.stream.names import (
    ID_HEADER,
    LARGE_HEADER,
    VERSION,
    VERSION_HEADER,
    events_stream,
    events_subject,
)

ASKED_AT_ONCE: Final = 500  # events of one request

log = logging.getLogger("sprint_runner.fleet")

History = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""Asks the runner for at most so many events after a seq: their envelopes, oldest first. Raises `Unreachable`."""


class Unreadable(Exception):
    """A message cannot be read; the message is a sentence about it, after the runner's name."""


class Delivered(msgspec.Struct, frozen=True):
    """One event: its bytes as they go over every wire."""

    seq: int
    data: bytes

    def envelope(self) -> Envelope:
        return msgspec.json.decode(self.data, type=Envelope)


class Missing(Exception):
    """Events are missing that neither the stream nor the runner has."""


class _Position(msgspec.Struct):
    seq: int


async def follow(broker: Broker, name: str, epoch: str, since: int, history: History) -> AsyncGenerator[Delivered]:
    """Yield the events after `since` for ever.

    Raises `Missing` and `Unreadable`, `BrokerProblem` when the connection or the stream is gone, and what `history`
    raises.
    """
    stream, subject = events_stream(name).name, events_subject(name, epoch)
    start = await _place(broker, stream, subject, since)
    async with aclosing(broker.follow(stream, subject, start)) as messages:
        async for message in messages:
            seq = _seq(message, epoch)
            if seq <= since:
                continue
            if seq > since + 1 or LARGE_HEADER in message.headers:
                async for event in _asked(since, seq, history):
                    yield event
            else:
                yield Delivered(seq, message.data)
            since = seq


async def _place(broker: Broker, stream: str, subject: str, since: int) -> int:
    """Return the place in the stream from which on to read: that of the event after `since`, or one before it."""
    newest = await broker.last(stream, subject)
    if newest is None:
        return 1
    ahead = int(newest.headers.get(ID_HEADER, "").rpartition(":")[2] or 0) - since
    return newest.seq + 1 if ahead <= 0 else max(newest.seq - ahead + 1, 1)


def _seq(message: Message, epoch: str) -> int:
    """Return the seq of an event's message. Raises `Unreadable`."""
    version = message.headers.get(VERSION_HEADER)
    if version != VERSION:
        raise Unreadable(f"sends messages of version {version}, and this page knows version {VERSION}: update both")
    its_epoch, _, number = message.headers.get(ID_HEADER, "").partition(":")
    if its_epoch != epoch or not number.isdigit():
        raise Unreadable("sends messages that are no events")
    if LARGE_HEADER not in message.headers:
        try:
            seq = msgspec.json.decode(message.data, type=_Position).seq
        except (msgspec.DecodeError, UnicodeError):
            raise Unreadable(f"sends event {number} in a form that cannot be read") from None
        if seq != int(number):
            raise Unreadable(f"sends event {seq} as event {number}")
    return int(number)


async def _asked(since: int, last: int, history: History) -> AsyncGenerator[Delivered]:
    """Yield the events after `since` up to `last`, as the runner itself has them. Raises `Missing`."""
    while since < last:
        envelopes = await history(since, min(last - since, ASKED_AT_ONCE))
        if not envelopes:
            raise Missing(f"event {since + 1}")
        for data in envelopes:
            seq = msgspec.json.decode(data, type=_Position).seq
            if seq != since + 1:
                raise Missing(f"event {since + 1}")
            if seq > last:
                return
            yield Delivered(seq, data)
            since = seq
