"""`emit_event`: committed first, delivered in order, byte-identical, or rejected without a trace."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import pytest

import events
from events import (
    Event,
    EventType,
    InvalidEvent,
    broadcast,
    current_batch,
    emit_event,
    envelope,
)
from tests.events.recorder import NOTE, Recorder, stored


async def test_an_event_is_stored_and_delivered(log: Recorder) -> None:
    before = int(time.time() * 1000)
    event = await emit_event("attention", NOTE)
    assert (event.seq, event.type, event.payload, event.batch_id) == (1, EventType.ATTENTION, NOTE, None)
    assert before <= event.timestamp <= int(time.time() * 1000)
    assert log.received == [event]
    (row,) = await stored(log)
    assert (row.seq, row.type, json.loads(row.payload), row.timestamp) == (1, "attention", NOTE, event.timestamp)


async def test_it_is_committed_before_anybody_hears_of_it(log: Recorder) -> None:
    seen: list[int] = []

    def look(_committed: Sequence[Event]) -> None:
        with sqlite3.connect(log.database.path) as connection:
            seen.append(connection.execute("SELECT COUNT(*) FROM events").fetchone()[0])
        connection.close()

    events.start(log.database, look)
    await emit_event("attention", NOTE)
    assert seen == [1]


async def test_the_envelope_has_its_keys_in_order(log: Recorder) -> None:
    event = await emit_event("attention", NOTE)
    assert list(json.loads(event.data)) == ["type", "payload", "timestamp", "seq", "batch_id"]
    assert event.data.startswith(b'{"type":"attention","payload":{"kind":"blocked","message":"a key is missing"},"tim')
    assert event.data.endswith(b'"seq":1,"batch_id":null}')


@pytest.mark.own_keys
async def test_the_payload_keeps_its_order_and_its_characters(log: Recorder) -> None:
    payload = {"zebra": 'é✓😀\n"\\', "message": "m", "kind": "k", "a": [1, 2.5, None, True]}
    event = await emit_event("attention", payload)
    assert json.loads(event.data)["payload"] == payload
    assert list(json.loads(event.data)["payload"]) == ["zebra", "message", "kind", "a"]
    assert "é✓😀".encode() in event.data


@pytest.mark.own_keys
async def test_a_stored_event_is_the_same_to_the_byte(log: Recorder) -> None:
    payload = {"kind": "k", "message": "é", "n": 0.1, "m": 1e300, "o": -0.0, "deep": {"b": [{}], "a": []}}
    event = await emit_event("attention", payload)
    (row,) = await stored(log)
    assert envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id) == event.data


@pytest.mark.own_keys
async def test_unknown_keys_are_kept(log: Recorder) -> None:
    event = await emit_event("attention", {**NOTE, "colour": {"of": ["the", "sky"]}})
    assert event.payload["colour"] == {"of": ["the", "sky"]}
    assert json.loads((await stored(log))[0].payload)["colour"] == {"of": ["the", "sky"]}


@pytest.mark.parametrize("type", [EventType.ATTENTION, "attention"])
async def test_the_type_may_be_the_enum_or_its_text(log: Recorder, type: Any) -> None:
    event = await emit_event(type, NOTE)
    assert event.type is EventType.ATTENTION
    assert json.loads(event.data)["type"] == "attention"


async def test_any_mapping_is_a_payload(log: Recorder) -> None:
    assert (await emit_event("attention", MappingProxyType(NOTE))).payload == NOTE


@pytest.mark.own_keys
async def test_what_the_caller_changes_later_changes_nothing(log: Recorder) -> None:
    payload: dict[str, Any] = {**NOTE, "keys": ["1-1-a"], "pair": ("a", "b")}
    future = emit_event("attention", payload)
    payload["keys"].append("1-2-b")
    event = await future
    assert event.payload == json.loads(event.body) == {**NOTE, "keys": ["1-1-a"], "pair": ["a", "b"]}


WRONG: list[tuple[Any, Any]] = [
    ("attention", {"kind": "k"}),
    ("attention", {"kind": 1, "message": "m"}),
    ("attention", {**NOTE, "x": float("nan")}),
    ("attention", {**NOTE, "x": {1}}),
    ("attention", {**NOTE, "x": b"b"}),
    ("attention", {**NOTE, "x": 10**30}),
    ("attention", {"kind": "k", "message": "\ud800"}),
    ("attention", {**NOTE, "\udc80": 1}),
    ("batch:start", {"batch_id": True, "max_cycles": 1}),
    ("nothing", NOTE),
    (None, NOTE),
    ("attention", None),
    ("attention", [NOTE]),
]


@pytest.mark.parametrize(("type", "payload"), WRONG, ids=range(len(WRONG)))
async def test_a_wrong_event_raises_in_the_caller_and_leaves_no_trace(log: Recorder, type: Any, payload: Any) -> None:
    with pytest.raises(InvalidEvent):
        emit_event(type, payload)
    with pytest.raises(InvalidEvent):
        await broadcast({"type": type, "payload": payload})
    event = await emit_event("attention", NOTE)
    assert event.seq == 1
    assert log.received == [event]
    assert len(await stored(log)) == 1


@pytest.mark.own_keys
async def test_every_subscriber_sees_every_event_in_order(log: Recorder) -> None:
    futures = [emit_event("attention", {**NOTE, "n": number}) for number in range(500)]
    committed = await asyncio.gather(*futures)
    assert [event.seq for event in committed] == list(range(1, 501))
    assert [event.payload["n"] for event in log.received] == list(range(500))
    for name in ("first", "second"):
        assert [seq for who, seq in log.order if who == name] == list(range(1, 501))


async def test_an_awaited_event_has_been_delivered(log: Recorder) -> None:
    for _ in range(20):
        event = await emit_event("attention", NOTE)
        assert log.received[-1] is event


# -- the batch of an event -----------------------------------------------------------------------------------------


async def test_outside_a_batch_there_is_no_batch_id(log: Recorder) -> None:
    assert (await emit_event("attention", NOTE)).batch_id is None


async def test_inside_a_batch_every_event_carries_its_id(log: Recorder, in_batch: int) -> None:
    event = await emit_event("attention", NOTE)
    assert (event.batch_id, json.loads(event.data)["batch_id"]) == (42, 42)


async def test_a_task_of_the_batch_carries_its_id_after_the_batch(log: Recorder) -> None:
    go = asyncio.Event()

    async def background() -> Event:
        current_batch.set(7)
        await go.wait()
        return await emit_event("attention", NOTE)

    task = asyncio.create_task(background())
    assert (await emit_event("attention", NOTE)).batch_id is None
    go.set()
    assert (await task).batch_id == 7


async def test_events_of_a_batch_itself_name_it(log: Recorder, in_batch: int) -> None:
    event = await emit_event("batch:start", {"batch_id": 43, "max_cycles": "all"})
    assert event.batch_id == 43
