"""`broadcast`: timestamps, delivery, and what it rejects."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from base.plain_json import INT64_MAX
from events import (
    Event,
    EventType,
    InvalidEvent,
    broadcast,
)
from tests.events.recorder import NOTE, Recorder, stored


@pytest.mark.parametrize("timestamp", [0, 1706112000000, INT64_MAX])
async def test_broadcast_keeps_a_given_timestamp(log: Recorder, timestamp: int) -> None:
    delivered = await broadcast({"type": "attention", "payload": NOTE, "timestamp": timestamp})
    again = await broadcast(Event(type=EventType.ATTENTION, payload=dict(NOTE), timestamp=timestamp))
    assert delivered.timestamp == again.timestamp == timestamp
    assert json.loads(again.data)["timestamp"] == timestamp
    assert [row.timestamp for row in await stored(log)] == [timestamp, timestamp]


async def test_broadcast_gives_a_timestamp_where_there_is_none(log: Recorder) -> None:
    before = int(time.time() * 1000)
    assert (await broadcast({"type": "attention", "payload": NOTE})).timestamp >= before


async def test_broadcast_answers_when_the_event_is_delivered(log: Recorder) -> None:
    event = await broadcast({"type": "attention", "payload": NOTE})
    assert log.received == [event]


@pytest.mark.parametrize("timestamp", [None, "1", 1.0, True, -1, INT64_MAX + 1, 10**5000], ids=range(7))
async def test_a_wrong_timestamp_is_refused(log: Recorder, timestamp: Any) -> None:
    with pytest.raises(InvalidEvent, match=r"attention: the timestamp"):
        await broadcast({"type": "attention", "payload": NOTE, "timestamp": timestamp})
    with pytest.raises(InvalidEvent, match=r"attention: the timestamp"):
        await broadcast(Event(type=EventType.ATTENTION, payload=dict(NOTE), timestamp=timestamp))
    assert await stored(log) == []


@pytest.mark.parametrize("event", [None, [], "attention", {}, {"type": "attention"}, {"payload": NOTE}])
async def test_what_is_no_event_is_refused(log: Recorder, event: Any) -> None:
    with pytest.raises(InvalidEvent, match="an event needs a type and a payload"):
        await broadcast(event)


async def test_seq_and_batch_of_a_given_event_are_ours_to_say(log: Recorder) -> None:
    event = await broadcast(Event(type=EventType.ATTENTION, payload=dict(NOTE), timestamp=1, seq=99, batch_id=99))
    assert (event.seq, event.batch_id) == (1, None)
