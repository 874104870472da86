"""The gate: nothing starts while it is closed, a pause is told once, and the longest pause counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import events
import running.gate
from db import Database, create_batch, get_batch
from events import Event
from running.gate import Gate, StopMode, Stopped
from running.workspace import Workspace
from settings import Settings

LONG_S = 10.0


class Scene:
    """A gate over a real log, a clock moved by hand, and everything that was told."""

    def __init__(self, database: Database) -> None:
        self.now = 1000.0
        self.told: list[Event] = []
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
        self.told += committed
        self.changed.set()

    def words(self) -> list[str]:
        return [f"{event.type} {event.payload.get('reason') or event.payload['warning_type']}" for event in self.told]

    def command(self) -> asyncio.Task[None]:
        """A command that wants to start."""
        self.tasks.append(asyncio.create_task(self.gate.enter()))
        return self.tasks[-1]

    async def until(self, count: int) -> list[str]:
        """What was told, once it is so much."""
        async with asyncio.timeout(LONG_S):
            while len(self.told) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.words()

    async def status(self) -> tuple[str, str | None]:
        row = await self.database.read(get_batch, self.gate.batch_id)
        assert row is not None
        return row.status, row.reason

    async def settle(self) -> None:
        """Everything that can go on without time or events has gone on, the disk included."""
        for _ in range(5):
            await self.database.write(lambda _connection: None)
            await asyncio.sleep(0)


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(running.gate, "WAIT_SLICE_S", 0.005)
    database = await Database.open(tmp_path / "gate.db")
    made = Scene(database)
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


async def test_an_open_gate_lets_commands_in_without_a_word(scene: Scene) -> None:
    await done(scene.command(), scene.command())
    assert scene.told == []


async def test_a_pause_is_told_when_the_next_command_would_start(scene: Scene) -> None:
    scene.gate.pause("operator")
    assert scene.gate.paused
    assert not scene.gate.holds
    waiting = scene.command()
    assert await scene.until(1) == ["batch:pause operator"]
    assert scene.gate.holds
    assert await scene.status() == ("paused", "operator")
    assert not waiting.done()


async def test_a_pause_under_a_running_command_is_announced_as_pausing_once(scene: Scene) -> None:
    scene.gate.inside = 1
    scene.gate.pause("operator")
    scene.gate.pause("operator")
    assert await scene.until(1) == ["batch:warning pausing"]
    scene.gate.inside = 0
    scene.command()
    scene.command()
    assert await scene.until(2) == ["batch:warning pausing", "batch:pause operator"]
    await scene.settle()
    assert len(scene.told) == 2


async def test_a_resume_lets_every_waiting_command_in_and_is_told_once(scene: Scene) -> None:
    scene.gate.pause("operator")
    waiting = [scene.command() for _ in range(3)]
    await scene.until(1)
    scene.gate.resume()
    await done(*waiting)
    assert await scene.until(2) == ["batch:pause operator", "batch:resume operator"]
    await scene.settle()
    assert len(scene.told) == 2
    assert await scene.status() == ("running", None)
    await done(scene.command())


async def test_a_resume_before_the_pause_came_about(scene: Scene) -> None:
    scene.gate.inside = 1
    scene.gate.pause("operator")
    scene.gate.resume()
    assert await scene.until(2) == ["batch:warning pausing", "batch:resume operator"]
    await done(scene.command())
    scene.gate.pause("operator")
    assert (await scene.until(3))[2] == "batch:warning pausing"


async def test_a_resume_without_anybody_waiting_is_told_by_the_next_command(scene: Scene) -> None:
    """After a restart the page knows of the pause, and the operator may be faster than the first command."""
    scene.gate.pause("operator", announced=True)
    assert scene.gate.holds
    scene.gate.resume()
    await done(scene.command())
    assert scene.words() == ["batch:resume operator"]


async def test_a_pause_that_the_page_knows_is_not_told_again(scene: Scene) -> None:
    scene.gate.pause("budget", announced=True)
    waiting = scene.command()
    await scene.settle()
    assert scene.told == []
    scene.gate.resume()
    await done(waiting)
    assert scene.words() == ["batch:resume operator"]


async def test_a_pause_during_the_resume_holds_the_command(scene: Scene) -> None:
    scene.gate.pause("operator")
    waiting = scene.command()
    await scene.until(1)
    scene.gate.resume()
    await asyncio.sleep(0)
    scene.gate.pause("operator")
    await scene.settle()
    assert not waiting.done()
    assert scene.words()[-1] == "batch:pause operator"
    scene.gate.resume()
    await done(waiting)


# -- limits --------------------------------------------------------------------------------------------------------


async def test_a_limit_is_waited_out_by_the_clock(scene: Scene) -> None:
    scene.gate.pause("usage-limit", 1060.0)
    waiting = scene.command()
    await scene.until(1)
    assert scene.told[0].payload["until"] == 1_060_000
    scene.now = 1059.9
    await scene.settle()
    assert not waiting.done()
    scene.now = 1060.0
    await done(waiting)
    assert scene.words() == ["batch:pause usage-limit", "batch:resume limit over"]


async def test_the_operator_may_try_before_the_limit_is_over(scene: Scene) -> None:
    scene.gate.pause("usage-limit", 5000.0)
    waiting = scene.command()
    await scene.until(1)
    scene.gate.resume()
    await done(waiting)
    assert scene.words()[-1] == "batch:resume operator"


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
    scene: Scene, first: tuple[str, Any], second: tuple[str, Any], holds: tuple[str, Any], waiting: bool
) -> None:
    """A limit that passes must not lift what the operator or the budget has closed."""
    scene.gate.pause(*first)
    if waiting:
        scene.command()
        await scene.until(1)
    scene.gate.pause(*second)
    command = scene.command()
    told = await scene.until(2 if waiting and holds != first else 1)
    assert told[-1] == f"batch:pause {holds[0]}"
    assert (scene.gate.reason, scene.gate.until) == holds
    scene.now = holds[1] or 1_000_000.0
    if holds[1] is None:
        await asyncio.sleep(0.02)
        assert not command.done()
    else:
        await done(command)


# -- stop ----------------------------------------------------------------------------------------------------------

MODES = [(StopMode.GRACEFUL, "stopping"), (StopMode.NOW, "stopping"), (StopMode.INTERRUPT, None)]


@pytest.mark.parametrize(("mode", "warned"), MODES)
async def test_after_a_stop_nothing_starts(scene: Scene, mode: StopMode, warned: str | None) -> None:
    scene.gate.stop(mode)
    with pytest.raises(Stopped):
        await scene.gate.enter()
    assert await scene.until(1 if warned else 0) == ([f"batch:warning {warned}"] if warned else [])


@pytest.mark.parametrize("mode", list(StopMode))
async def test_a_stop_opens_a_paused_gate_only_to_end_the_run(scene: Scene, mode: StopMode) -> None:
    scene.gate.pause("operator")
    waiting = [scene.command(), scene.command()]
    await scene.until(1)
    scene.gate.stop(mode)
    for task in waiting:
        with pytest.raises(Stopped):
            await task
    assert "batch:resume operator" not in scene.words()


async def test_a_stop_during_the_resume_starts_nothing(scene: Scene) -> None:
    scene.gate.pause("operator")
    waiting = scene.command()
    await scene.until(1)
    scene.gate.resume()
    await asyncio.sleep(0)
    scene.gate.stop(StopMode.GRACEFUL)
    with pytest.raises(Stopped):
        await waiting


async def test_a_pause_after_a_stop_says_nothing(scene: Scene) -> None:
    scene.gate.inside = 1
    scene.gate.stop(StopMode.GRACEFUL)
    scene.gate.pause("budget")
    await scene.settle()
    assert scene.words() == ["batch:warning stopping"]
    assert not scene.gate.paused


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
async def test_a_stop_only_ever_gets_faster(scene: Scene, modes: list[StopMode], mode: StopMode, ended: int) -> None:
    ends: list[int] = []
    scene.gate.on_stop_now.append(lambda: ends.append(1))
    for each in modes:
        scene.gate.stop(each)
    assert (scene.gate.stop_mode, len(ends)) == (mode, ended)
    await scene.settle()
    assert scene.words() == ([] if modes[0] is StopMode.INTERRUPT else ["batch:warning stopping"])


async def test_a_failed_run_ends_its_agents(scene: Scene) -> None:
    ends: list[int] = []
    scene.gate.on_stop_now.append(lambda: ends.append(1))
    scene.gate.end_agents()
    assert (ends, scene.gate.stop_mode) == ([1], StopMode.NOW)
    with pytest.raises(Stopped):
        await scene.gate.enter()


async def test_a_backoff_lasts_by_the_clock_or_until_a_stop(scene: Scene) -> None:
    sleeping = asyncio.create_task(scene.gate.sleep(60))
    scene.tasks.append(sleeping)
    await asyncio.sleep(0.02)
    assert not sleeping.done()
    scene.now += 60
    await done(sleeping)
    again = asyncio.create_task(scene.gate.sleep(60))
    await asyncio.sleep(0)
    scene.gate.stop(StopMode.GRACEFUL)
    await done(again)


# -- work of our own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(StopMode))
async def test_a_stop_now_cuts_our_own_work_short_and_a_graceful_one_does_not(scene: Scene, mode: StopMode) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        await end.wait()
        return "done"

    attending = asyncio.create_task(scene.gate.attend(work()))
    await begun.wait()
    scene.gate.stop(mode)
    if mode is StopMode.GRACEFUL:
        end.set()
        assert await attending == "done"
    else:
        with pytest.raises(Stopped):
            await attending
        with pytest.raises(Stopped):
            await scene.gate.attend(work())
    assert scene.gate.on_stop_now == []


async def test_work_that_fails_says_so(scene: Scene) -> None:
    async def work() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await scene.gate.attend(work())
    assert scene.gate.on_stop_now == []
