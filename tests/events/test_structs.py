"""`emit`: a payload struct is the same event as its mapping, or is rejected."""

from __future__ import annotations

import datetime
import json
from typing import Any

import msgspec
import pytest

from events import (
    EventsNotStarted,
    InvalidEvent,
    emit,
    emit_event,
)
from payloads import (
    Attention,
    BatchResume,
    CommandProgress,
    ContextComplete,
    CycleStart,
    Error,
    Metrics,
    Payload,
)
from tests.events.recorder import Recorder, stored

PROGRESS = CommandProgress(
    story_key="2a-1-tea",
    command="dev-story",
    task_id="implement",
    message="é✓",
    attempt=1,
    metrics=Metrics(turns=3, cost_usd=0.25),
)


async def test_a_struct_and_its_mapping_are_the_same_event(log: Recorder) -> None:
    struct = await emit(PROGRESS)
    mapping = await emit_event("command:progress", json.loads(struct.body))
    assert (struct.type, struct.payload, struct.body) == (mapping.type, mapping.payload, mapping.body)
    assert struct.payload == json.loads(struct.body)


async def test_unset_keys_are_absent_and_the_others_in_the_order_of_the_class(log: Recorder) -> None:
    event = await emit(PROGRESS)
    assert list(event.payload) == ["story_key", "command", "task_id", "attempt", "message", "metrics"]
    assert list(event.payload["metrics"]) == ["cost_usd", "turns"]


async def test_what_the_caller_changes_in_a_struct_later_changes_nothing(log: Recorder) -> None:
    cycle = CycleStart(cycle_number=1, story_keys=["1-1-a"])
    future = emit(cycle)
    cycle.story_keys.append("1-2-b")
    event = await future
    assert event.payload == json.loads(event.body) == {"cycle_number": 1, "story_keys": ["1-1-a"]}


async def test_an_event_of_a_batch_names_it_also_as_a_struct(log: Recorder, in_batch: int) -> None:
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
    log: Recorder, payload: Payload, word: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        emit(payload)
    assert word in str(caught.value)
    assert await stored(log) == []


async def test_a_struct_that_contains_itself_is_refused(log: Recorder) -> None:
    context: dict[str, Any] = {}
    context["self"] = context
    with pytest.raises(InvalidEvent, match="error"):
        emit(Error(type="t", message="m", context=context))


def test_before_the_start_no_struct_can_be_emitted() -> None:
    with pytest.raises(EventsNotStarted):
        emit(PROGRESS)
