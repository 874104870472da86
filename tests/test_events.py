"""Publishing: committed first, told in order, byte-identical, or refused without a trace."""

from __future__ import annotations

import asyncio
import datetime
import importlib.util
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import msgspec
import pytest

import events
import orchestrator
import server
from db import Database
from events import (
    Event,
    EventsNotStarted,
    EventType,
    InvalidEvent,
    broadcast,
    current_batch,
    emit,
    emit_event,
    envelope,
)
from payloads import (
    INT64_MAX,
    Attention,
    BatchResume,
    CommandProgress,
    ContextComplete,
    CycleStart,
    Error,
    Metrics,
    Payload,
)
from store.log import get_events

NOTE = {"kind": "blocked", "message": "a key is missing"}


class Bound:
    """A started log and everything its two subscribers were told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.told: list[Event] = []
        self.order: list[tuple[str, int]] = []
        events.start(database, self.first, self.second)

    def first(self, committed: Sequence[Event]) -> None:
        self.told += committed
        self.order += [("first", event.seq) for event in committed]

    def second(self, committed: Sequence[Event]) -> None:
        self.order += [("second", event.seq) for event in committed]


@pytest.fixture
async def bound(tmp_path: Path) -> AsyncIterator[Bound]:
    database = await Database.open(tmp_path / "log.db")
    yield Bound(database)
    events.stop()
    await database.close()


@pytest.fixture
def in_batch() -> Iterator[int]:
    token = current_batch.set(42)
    yield 42
    current_batch.reset(token)


async def stored(bound: Bound) -> list[Any]:
    return await bound.database.read(get_events, 100)


async def test_an_event_is_stored_and_told(bound: Bound) -> None:
    before = int(time.time() * 1000)
    event = await emit_event("attention", NOTE)
    assert (event.seq, event.type, event.payload, event.batch_id) == (1, EventType.ATTENTION, NOTE, None)
    assert before <= event.timestamp <= int(time.time() * 1000)
    assert bound.told == [event]
    (row,) = await stored(bound)
    assert (row.seq, row.type, json.loads(row.payload), row.timestamp) == (1, "attention", NOTE, event.timestamp)


async def test_it_is_committed_before_anybody_hears_of_it(bound: Bound) -> None:
    seen: list[int] = []

    def look(_committed: Sequence[Event]) -> None:
        with sqlite3.connect(bound.database.path) as connection:
            seen.append(connection.execute("SELECT COUNT(*) FROM events").fetchone()[0])
        connection.close()

    events.start(bound.database, look)
    await emit_event("attention", NOTE)
    assert seen == [1]


async def test_the_envelope_has_its_keys_in_order(bound: Bound) -> None:
    event = await emit_event("attention", NOTE)
    assert list(json.loads(event.data)) == ["type", "payload", "timestamp", "seq", "batch_id"]
    assert event.data.startswith(b'{"type":"attention","payload":{"kind":"blocked","message":"a key is missing"},"tim')
    assert event.data.endswith(b'"seq":1,"batch_id":null}')


@pytest.mark.own_keys
async def test_the_payload_keeps_its_order_and_its_characters(bound: Bound) -> None:
    payload = {"zebra": 'é✓😀\n"\\', "message": "m", "kind": "k", "a": [1, 2.5, None, True]}
    event = await emit_event("attention", payload)
    assert json.loads(event.data)["payload"] == payload
    assert list(json.loads(event.data)["payload"]) == ["zebra", "message", "kind", "a"]
    assert "é✓😀".encode() in event.data


@pytest.mark.own_keys
async def test_a_stored_event_is_the_same_to_the_byte(bound: Bound) -> None:
    payload = {"kind": "k", "message": "é", "n": 0.1, "m": 1e300, "o": -0.0, "deep": {"b": [{}], "a": []}}
    event = await emit_event("attention", payload)
    (row,) = await stored(bound)
    assert envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id) == event.data


@pytest.mark.own_keys
async def test_unknown_keys_are_kept(bound: Bound) -> None:
    event = await emit_event("attention", {**NOTE, "colour": {"of": ["the", "sky"]}})
    assert event.payload["colour"] == {"of": ["the", "sky"]}
    assert json.loads((await stored(bound))[0].payload)["colour"] == {"of": ["the", "sky"]}


@pytest.mark.parametrize("type", [EventType.ATTENTION, "attention"])
async def test_the_type_may_be_the_enum_or_its_text(bound: Bound, type: Any) -> None:
    event = await emit_event(type, NOTE)
    assert event.type is EventType.ATTENTION
    assert json.loads(event.data)["type"] == "attention"


async def test_any_mapping_is_a_payload(bound: Bound) -> None:
    assert (await emit_event("attention", MappingProxyType(NOTE))).payload == NOTE


@pytest.mark.own_keys
async def test_what_the_caller_changes_later_changes_nothing(bound: Bound) -> None:
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
async def test_a_wrong_event_raises_in_the_caller_and_leaves_no_trace(bound: Bound, type: Any, payload: Any) -> None:
    with pytest.raises(InvalidEvent):
        emit_event(type, payload)
    with pytest.raises(InvalidEvent):
        await broadcast({"type": type, "payload": payload})
    event = await emit_event("attention", NOTE)
    assert event.seq == 1
    assert bound.told == [event]
    assert len(await stored(bound)) == 1


@pytest.mark.own_keys
async def test_every_subscriber_sees_every_event_in_order(bound: Bound) -> None:
    futures = [emit_event("attention", {**NOTE, "n": number}) for number in range(500)]
    committed = await asyncio.gather(*futures)
    assert [event.seq for event in committed] == list(range(1, 501))
    assert [event.payload["n"] for event in bound.told] == list(range(500))
    for name in ("first", "second"):
        assert [seq for who, seq in bound.order if who == name] == list(range(1, 501))


async def test_an_awaited_event_has_been_delivered(bound: Bound) -> None:
    for _ in range(20):
        event = await emit_event("attention", NOTE)
        assert bound.told[-1] is event


# -- the batch of an event -----------------------------------------------------------------------------------------


async def test_outside_a_batch_there_is_no_batch_id(bound: Bound) -> None:
    assert (await emit_event("attention", NOTE)).batch_id is None


async def test_inside_a_batch_every_event_carries_its_id(bound: Bound, in_batch: int) -> None:
    event = await emit_event("attention", NOTE)
    assert (event.batch_id, json.loads(event.data)["batch_id"]) == (42, 42)


async def test_a_task_of_the_batch_carries_its_id_after_the_batch(bound: Bound) -> None:
    go = asyncio.Event()

    async def background() -> Event:
        current_batch.set(7)
        await go.wait()
        return await emit_event("attention", NOTE)

    task = asyncio.create_task(background())
    assert (await emit_event("attention", NOTE)).batch_id is None
    go.set()
    assert (await task).batch_id == 7


async def test_events_of_a_batch_itself_name_it(bound: Bound, in_batch: int) -> None:
    event = await emit_event("batch:start", {"batch_id": 43, "max_cycles": "all"})
    assert event.batch_id == 43


# -- broadcast -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timestamp", [0, 1706112000000, INT64_MAX])
async def test_broadcast_keeps_a_given_timestamp(bound: Bound, timestamp: int) -> None:
    told = await broadcast({"type": "attention", "payload": NOTE, "timestamp": timestamp})
    again = await broadcast(Event(type=EventType.ATTENTION, payload=dict(NOTE), timestamp=timestamp))
    assert told.timestamp == again.timestamp == timestamp
    assert json.loads(again.data)["timestamp"] == timestamp
    assert [row.timestamp for row in await stored(bound)] == [timestamp, timestamp]


async def test_broadcast_gives_a_timestamp_where_there_is_none(bound: Bound) -> None:
    before = int(time.time() * 1000)
    assert (await broadcast({"type": "attention", "payload": NOTE})).timestamp >= before


async def test_broadcast_answers_when_the_event_is_delivered(bound: Bound) -> None:
    event = await broadcast({"type": "attention", "payload": NOTE})
    assert bound.told == [event]


@pytest.mark.parametrize("timestamp", [None, "1", 1.0, True, -1, INT64_MAX + 1, 10**5000], ids=range(7))
async def test_a_wrong_timestamp_is_refused(bound: Bound, timestamp: Any) -> None:
    with pytest.raises(InvalidEvent, match=r"attention: the timestamp"):
        await broadcast({"type": "attention", "payload": NOTE, "timestamp": timestamp})
    with pytest.raises(InvalidEvent, match=r"attention: the timestamp"):
        await broadcast(Event(type=EventType.ATTENTION, payload=dict(NOTE), timestamp=timestamp))
    assert await stored(bound) == []


@pytest.mark.parametrize("event", [None, [], "attention", {}, {"type": "attention"}, {"payload": NOTE}])
async def test_what_is_no_event_is_refused(bound: Bound, event: Any) -> None:
    with pytest.raises(InvalidEvent, match="an event needs a type and a payload"):
        await broadcast(event)


async def test_seq_and_batch_of_a_given_event_are_ours_to_say(bound: Bound) -> None:
    event = await broadcast(Event(type=EventType.ATTENTION, payload=dict(NOTE), timestamp=1, seq=99, batch_id=99))
    assert (event.seq, event.batch_id) == (1, None)


# -- start and stop ------------------------------------------------------------------------------------------------


async def test_before_the_start_nothing_can_be_emitted() -> None:
    with pytest.raises(EventsNotStarted, match=r"events\.start"):
        emit_event("attention", NOTE)
    with pytest.raises(EventsNotStarted):
        await broadcast({"type": "attention", "payload": NOTE})


async def test_a_wrong_payload_is_wrong_also_before_the_start() -> None:
    with pytest.raises(InvalidEvent, match=r"attention.*kind"):
        emit_event("attention", {"message": "m"})


async def test_after_the_stop_nothing_can_be_emitted(bound: Bound) -> None:
    await emit_event("attention", NOTE)
    events.stop()
    with pytest.raises(EventsNotStarted):
        emit_event("attention", NOTE)
    assert len(await stored(bound)) == 1


async def test_a_subscriber_that_fails_costs_the_others_nothing(bound: Bound, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_committed: Sequence[Event]) -> None:
        raise ValueError("a fault of ours")

    events.start(bound.database, broken, bound.first)
    told = await emit_event("attention", NOTE)
    assert bound.told == [told]
    assert "a fault of ours" in caplog.text


async def test_a_second_start_binds_the_new_subscribers(bound: Bound) -> None:
    told: list[Event] = []
    events.start(bound.database, told.extend)
    await emit_event("attention", NOTE)
    assert (len(told), len(bound.told)) == (1, 0)


def second_copy(of: ModuleType) -> ModuleType:
    """A module once more under another name, as when the program is loaded as `__main__` and by import."""
    spec = importlib.util.spec_from_file_location(f"{of.__name__}_once_more", Path(of.__file__ or ""))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_second_copy_of_the_server_starts_the_same_events() -> None:
    copy = second_copy(server)
    assert copy.build_app is not server.build_app
    assert copy.events is events


async def test_a_second_copy_of_the_orchestrator_reaches_the_same_log(bound: Bound) -> None:
    copy = second_copy(orchestrator)
    assert copy.Orchestrator is not orchestrator.Orchestrator
    event = await copy.emit_event("attention", NOTE)
    assert bound.told == [event]


# -- structs -------------------------------------------------------------------------------------------------------

PROGRESS = CommandProgress(
    story_key="2a-1-tea",
    command="dev-story",
    task_id="implement",
    message="é✓",
    attempt=1,
    metrics=Metrics(turns=3, cost_usd=0.25),
)


async def test_a_struct_and_its_mapping_are_the_same_event(bound: Bound) -> None:
    struct = await emit(PROGRESS)
    mapping = await emit_event("command:progress", json.loads(struct.body))
    assert (struct.type, struct.payload, struct.body) == (mapping.type, mapping.payload, mapping.body)
    assert struct.payload == json.loads(struct.body)


async def test_unset_keys_are_absent_and_the_others_in_the_order_of_the_class(bound: Bound) -> None:
    event = await emit(PROGRESS)
    assert list(event.payload) == ["story_key", "command", "task_id", "attempt", "message", "metrics"]
    assert list(event.payload["metrics"]) == ["cost_usd", "turns"]


async def test_what_the_caller_changes_in_a_struct_later_changes_nothing(bound: Bound) -> None:
    cycle = CycleStart(cycle_number=1, story_keys=["1-1-a"])
    future = emit(cycle)
    cycle.story_keys.append("1-2-b")
    event = await future
    assert event.payload == json.loads(event.body) == {"cycle_number": 1, "story_keys": ["1-1-a"]}


async def test_an_event_of_a_batch_names_it_also_as_a_struct(bound: Bound, in_batch: int) -> None:
    assert (await emit(BatchResume(batch_id=43, reason="operator"))).batch_id == 43
    assert (await emit(PROGRESS)).batch_id == 42


def wrong_attention(**keys: Any) -> Attention:
    return Attention(**{"kind": "k", "message": "m", **keys})


WRONG_STRUCTS: list[tuple[Payload, str]] = [
    (wrong_attention(message=1), "$.message"),
    (wrong_attention(message=msgspec.UNSET), "message"),
    (wrong_attention(message="\ud800"), "lone surrogate"),
    (wrong_attention(message=b"m"), "bytes"),
    (wrong_attention(message=datetime.date(2024, 1, 24)), "date"),
    (wrong_attention(message=object()), "object"),
    (wrong_attention(command_id=10**30), "64 bits"),
    (wrong_attention(story_key=None), "$.story_key"),
    (ContextComplete(status="success", metrics=Metrics(cost_usd=float("nan"))), "$.metrics.cost_usd is nan"),
    (Error(type="t", message="m", context={"a": float("inf")}), "$.context.a is inf"),
    (Error(type="t", message="m", context={1: "a"}), "keys must be text"),  # type: ignore[dict-item]
    (Metrics(turns=1), "Metrics is the payload of no event"),
]


@pytest.mark.parametrize(("payload", "word"), WRONG_STRUCTS, ids=range(len(WRONG_STRUCTS)))
async def test_a_wrong_struct_raises_in_the_caller_and_leaves_no_trace(
    bound: Bound, payload: Payload, word: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        emit(payload)
    assert word in str(caught.value)
    assert await stored(bound) == []


async def test_a_struct_that_contains_itself_is_refused(bound: Bound) -> None:
    context: dict[str, Any] = {}
    context["self"] = context
    with pytest.raises(InvalidEvent, match="error"):
        emit(Error(type="t", message="m", context=context))


def test_before_the_start_no_struct_can_be_emitted() -> None:
    with pytest.raises(EventsNotStarted):
        emit(PROGRESS)
