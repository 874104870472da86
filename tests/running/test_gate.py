"""Tests of the gate: nothing starts while it is closed, a pause is emitted once, the longest pause counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import events
import running.gate
from db import Database
from events import Event
from running.gate import Gate, StopMode, Stopped
from running.workspace import Workspace
from settings import Settings
from store.batches import create_batch, get_batch

LONG_S = 10.0


class GateHarness:
    """A gate over a real log, a clock moved by hand, and everything that was emitted."""

    def __init__(self, database: Database) -> None:
        self.now = 1000.0
        self.reported: list[Event] = []
        self.changed = asyncio.Event()
        self.database = database
        self.tasks: list[asyncio.Task[None]] = []
        events.start(database, self.hear)

    async def open(self, folder: Path) -> None:
        batch_id = await self.database.write(create_batch, 2)
        nothing = cast(Any, None)
        workspace = Workspace(nothing, Settings, {}, self.database, folder, folder, None, lambda: self.now)
        self.gate = Gate(workspace, batch_id)

    def hear(self, committed: Sequence[Event]) -> None:
        self.reported += committed
        self.changed.set()

    def words(self) -> list[str]:
        return [
            f"{event.type} {event.payload.get('reason') or event.payload['warning_type']}" for event in self.reported
        ]

    def command(self) -> asyncio.Task[None]:
        """A command that wants to start."""
        self.tasks.append(asyncio.create_task(self.gate.enter()))
        return self.tasks[-1]

    async def until(self, count: int) -> list[str]:
        """What was emitted, once it is so much."""
        async with asyncio.timeout(LONG_S):
            while len(self.reported) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.words()

    async def status(self) -> tuple[str, str | None]:
        row = await self.database.read(get_batch, self.gate.batch_id)
        assert row is not None
        return row.status, row.reason

    async def settle(self) -> None:
        """Everything that can continue without time or events has continued, the disk included."""
        for _ in range(5):
            await self.database.write(lambda _connection: None)
            await asyncio.sleep(0)


@pytest.fixture
async def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GateHarness]:
    monkeypatch.setattr(running.gate, "WAIT_SLICE_S", 0.005)
    database = await Database.open(tmp_path / "gate.db")
    made = GateHarness(database)
    await made.open(tmp_path)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    events.stop()
    await database.close()


async def done(*tasks: asyncio.Task[None]) -> None:
    async with asyncio.timeout(LONG_S):
        await asyncio.gather(*tasks)


async def test_an_open_gate_lets_commands_in_without_a_word(harness: GateHarness) -> None:
    await done(harness.command(), harness.command())
    assert harness.reported == []


async def test_a_pause_is_emitted_when_the_next_command_would_start(harness: GateHarness) -> None:
    harness.gate.pause("operator")
    assert harness.gate.paused
    assert not harness.gate.is_announced
    waiting = harness.command()
    assert await harness.until(1) == ["batch:pause operator"]
    assert harness.gate.is_announced
    assert await harness.status() == ("paused", "operator")
    assert not waiting.done()


async def test_a_pause_under_a_running_command_is_announced_as_pausing_once(harness: GateHarness) -> None:
    with harness.gate.command():
        harness.gate.pause("operator")
        harness.gate.pause("operator")
        assert await harness.until(1) == ["batch:warning pausing"]
    harness.command()
    harness.command()
    assert await harness.until(2) == ["batch:warning pausing", "batch:pause operator"]
    await harness.settle()
    assert len(harness.reported) == 2


async def test_a_resume_admits_every_waiting_command_and_is_emitted_once(harness: GateHarness) -> None:
    harness.gate.pause("operator")
    waiting = [harness.command() for _ in range(3)]
    await harness.until(1)
    harness.gate.resume()
    await done(*waiting)
    assert await harness.until(2) == ["batch:pause operator", "batch:resume operator"]
    await harness.settle()
    assert len(harness.reported) == 2
    assert await harness.status() == ("running", None)
    await done(harness.command())


async def test_a_resume_before_the_pause_came_about(harness: GateHarness) -> None:
    with harness.gate.command():
        harness.gate.pause("operator")
        harness.gate.resume()
        assert await harness.until(2) == ["batch:warning pausing", "batch:resume operator"]
        await done(harness.command())
        harness.gate.pause("operator")
        assert (await harness.until(3))[2] == "batch:warning pausing"


async def test_a_resume_without_a_waiting_command_is_emitted_by_the_next_one(harness: GateHarness) -> None:
    """After a restart the page knows of the pause, and the operator may be faster than the first command."""
    harness.gate.pause("operator", announced=True)
    assert harness.gate.is_announced
    harness.gate.resume()
    await done(harness.command())
    assert harness.words() == ["batch:resume operator"]


async def test_a_pause_that_the_page_knows_is_not_emitted_again(harness: GateHarness) -> None:
    harness.gate.pause("budget", announced=True)
    waiting = harness.command()
    await harness.settle()
    assert harness.reported == []
    harness.gate.resume()
    await done(waiting)
    assert harness.words() == ["batch:resume operator"]


async def test_a_pause_during_the_resume_holds_the_command(harness: GateHarness) -> None:
    harness.gate.pause("operator")
    waiting = harness.command()
    await harness.until(1)
    harness.gate.resume()
    await asyncio.sleep(0)
    harness.gate.pause("operator")
    await harness.settle()
    assert not waiting.done()
    assert harness.words()[-1] == "batch:pause operator"
    harness.gate.resume()
    await done(waiting)


# -- limits --------------------------------------------------------------------------------------------------------


async def test_a_limit_is_waited_out_by_the_clock(harness: GateHarness) -> None:
    harness.gate.pause("usage-limit", 1060.0)
    waiting = harness.command()
    await harness.until(1)
    assert harness.reported[0].payload["until"] == 1_060_000
    harness.now = 1059.9
    await harness.settle()
    assert not waiting.done()
    harness.now = 1060.0
    await done(waiting)
    assert harness.words() == ["batch:pause usage-limit", "batch:resume limit over"]


async def test_the_operator_may_try_before_the_limit_is_over(harness: GateHarness) -> None:
    harness.gate.pause("usage-limit", 5000.0)
    waiting = harness.command()
    await harness.until(1)
    harness.gate.resume()
    await done(waiting)
    assert harness.words()[-1] == "batch:resume operator"


# what closes the gate first, what second, and what holds then
LONGEST: list[tuple[tuple[str, float | None], tuple[str, float | None], tuple[str, float | None]]] = [
    (("operator", None), ("usage-limit", 1060.0), ("operator", None)),
    (("budget", None), ("usage-limit", 1060.0), ("budget", None)),
    (("usage-limit", 1060.0), ("budget", None), ("budget", None)),
    (("usage-limit", 1060.0), ("operator", None), ("operator", None)),
    (("usage-limit", 1060.0), ("usage-limit", 1120.0), ("usage-limit", 1120.0)),
    (("usage-limit", 1120.0), ("usage-limit", 1060.0), ("usage-limit", 1120.0)),
    (("operator", None), ("budget", None), ("operator", None)),
]


@pytest.mark.parametrize(("first", "second", "holds"), LONGEST)
@pytest.mark.parametrize("waiting", [True, False])
async def test_the_longest_pause_counts(
    harness: GateHarness, first: tuple[str, Any], second: tuple[str, Any], holds: tuple[str, Any], waiting: bool
) -> None:
    """A limit that passes must not lift what the operator or the budget has closed."""
    harness.gate.pause(*first)
    if waiting:
        harness.command()
        await harness.until(1)
    harness.gate.pause(*second)
    command = harness.command()
    reported = await harness.until(2 if waiting and holds != first else 1)
    assert reported[-1] == f"batch:pause {holds[0]}"
    assert (harness.gate.reason, harness.gate.until) == holds
    harness.now = holds[1] or 1_000_000.0
    if holds[1] is None:
        await asyncio.sleep(0.02)
        assert not command.done()
    else:
        await done(command)


# -- stop ----------------------------------------------------------------------------------------------------------

MODES = [(StopMode.GRACEFUL, "stopping"), (StopMode.NOW, "stopping"), (StopMode.INTERRUPT, None)]


@pytest.mark.parametrize(("mode", "warned"), MODES)
async def test_after_a_stop_nothing_starts(harness: GateHarness, mode: StopMode, warned: str | None) -> None:
    harness.gate.stop(mode)
    with pytest.raises(Stopped):
        await harness.gate.enter()
    assert await harness.until(1 if warned else 0) == ([f"batch:warning {warned}"] if warned else [])


@pytest.mark.parametrize("mode", list(StopMode))
async def test_a_stop_opens_a_paused_gate_only_to_end_the_run(harness: GateHarness, mode: StopMode) -> None:
    harness.gate.pause("operator")
    waiting = [harness.command(), harness.command()]
    await harness.until(1)
    harness.gate.stop(mode)
    for task in waiting:
        with pytest.raises(Stopped):
            await task
    assert "batch:resume operator" not in harness.words()


async def test_a_stop_during_the_resume_starts_nothing(harness: GateHarness) -> None:
    harness.gate.pause("operator")
    waiting = harness.command()
    await harness.until(1)
    harness.gate.resume()
    await asyncio.sleep(0)
    harness.gate.stop(StopMode.GRACEFUL)
    with pytest.raises(Stopped):
        await waiting


async def test_a_pause_after_a_stop_says_nothing(harness: GateHarness) -> None:
    with harness.gate.command():
        harness.gate.stop(StopMode.GRACEFUL)
        harness.gate.pause("budget")
    await harness.settle()
    assert harness.words() == ["batch:warning stopping"]
    assert not harness.gate.paused


FASTER = [
    ([StopMode.GRACEFUL], StopMode.GRACEFUL, 0),
    ([StopMode.NOW], StopMode.NOW, 1),
    ([StopMode.INTERRUPT], StopMode.INTERRUPT, 1),
    ([StopMode.GRACEFUL, StopMode.NOW], StopMode.NOW, 1),
    ([StopMode.NOW, StopMode.GRACEFUL], StopMode.NOW, 2),
    ([StopMode.NOW, StopMode.INTERRUPT], StopMode.INTERRUPT, 2),
    ([StopMode.INTERRUPT, StopMode.NOW], StopMode.INTERRUPT, 2),
    ([StopMode.INTERRUPT, StopMode.GRACEFUL], StopMode.INTERRUPT, 2),
]


@pytest.mark.parametrize(("modes", "mode", "ended"), FASTER)
async def test_a_stop_only_ever_gets_faster(
    harness: GateHarness, modes: list[StopMode], mode: StopMode, ended: int
) -> None:
    ends: list[int] = []
    with harness.gate.on_stop(lambda: ends.append(1)):
        for each in modes:
            harness.gate.stop(each)
    assert (harness.gate.stop_mode, len(ends)) == (mode, ended)
    await harness.settle()
    assert harness.words() == ([] if modes[0] is StopMode.INTERRUPT else ["batch:warning stopping"])


async def test_a_failed_run_ends_its_agents(harness: GateHarness) -> None:
    ends: list[int] = []
    with harness.gate.on_stop(lambda: ends.append(1)):
        harness.gate.end_agents()
    assert (ends, harness.gate.stop_mode) == ([1], StopMode.NOW)
    with pytest.raises(Stopped):
        await harness.gate.enter()


async def test_a_backoff_lasts_by_the_clock_or_until_a_stop(harness: GateHarness) -> None:
    sleeping = asyncio.create_task(harness.gate.sleep(60))
    harness.tasks.append(sleeping)
    await asyncio.sleep(0.02)
    assert not sleeping.done()
    harness.now += 60
    await done(sleeping)
    again = asyncio.create_task(harness.gate.sleep(60))
    await asyncio.sleep(0)
    harness.gate.stop(StopMode.GRACEFUL)
    await done(again)


async def test_work_beside_the_run_waits_alone(harness: GateHarness) -> None:
    waiting = asyncio.create_task(harness.gate.wait_beside("retry", harness.now + 60))
    harness.tasks.append(waiting)
    await asyncio.sleep(0.02)
    assert not harness.gate.paused
    await done(asyncio.create_task(harness.gate.enter()))
    harness.now += 60
    await done(waiting)
    assert not harness.gate.paused


async def test_its_wait_is_the_runs_once_the_run_waits_for_it(harness: GateHarness) -> None:
    gate = harness.gate
    waiting = asyncio.create_task(gate.wait_beside("retry", harness.now + 60))
    harness.tasks.append(waiting)
    await asyncio.sleep(0)
    with gate.command(), gate.waits_for_background():
        await asyncio.sleep(0.02)
        assert not gate.paused  # another lane continues
    with gate.waits_for_background():
        await done(waiting)
        assert (gate.reason, gate.until) == ("retry", harness.now + 60)
        entering = asyncio.create_task(gate.enter())
        harness.tasks.append(entering)
        await harness.until(1)
        gate.resume()
        await done(entering)
    assert [event.type for event in harness.reported] == ["batch:pause", "batch:resume"]


# -- work of our own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(StopMode))
async def test_a_stop_now_cuts_our_own_work_short_and_a_graceful_one_does_not(
    harness: GateHarness, mode: StopMode
) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        await end.wait()
        return "done"

    attending = asyncio.create_task(harness.gate.run_interruptible(work()))
    await begun.wait()
    harness.gate.stop(mode)
    if mode is StopMode.GRACEFUL:
        end.set()
        assert await attending == "done"
    else:
        with pytest.raises(Stopped):
            await attending
        with pytest.raises(Stopped):
            await harness.gate.run_interruptible(work())
    assert harness.gate._on_stop == []


async def test_work_that_fails_says_so(harness: GateHarness) -> None:
    async def work() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await harness.gate.run_interruptible(work())
    assert harness.gate._on_stop == []
