"""Forecasts of a real project: what would run, from what it did before, and what is kept of it with the batch."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

import agents
from forecast.samples import PastCommand, PastStory
from orchestrator import StartRequest
from payloads import BatchForecast
from running.forecast_inputs import History, rest_of
from running.forecaster import Forecaster
from running.preflight import BadRequest
from runstate.forecast_view import ForecastView
from store.batches import create_batch, get_batch, update_batch
from store.commands import create_command
from store.quota import QuotaWindow, add_window
from store.stories import create_story
from tests.conftest import MakeRunner
from tests.running.projects import Runner
from workflow import CLASSIC

MINUTE = 60_000
FINISHED = {"1-1-a": "done", "1-2-b": "in-progress", "1-3-c": "blocked"}
PLAN = {"1-1-a": "backlog", "1-2-b": "backlog", "2-1-c": "backlog", "2-2-d": "in-progress"}


async def add_history(runner: Runner, stories: int, usd: float | None = 2.0, tokens: int = 1000) -> None:
    """Batches of one story that was planned in one minute, developed in ten and reviewed in five."""
    database, now = runner.database, int(runner.now() * 1000) - 40 * 86_400_000
    for number in range(stories):
        key, begin = f"9-{number}-x", now + number * 3_600_000
        batch = await database.write(create_batch, 1)
        row = await database.write(create_story, batch, key, status="done", entry_status="backlog", started_at=begin)
        for command, minutes in (("create-story", 1), ("dev-story", 10), ("code-review-1", 5)):
            fields: dict[str, Any] = {"cost_usd": usd, "input_tokens": tokens, "output_tokens": 0}
            fields |= {"cache_read_tokens": 0, "cache_write_tokens": 0, "agent": "demo", "model": "sonnet"}
            fields |= {"story_id": row, "story_key": key, "story_keys": [key], "status": "success"}
            end = begin + minutes * MINUTE
            await database.write(create_command, batch, command, started_at=begin, ended_at=end, **fields)
            begin = end
        await database.write(update_batch, batch, status="completed", ended_at=begin)


async def forecast(runner: Runner, **fields: Any) -> ForecastView:
    return await runner.orchestrator.forecaster.before_start(StartRequest(**{"cycles": None, **fields}))


async def test_from_the_stories_that_it_has_finished(make_runner: MakeRunner) -> None:
    runner = await make_runner(PLAN)
    await add_history(runner, 6)
    found = await forecast(runner)
    assert found.story_keys == ["2-2-d", "2-1-c", "1-1-a", "1-2-b"]
    # Three from the beginning, and one whose plan is written.
    assert found.cost_usd == pytest.approx((22.0, 22.0))
    assert found.seconds == pytest.approx((63 * 60, 63 * 60), abs=2)
    assert found.ends_at[0] == pytest.approx(found.at + 63 * MINUTE, abs=2000)
    assert found.tokens is None
    assert (found.basis.stories, found.basis.defaults, found.basis.model) == (6, False, "sonnet")
    assert "from 6 finished stories of this project (demo, sonnet)" in found.basis.text
    one = await forecast(runner, stories=["1-2-b"])
    assert one.story_keys == ["1-2-b"]
    assert one.cost_usd == pytest.approx((6.0, 6.0))
    assert (await forecast(runner, cycles=1)).story_keys == ["2-2-d", "2-1-c"]
    with pytest.raises(BadRequest, match="there is no agent 'nobody'"):
        await forecast(runner, agent="nobody")


async def test_lanes_active_hours_and_a_start_time_are_counted(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog", "2-1-c": "backlog"}, parallel=2)
    await add_history(runner, 6)
    assert (await forecast(runner)).seconds == pytest.approx((960, 960), abs=2)
    begin = datetime.fromtimestamp(runner.now()) + timedelta(hours=2)
    later = await forecast(runner, start_at=begin.timestamp())
    assert later.seconds[0] == pytest.approx(7200 + 960, abs=2)
    # Open for ten minutes of each day: the rest is done a day later.
    opening, closing = begin.replace(second=0), begin.replace(second=0) + timedelta(minutes=10)
    runner.settings = with_settings(runner, active_hours=f"{opening:%H:%M}-{closing:%H:%M}")
    ends = (await forecast(runner)).ends_at
    assert ends[0] / 1000 == pytest.approx(opening.timestamp() + 86_400 + 360, abs=3700)
    assert "The active hours are counted." in (await forecast(runner)).notes


def with_settings(runner: Runner, **changes: Any) -> Any:
    return runner.settings.__class__(agent="demo", retries=1, parallel=2, **changes)


async def test_an_unknown_cost_is_never_zero(make_runner: MakeRunner) -> None:
    runner = await make_runner(PLAN)
    await add_history(runner, 6, None)
    found = await forecast(runner)
    assert found.cost_usd is None
    assert found.tokens == (11_000, 11_000)
    assert found.notes[0].startswith("The cost is unknown: demo has not reported it")


async def test_defaults_are_called_so_and_a_budget_that_is_too_small_is_named(make_runner: MakeRunner) -> None:
    runner = await make_runner(PLAN, budget_day_usd=0.05)
    found = await forecast(runner)
    assert found.basis.defaults
    assert found.basis.text == "from what the demo usually takes"
    assert found.cost_usd is not None
    assert 0.05 < found.cost_usd[0] < found.cost_usd[1] < 10  # a tenth of what a real agent takes
    assert found.seconds[1] < 120
    assert "The budget is used up before the end: $0.05 are left." in found.notes


async def made_again(runner: Runner) -> list[ForecastView | None]:
    """What pages are given after a commit, for two that ask at the same time."""
    forecaster = Forecaster(runner.workspace, runner.run_state, runner.orchestrator.steering.selection, settle_s=0)
    made: list[ForecastView | None] = []
    forecaster.on_change = made.append
    forecaster.committed(runner.events)
    first, second = await asyncio.gather(forecaster.current(), forecaster.current())
    assert first is second is forecaster.latest
    return made


async def test_it_is_kept_with_the_batch_and_is_part_of_its_start(make_runner: MakeRunner) -> None:
    runner = await make_runner(PLAN)
    await add_history(runner, 6)
    batch_id = await runner.start(1)
    [start] = runner.of("batch:start")
    row = await runner.database.read(get_batch, batch_id)
    assert row is not None
    assert row.forecast is not None
    kept = msgspec.json.decode(row.forecast, type=BatchForecast)
    assert kept.stories == 2
    assert kept.cost_usd == pytest.approx((10.0, 10.0))
    assert json.loads(msgspec.json.encode(start["forecast"])) == json.loads(row.forecast)
    rest = await runner.orchestrator.forecaster.rest()
    assert rest is not None
    assert rest.batch_id == batch_id
    made = await made_again(runner)
    assert {view and view.batch_id for view in made} == {batch_id}
    await runner.until_command("dev-story", "command:end")
    less = await runner.orchestrator.forecaster.rest()
    await runner.until_end()
    assert less is not None
    assert less.cost_usd is not None
    assert rest.cost_usd is not None
    assert less.cost_usd[1] < rest.cost_usd[1]
    assert await runner.orchestrator.forecaster.rest() is None


def test_a_story_that_is_finished_is_not_left_over() -> None:
    dev = PastCommand(1, 1, ("1-1-a",), "dev-story", "demo", "", False, 0, 1, 0.1, 10, True)
    stories = [PastStory(1, 1, key, "ready-for-dev", status, 0) for key, status in FINISHED.items()]
    for by_runner, expected in ((True, ["1-2-b"]), (False, ["1-1-a", "1-2-b"])):
        left = rest_of(CLASSIC, History([dev], stories, {}), 1, {1}, by_runner=by_runner)
        assert [story.key for story in left] == expected


async def test_a_forecast_that_fails_keeps_no_batch_from_starting(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await make_runner({"1-1-a": "in-progress"})

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("running.forecaster.forecast_of", broken)
    await runner.run()
    assert "forecast" not in runner.of("batch:start")[0]
    assert runner.statuses() == {"1-1-a": "done"}
    assert "no forecast could be made" in caplog.text


async def test_it_says_for_how_many_stories_a_usage_window_is_enough(make_runner: MakeRunner) -> None:
    runner = await make_runner(PLAN)
    await add_history(runner, 8)
    account = agents.account_of(runner.workspace.agents["demo"])
    begin, now = int(runner.now() * 1000) - 40 * 86_400_000, int(runner.now() * 1000)
    # Each story took a tenth of the window; the history of its readings is as old as the stories.
    base = now - 20 * 86_400_000
    await runner.database.write(lambda connection: move_history(connection, base - begin))
    for number in range(8):
        await add_reading(runner, account, 0.1 * (number + 1), base + number * 3_600_000 + 17 * MINUTE)
    await add_reading(runner, account, 0.75, now)
    await runner.workspace.quota.load(runner.database)
    [window] = (await forecast(runner)).windows
    assert (window.account, window.name) == (account, "5 h")
    assert window.left == pytest.approx(0.25)
    assert window.enough == 2


def move_history(connection: sqlite3.Connection, by: int) -> None:
    for table in ("commands", "stories"):
        connection.execute(f"UPDATE {table} SET started_at = started_at + ?", (by,))
    connection.execute("UPDATE commands SET ended_at = ended_at + ?", (by,))


async def add_reading(runner: Runner, account: str, used: float, at: int) -> None:
    window = QuotaWindow(account=account, window="5 h", used_fraction=used, resets_at=at + 5 * 3_600_000, at=at)
    await runner.database.write(add_window, window)
