"""Tests of the scheduler without agents: number and epics of parallel cycles, their order of ends, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, cast

import pytest

import running.lanes.scheduler
from running.cycle_source import PlannedCycle
from running.gate import Stopped
from running.journal import Journal
from running.lanes.place import Places
from running.lanes.scheduler import Scheduler
from running.story import StoryRun
from tests.running.projects import LONG_S


class OpenGate:
    ended = False

    def end_agents(self) -> None:
        self.ended = True


class Road:
    """A queue of cycles by epic, each in a lane that works until it is let go. Also the context of its scheduler."""

    workspace = None
    completed = 0

    def __init__(self, width: int, *epics: str) -> None:
        self.waiting = list(enumerate(epics, start=1))
        self.gate = OpenGate()
        self.running: dict[int, asyncio.Future[None]] = {}
        self.worked: list[int] = []
        self.ended: list[int] = []
        self.most = self.taken = 0
        self.scheduler = Scheduler(cast(Any, self), cast(Any, self), width, Places(width))

    def next_outside_lanes(self) -> None:
        return None

    async def next(self, busy: Collection[str]) -> PlannedCycle | None:
        for place, (_, epic) in enumerate(self.waiting):
            if epic not in busy:
                self.waiting.pop(place)
                self.taken += 1
                stories = [StoryRun(0, f"{epic}-1-x", epic, "", "backlog", "backlog")]
                return PlannedCycle(self.taken, stories, Journal(), cast(Any, "a lane"))
        return None

    async def end(self, cycle: PlannedCycle, done: list[str], merge: str | None) -> None:
        del self.running[cycle.number]
        self.ended.append(cycle.number)

    def start(self) -> asyncio.Task[None]:
        """A run that hangs has failed."""
        return asyncio.create_task(asyncio.wait_for(self.scheduler.run(), LONG_S))

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


class FakeLane:
    """The work of a cycle in its lane, without a worktree."""

    merged = None

    def __init__(self, road: Road, cycle: PlannedCycle, _names: object, _places: object) -> None:
        self.road, self.number = road, cycle.number

    async def work(self) -> None:
        self.road.running[self.number] = asyncio.get_running_loop().create_future()
        self.road.most = max(self.road.most, len(self.road.running))
        await self.road.running[self.number]
        self.road.worked.append(self.number)

    async def finish(self) -> list[str]:
        return []

    async def close(self) -> None:
        return


@pytest.fixture(autouse=True)
def _lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.lanes.scheduler, "LaneRun", FakeLane)


async def test_cycles_end_in_the_order_of_their_numbers() -> None:
    road = Road(2, "1", "1", "2", "2")
    whole = road.start()
    await road.settle()
    assert sorted(road.running) == [1, 2]
    road.running[2].set_result(None)
    await road.settle()
    assert (road.worked, road.ended, road.most) == ([2], [], 2)
    road.running[1].set_result(None)
    await road.settle()
    assert road.ended == [1, 2]
    for _ in range(2):
        for future in list(road.running.values()):
            if not future.done():
                future.set_result(None)
        await road.settle()
    await whole
    assert (road.ended, road.waiting, road.most) == ([1, 2, 3, 4], [], 2)


async def test_one_epic_never_runs_beside_itself() -> None:
    road = Road(3, "1", "1", "1")
    whole = road.start()
    for number in (1, 2, 3):
        await road.settle()
        assert list(road.running) == [number]
        road.running[number].set_result(None)
    await whole
    assert road.most == 1


async def test_a_failure_ends_the_others_and_comes_out() -> None:
    """Also for one that waits for its turn, and before one that only stopped because of it."""
    road = Road(3, "1", "2", "3")
    whole = road.start()
    await road.settle()
    road.running[3].set_result(None)
    await road.settle()
    road.running[2].set_exception(ValueError("broken"))
    await road.settle()
    assert road.gate.ended
    road.running[1].set_exception(Stopped())
    with pytest.raises(ValueError, match="broken"):
        await whole
    assert road.ended == []


async def test_a_stop_is_a_stop() -> None:
    road = Road(2, "1", "2")
    whole = road.start()
    await road.settle()
    for future in road.running.values():
        future.set_exception(Stopped())
    with pytest.raises(Stopped):
        await whole
    assert not road.gate.ended


@pytest.mark.parametrize("stopped", [1, 2])
async def test_of_cycles_that_end_at_the_same_time_none_is_overlooked(stopped: int) -> None:
    road = Road(2, "1", "2")
    whole = road.start()
    await road.settle()
    for number, waiting in road.running.items():
        waiting.set_exception(Stopped() if number == stopped else ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await whole
    assert road.gate.ended
