"""What an event is, and the one way to publish it.

Owns `Event`, `emit_event` and `broadcast`; the types and payload schemas stand in `payloads.py` and are public here.
Promises: a wrong payload raises in the caller and leaves no trace; a right one is committed to the log before any
subscriber sees it, and every subscriber sees the committed events in the order of their `seq`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Final, Protocol, Self

import msgspec

from payloads import INT64_MAX, PAYLOADS, EventType, InvalidEvent, json_schema, validate_payload

logger = logging.getLogger("sprint_runner.events")


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
        """The same event with the place in the log that the writer gave it."""
        data = envelope(self.type, self.body, self.timestamp, seq, self.batch_id)
        return msgspec.structs.replace(self, seq=seq, data=data)


Subscriber = Callable[[Sequence[Event]], None]


class Log(Protocol):
    """Where events are committed. `on_commit` is called on the loop, once per commit, before the futures are done."""

    on_commit: Subscriber

    def append(self, event: Event) -> asyncio.Future[Event]: ...


current_batch: ContextVar[int | None] = ContextVar("current_batch", default=None)
"""The batch that a task works for; every event emitted in it carries the id, background tasks included."""

# `python server.py` loads the program as `__main__`, tests load parts of it under other names: whatever copy of this
# module emits, it must reach the one log of the process, so the binding lives in the interpreter and not in the module.
_bound: Final[Any] = sys.modules.setdefault("sprint_runner.bound_log", SimpleNamespace(log=None))  # type: ignore[arg-type]


def envelope(type: str, body: bytes, timestamp: int, seq: int, batch_id: int | None) -> bytes:
    """The JSON of an event on the wire, the same bytes for a live event and for one read back from the log."""
    batch = b"null" if batch_id is None else b"%d" % batch_id
    head = b'{"type":"%b","payload":%b,"timestamp":%d,' % (type.encode(), body, timestamp)
    return head + b'"seq":%d,"batch_id":%b}' % (seq, batch)


def start(log: Log, *subscribers: Subscriber) -> None:
    """Bind the process's log; each subscriber gets every commit, in the order given, as one sequence of events."""

    def deliver(events: Sequence[Event]) -> None:
        for subscriber in subscribers:
            try:
                subscriber(events)
            except Exception:  # the events are committed: whatever one subscriber makes of them, the others get them
                logger.exception("a subscriber failed on events %d to %d", events[0].seq, events[-1].seq)

    log.on_commit = deliver
    _bound.log = log


def stop() -> None:
    """Unbind the log; from now on `emit_event` raises `EventsNotStarted`."""
    _bound.log = None


def emit_event(type: EventType | str, payload: Mapping[str, Any]) -> asyncio.Future[Event]:
    """Validate, serialise and enqueue an event; callable from anywhere on the loop, returns at once.

    The future is done when the event is committed and handed to every client; it holds the committed `Event`.
    Raises `InvalidEvent` (nothing is stored or sent) and `EventsNotStarted`.
    """
    return _append(type, payload, int(time.time() * 1000))


async def broadcast(event: Event | Mapping[str, Any]) -> Event:
    """Publish a ready-made event, an `Event` or `{type, payload[, timestamp]}`, and wait until it is delivered."""
    if isinstance(event, Event):
        event = {"type": event.type, "payload": event.payload, "timestamp": event.timestamp}
    if not isinstance(event, Mapping) or "type" not in event or "payload" not in event:
        raise InvalidEvent("an event needs a type and a payload")
    timestamp = event.get("timestamp", int(time.time() * 1000))
    if type(timestamp) is not int or not 0 <= timestamp <= INT64_MAX:
        raise InvalidEvent(f"{event['type']}: the timestamp must be whole milliseconds of 64 bits")
    return await _append(event["type"], event["payload"], timestamp)


def _append(type: EventType | str, payload: Mapping[str, Any], timestamp: int) -> asyncio.Future[Event]:
    event_type = validate_payload(type, payload)
    if _bound.log is None:
        raise EventsNotStarted("events are not started: call events.start(log, …) before emitting")
    body = msgspec.json.encode(dict(payload))
    batch_id = payload["batch_id"] if event_type.startswith("batch:") else current_batch.get()
    # Subscribers see what readers of the log will see, whatever the caller does with the payload meanwhile.
    told = msgspec.json.decode(body)
    event = Event(type=event_type, payload=told, timestamp=timestamp, batch_id=batch_id, body=body)
    log: Log = _bound.log
    return log.append(event)


__all__ = [
    "PAYLOADS",
    "Event",
    "EventType",
    "EventsNotStarted",
    "InvalidEvent",
    "broadcast",
    "current_batch",
    "emit_event",
    "json_schema",
    "start",
    "stop",
    "validate_payload",
]
