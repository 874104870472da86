"""Active hours and start times: the run waits, continues by itself, and gives way to the operator."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from running.waits import SCHEDULED
from store.batches import get_active_batch
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner


def closed_now(runner: Runner) -> str:
    """Hours that open in an hour, by the clock of the runner."""
    opening = datetime.fromtimestamp(runner.now()) + timedelta(hours=1)
    return f"{opening:%H:%M}-{opening + timedelta(hours=1):%H:%M}"


async def paused(runner: Runner, reason: str) -> None:
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == reason)


async def test_outside_of_the_hours_nothing_starts(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    begun = runner.now()
    runner.settings = runner.settings.__class__(agent="demo", active_hours=closed_now(runner))
    await runner.start()
    await paused(runner, "hours")
    assert runner.of("command:start") == []
    assert runner.run_state.run.state == "waiting"
    until = runner.run_state.run.until
    assert until is not None
    assert 0 < until / 1000 - begun <= 3600
    await runner.restart()
    assert runner.run_state.run.state == "waiting"
    runner.now = lambda: time.time() + 3700
    await runner.until_end()
    assert runner.of("batch:resume")[0]["reason"] == "active hours"
    assert runner.statuses() == {"1-1-a": "done"}


async def test_the_operator_opens_them(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    runner.settings = runner.settings.__class__(agent="demo", active_hours=closed_now(runner))
    await runner.start()
    await paused(runner, "hours")
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert len(runner.of("batch:pause")) == 1


async def test_a_change_of_the_setting_counts_at_once(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    runner.settings = runner.settings.__class__(agent="demo", active_hours=closed_now(runner))
    await runner.start()
    await paused(runner, "hours")
    runner.settings = runner.settings.__class__(agent="demo")
    await runner.until_end()
    assert runner.of("batch:resume")[0]["reason"] == "settings"


async def test_hours_that_end_let_the_running_command_end(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["slow:1"]})
    await runner.start()
    await runner.until_command("dev-story")
    runner.settings = runner.settings.__class__(agent="demo", active_hours=closed_now(runner))
    await paused(runner, "hours")
    assert [(end["command"], end["status"]) for end in runner.of("command:end")] == [("dev-story", "success")]
    await runner.orchestrator.resume()
    await runner.until_end()


async def test_a_batch_begins_to_work_at_its_time(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.start(start_at=runner.now() + 3600)
    await paused(runner, SCHEDULED)
    await runner.restart()
    assert (runner.run_state.run.state, runner.run_state.run.reason) == ("waiting", SCHEDULED)
    assert runner.of("command:start") == []
    runner.now = lambda: time.time() + 3700
    await runner.until_end()
    assert runner.of("batch:resume")[0]["reason"] == "start time"


async def test_resume_starts_a_scheduled_batch_now_and_for_good(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent", "ok"]})
    await runner.start(start_at=runner.now() + 3600)
    await paused(runner, SCHEDULED)
    await runner.orchestrator.resume()
    await runner.until_called("dev-story")
    row = await runner.database.read(get_active_batch)
    assert row is not None
    assert row.start_at is None
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert len(runner.of("batch:pause")) == 2
