"""The task beside the run: woken by its events, and ended by nothing but its stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from events import Event, EventType
from running.follower import Follower
from store.writer import DatabaseUnavailable

ENDED = Event(type=EventType.BATCH_END, payload={}, timestamp=0)
OTHER = Event(type=EventType.ATTENTION, payload={}, timestamp=0)


class Counting(Follower):
    """A follower whose works come out of a list, one after the other."""

    name = "counting"
    waking = (EventType.BATCH_END,)
    fault_s = 0.0

    def __init__(self, *works: Callable[[], float | None]) -> None:
        super().__init__()
        self.works = list(works)
        self.done = 0
        self.faults: list[str] = []

    async def work(self) -> float | None:
        self.done += 1
        return self.works.pop(0)() if self.works else None

    def failed(self, error: Exception) -> None:
        super().failed(error)
        self.faults.append(str(error))


def broken() -> float | None:
    raise RuntimeError("a fault of ours")


def unavailable() -> float | None:
    raise DatabaseUnavailable("full")


async def test_only_its_events_wake_it() -> None:
    follower = Counting()
    follower.start()
    await follower.settled()
    follower.take([OTHER])
    await follower.settled()
    assert follower.done == 1
    follower.take([OTHER, ENDED])
    await follower.settled()
    assert follower.done == 2
    await follower.stop()


async def test_a_fault_is_logged_and_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    follower = Counting(broken, lambda: None)
    follower.start()
    while follower.done < 2:
        await asyncio.sleep(0)
    assert follower.faults == ["a fault of ours"]
    assert "counting: an internal error" in caplog.text
    follower.take([ENDED])
    await follower.settled()
    assert follower.done == 3
    await follower.stop()


async def test_a_database_that_takes_no_writes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("running.follower.DATABASE_S", 0.0)
    follower = Counting(unavailable, lambda: None)
    follower.start()
    while follower.done < 2:
        await asyncio.sleep(0)
    assert follower.faults == []
    await follower.stop()


async def test_it_looks_again_after_the_time_that_its_work_names() -> None:
    follower = Counting(lambda: 0.0, lambda: 0.0, lambda: None)
    follower.start()
    while follower.done < 3:
        await asyncio.sleep(0)
    await follower.settled()
    assert follower.done == 3
    await follower.stop()
