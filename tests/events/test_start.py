"""The start and stop of events: before, after, failing subscribers, a second copy of the modules."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

import events
import orchestrator
import server
from events import (
    Event,
    EventsNotStarted,
    InvalidEvent,
    broadcast,
    emit_event,
)
from tests.events.recorder import NOTE, Recorder, stored


async def test_before_the_start_nothing_can_be_emitted() -> None:
    with pytest.raises(EventsNotStarted, match=r"events\.start"):
        emit_event("attention", NOTE)
    with pytest.raises(EventsNotStarted):
        await broadcast({"type": "attention", "payload": NOTE})


async def test_a_wrong_payload_is_wrong_also_before_the_start() -> None:
    with pytest.raises(InvalidEvent, match=r"attention.*kind"):
        emit_event("attention", {"message": "m"})


async def test_after_the_stop_nothing_can_be_emitted(log: Recorder) -> None:
    await emit_event("attention", NOTE)
    events.stop()
    with pytest.raises(EventsNotStarted):
        emit_event("attention", NOTE)
    assert len(await stored(log)) == 1


async def test_a_subscriber_that_fails_costs_the_others_nothing(
    log: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_committed: Sequence[Event]) -> None:
        raise ValueError("a fault of ours")

    events.start(log.database, broken, log.first)
    delivered = await emit_event("attention", NOTE)
    assert log.received == [delivered]
    assert "a fault of ours" in caplog.text


async def test_a_second_start_binds_the_new_subscribers(log: Recorder) -> None:
    delivered: list[Event] = []
    events.start(log.database, delivered.extend)
    await emit_event("attention", NOTE)
    assert (len(delivered), len(log.received)) == (1, 0)


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


async def test_a_second_copy_of_the_orchestrator_reaches_the_same_log(log: Recorder) -> None:
    copy = second_copy(orchestrator)
    assert copy.Orchestrator is not orchestrator.Orchestrator
    event = await copy.emit_event("attention", NOTE)
    assert log.received == [event]
