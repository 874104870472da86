"""What an event is, and how it is published.

Owns `Event`, `emit`, `emit_event` and `broadcast`; the types and schemas of payloads are in `payloads.py` and public
here. Promises: an invalid payload raises in the caller and is neither stored nor sent; a valid one is committed to the
log before any subscriber receives it, and every subscriber receives the committed events in the order of their `seq`.
"""

from __future__ import annotations

import asyncio
import datetime
import decimal
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, Protocol, Self

import msgspec

from base.plain_json import INT64_MAX
from payloads import PAYLOADS, EventType, InvalidEvent, Payload, json_schema, validate_payload

logger = logging.getLogger("sprint_runner.events")

_TYPES: Final[Mapping[type[Payload], EventType]] = {payload: type for type, payload in PAYLOADS.items()}
# Classes that msgspec would encode as text on its own: left unconverted, so that the validation rejects them.
_NOT_JSON: Final = (bytes, bytearray, datetime.datetime, datetime.date, datetime.time, decimal.Decimal, uuid.UUID)


class EventsNotStarted(RuntimeError):
    """An event was emitted before `start` or after `stop`."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `timestamp` in ms since the epoch; `seq` is 0 until the event is committed.

    `body` is the payload's JSON, serialised once; `data` is the whole envelope as it goes over every wire.
    """

    type: EventType
    payload: dict[str, Any]
    timestamp: int
    seq: int = 0
    batch_id: int | None = None
    body: bytes = b""
    data: bytes = b""

    def stamped(self, seq: int) -> Self:
        """Return the event with its `seq`, which the writer assigns inside the transaction."""
        data = envelope(self.type, self.body, self.timestamp, seq, self.batch_id)
        return msgspec.structs.replace(self, seq=seq, data=data)


Subscriber = Callable[[Sequence[Event]], None]
Clean = Callable[[Sequence[dict[str, Any]]], Sequence[dict[str, Any]]]


class Log(Protocol):
    """The log that commits events.

    It writes what `before_write` returns, called in its own thread, and calls `on_commit` on the loop, once per commit,
    before the futures are done.
    """

    before_write: Callable[[Sequence[Event]], Sequence[Event]]
    on_commit: Subscriber

    def append(self, event: Event) -> asyncio.Future[Event]: ...


current_batch: ContextVar[int | None] = ContextVar("current_batch", default=None)
"""The id of the batch that the current task works for; every event emitted in the task carries it."""

_log: Log | None = None


def envelope(type: str, body: bytes, timestamp: int, seq: int, batch_id: int | None) -> bytes:
    """Return the JSON of an event on the wire, the same bytes for a live event and for one read back from the log."""
    batch = b"null" if batch_id is None else b"%d" % batch_id
    head = b'{"type":"%b","payload":%b,"timestamp":%d,' % (type.encode(), body, timestamp)
    return head + b'"seq":%d,"batch_id":%b}' % (seq, batch)


def start(log: Log, *subscribers: Subscriber, clean: Clean | None = None) -> None:
    """Bind the log of the process; call each subscriber with every commit, in the given order, as one sequence.

    `clean` returns payloads without secrets and control codes, which may be stored and shown; a payload that needs no
    change is returned itself. It runs in the log's thread, so that a burst of events does not keep the loop busy.
    """
    global _log

    def deliver(events: Sequence[Event]) -> None:
        for subscriber in subscribers:
            try:
                subscriber(events)
            except Exception:  # the events are committed: a fault of one subscriber must not keep them from the others
                logger.exception("a subscriber failed on events %d to %d", events[0].seq, events[-1].seq)

    log.on_commit = deliver
    if clean is not None:
        log.before_write = partial(_cleaned, clean)
    _log = log


def stop() -> None:
    """Unbind the log; after this `emit_event` raises `EventsNotStarted`."""
    global _log
    _log = None


def emit(payload: Payload) -> asyncio.Future[Event]:
    """Emit an event from a payload struct: `emit(BatchResume(batch_id=7, reason="operator"))`; see `emit_event`."""
    event_type, copied = _copy(payload)
    validate_payload(event_type, copied)
    return _append(event_type, copied, msgspec.json.encode(copied), _now())


def emit_event(type: EventType | str, payload: Mapping[str, Any]) -> asyncio.Future[Event]:
    """Validate, serialise and enqueue an event; callable from anywhere on the loop, returns immediately.

    The future resolves to the committed `Event`, after the event was written to every client.
    Raises `InvalidEvent` (nothing is stored or sent) and `EventsNotStarted`.
    """
    return _publish(type, payload, _now())


async def broadcast(event: Event | Mapping[str, Any]) -> Event:
    """Publish an existing event, an `Event` or `{type, payload[, timestamp]}`, and wait until it is delivered."""
    if isinstance(event, Event):
        event = {"type": event.type, "payload": event.payload, "timestamp": event.timestamp}
    if not isinstance(event, Mapping) or "type" not in event or "payload" not in event:
        raise InvalidEvent("an event needs a type and a payload")
    timestamp = event.get("timestamp", _now())
    if type(timestamp) is not int or not 0 <= timestamp <= INT64_MAX:  # isinstance would accept True
        raise InvalidEvent(f"{event['type']}: the timestamp must be an integer of milliseconds, at most 64 bits")
    return await _publish(event["type"], event["payload"], timestamp)


def _publish(type: EventType | str, payload: Mapping[str, Any], timestamp: int) -> asyncio.Future[Event]:
    event_type = validate_payload(type, payload)
    body = msgspec.json.encode(dict(payload))
    # Decoded again: subscribers get what readers of the log will get, even if the caller changes the payload later.
    return _append(event_type, msgspec.json.decode(body), body, timestamp)


def _append(type: EventType, payload: dict[str, Any], body: bytes, timestamp: int) -> asyncio.Future[Event]:
    if _log is None:
        raise EventsNotStarted("events are not started: call events.start(log, …) before emitting")
    # A batch event names its batch itself: recovery and requests emit some outside of the batch's task.
    batch_id = payload["batch_id"] if type.startswith("batch:") else current_batch.get()
    return _log.append(Event(type=type, payload=payload, timestamp=timestamp, batch_id=batch_id, body=body))


def _cleaned(clean: Clean, events: Sequence[Event]) -> list[Event]:
    payloads = clean([event.payload for event in events])
    return [
        event
        if payload is event.payload
        else msgspec.structs.replace(event, payload=payload, body=msgspec.json.encode(payload))
        for event, payload in zip(events, payloads, strict=True)
    ]


def _copy(payload: Payload) -> tuple[EventType, dict[str, Any]]:
    """Return the type of a payload and the keys that are set, in declaration order; raises `InvalidEvent`."""
    event_type = _TYPES.get(payload.__class__)
    if event_type is None:
        raise InvalidEvent(f"{payload.__class__.__name__} is the payload of no event")
    try:
        return event_type, msgspec.to_builtins(payload, builtin_types=_NOT_JSON)
    except (TypeError, RecursionError) as error:
        raise InvalidEvent(f"{event_type}: {error}") from None


def _now() -> int:
    return int(time.time() * 1000)


__all__ = [
    "PAYLOADS",
    "Event",
    "EventType",
    "EventsNotStarted",
    "InvalidEvent",
    "broadcast",
    "current_batch",
    "emit",
    "emit_event",
    "json_schema",
    "start",
    "stop",
    "validate_payload",
]
