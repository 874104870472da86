"""A reserve, several agents and their windows, in batches over a real project: what waits, and who takes over.

The week has its own clock and its own agents; the other tests run the scripted agent as a process.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct

import running.command_waits
from base.clock_times import Windows
from orchestrator import NotNow
from running.agent_choice import RESERVE
from settings import AgentConfig, CommandConfig
from store import quota as table
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner
from tests.running.weeks import HOUR, Account, Week

STORIES = {f"{epic}-{number}-part": "review" for epic in range(1, 9) for number in range(1, 17)}
DAY_HOURS = "08:00-18:00"


def week_settings(**more: Any) -> dict[str, Any]:
    configs = {name: AgentConfig("claude", [f"no-{name}"]) for name in ("first", "second")}
    return {"agent": ["first", "second"], "agents": configs, "reserve_percent": "5 h: 30, week: 10", **more}


def reserved(name: str, now: float) -> float:
    hours = Windows.parse(DAY_HOURS)
    assert hours is not None
    return {"five_hour": 0.3, "seven_day": 0.1}[name] if hours.are_open(now) else 0.0


async def test_a_week_of_two_accounts(make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = await make_runner(STORIES, git=False, **week_settings(reserve_hours=DAY_HOURS))
    accounts = {name: Account({"five_hour": 3.0, "seven_day": 55.0}) for name in ("first", "second")}
    week = Week(runner, accounts, reserved, seed=1)
    week.patch(monkeypatch)
    began, dice = week.now, random.Random(2)
    await runner.start()
    for _ in itertools.count():
        finished = asyncio.ensure_future(runner.orchestrator.finished())
        done, _ = await asyncio.wait({finished}, timeout=dice.uniform(0.05, 0.3))
        if done:
            break
        finished.cancel()
        await meddle(runner, week, dice)
    assert week.broken == []
    assert max(week.over) <= 1.5 + 1e-9  # the work of one command
    assert set(runner.statuses().values()) == {"done"}
    assert len(runner.of("batch:end")) == 1
    assert week.now - began > 7 * 24 * HOUR
    agents = [agent for agent, _, _ in week.calls]
    switches = runner.of("agent:switch")
    assert {*agents} == {"first", "second"}
    assert {switch["to_agent"] for switch in switches} == {"first", "second"}
    hours = [datetime.fromtimestamp(when).hour for _, _, when in week.calls]
    assert any(hour >= 18 or hour < 8 for hour in hours)


async def meddle(runner: Runner, week: Week, dice: random.Random) -> None:
    """The operator at any moment: a pause and a resume, or another server."""
    try:
        if dice.random() < 0.4:
            await runner.restart()
            week.add_agents(runner)
        else:
            runner.orchestrator.pause()
            await asyncio.sleep(0.01)
        await runner.orchestrator.resume()
    except NotNow:
        return


# -- one agent after the other -------------------------------------------------------------------------------------


async def make_pair(make_runner: MakeRunner, script: dict[str, Any], **settings: Any) -> Runner:
    """A runner with the scripted agent twice, as two accounts: "demo" and "second"."""
    runner = await make_runner(READY, script, agent=["demo", "second"], **settings)
    add_second(runner)
    return runner


def add_second(runner: Runner) -> None:
    specs: Any = runner.workspace.agents
    specs["second"] = replace(specs["demo"], name="second", env={"CLAUDE_CONFIG_DIR": "/second"})


async def agents_of(runner: Runner, batch_id: int) -> list[tuple[str, str, str]]:
    _, commands = await runner.rows(batch_id)
    return [(row.command, row.agent, row.status) for row in commands if row.agent != "runner"]


async def test_at_a_limit_the_next_command_goes_to_the_next_account(make_runner: MakeRunner) -> None:
    runner = await make_pair(make_runner, {"dev-story": ["usage-limit:3600", "ok"]})
    batch_id = await runner.run()
    assert await agents_of(runner, batch_id) == [
        ("dev-story", "demo", "usage-limit"),
        ("dev-story", "second", "success"),
        ("code-review-1", "second", "success"),
    ]
    (switch,) = runner.of("agent:switch")
    assert (switch["from_agent"], switch["to_agent"], switch["command"]) == ("demo", "second", "dev-story")
    assert switch["reason"].startswith("second takes over from demo, which waits: at its usage limit until ")
    _, commands = await runner.rows(batch_id)
    assert [row.agent_change for row in commands if row.agent_change] == [switch["reason"]]
    assert runner.of("batch:pause") == []
    (change,) = runner.of("quota:change")
    (row,) = await runner.database.read(table.current)
    assert change == {name: getattr(row, name) for name in row.__struct_fields__}
    assert (row.account, row.window, row.used_fraction) == ("agent.py", "5 h", 1.0)


async def test_the_first_comes_back_when_its_window_opens(make_runner: MakeRunner) -> None:
    runner = await make_pair(make_runner, {"dev-story": ["usage-limit:3600", "slow:1"]})
    batch_id = await runner.start()
    await runner.until_command("dev-story", times=2)
    runner.now = lambda: time.time() + 3700
    await runner.until_end()
    ran = [(command, agent) for command, agent, _ in await agents_of(runner, batch_id)]
    assert ran == [("dev-story", "demo"), ("dev-story", "second"), ("code-review-1", "demo")]
    assert runner.of("agent:switch")[1]["reason"] == "demo can work again, and comes before second"


async def test_a_wait_and_the_order_survive_a_restart(make_runner: MakeRunner) -> None:
    """A session of the second stays with it, although the first one could work again."""
    runner = await make_pair(make_runner, {"dev-story": ["usage-limit:3600", "slow:60", "ok"]})
    batch_id = await runner.start()
    await runner.until_command("dev-story", times=2)
    await runner.until_called("dev-story", times=2)
    await runner.restart()
    add_second(runner)
    await runner.orchestrator.resume()  # which also tries every account again
    await runner.until_end()
    ran = [(command, agent) for command, agent, _ in await agents_of(runner, batch_id)]
    assert ran[:3] == [("dev-story", "demo"), ("dev-story", "second"), ("dev-story", "second")]
    assert runner.statuses() == {"1-1-a": "done"}


async def test_an_agent_that_cannot_run_lets_the_next_one_work(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.command_waits, "MISSING_BACKOFF_S", ())
    runner = await make_runner(READY, agent=["missing", "demo"])
    batch_id = await runner.run()
    assert {agent for _, agent, _ in await agents_of(runner, batch_id)} == {"missing", "demo"}
    assert runner.statuses() == {"1-1-a": "done"}
    assert [call["kind"] for call in runner.of("attention")] == ["agent"]
    assert "agent" in [warning["warning_type"] for warning in runner.of("batch:warning")]


async def test_when_all_wait_the_run_waits_for_the_first_that_opens(make_runner: MakeRunner) -> None:
    runner = await make_pair(make_runner, {"dev-story": ["usage-limit:7200", "usage-limit:3600", "ok"]})
    began = time.time()
    batch_id = await runner.start()
    pause = await runner.until(lambda event: event.type == "batch:pause")
    assert pause.payload["reason"] == "usage-limit"
    assert 3500 < pause.payload["until"] / 1000 - began < 3700
    assert runner.run_state.run.state == "waiting"
    runner.now = lambda: time.time() + 3700
    await runner.until_end()
    ran = [agent for _, agent, _ in await agents_of(runner, batch_id)]
    assert ran[:3] == ["demo", "second", "second"]


async def test_a_command_has_its_own_list(make_runner: MakeRunner) -> None:
    own = {"code-review": CommandConfig(agent=["second", "demo"], model="opus")}
    runner = await make_pair(make_runner, {}, commands=own)
    batch_id = await runner.run()
    _, commands = await runner.rows(batch_id)
    ran = [(row.command, row.agent, row.model) for row in commands if row.agent != "runner"]
    assert [(command, agent) for command, agent, _ in ran] == [("dev-story", "demo"), ("code-review-1", "second")]
    assert runner.of("agent:switch") == []


# -- the reserve ---------------------------------------------------------------------------------------------------


async def use(runner: Runner, used: float, hours: float = 2.0) -> None:
    """Let the scripted agent's 5 h window be used so far."""
    now = int(runner.now() * 1000)
    row = table.QuotaWindow(
        account="agent.py", window="5 h", used_fraction=used, resets_at=now + int(hours * HOUR * 1000), at=now
    )
    runner.workspace.quota.keep(row)
    await runner.database.write(table.add_window, row)


async def reserve_wait(runner: Runner, times: int = 1) -> None:
    count = itertools.count(1)
    await runner.until(
        lambda event: event.type == "batch:pause" and event.payload["reason"] == RESERVE and next(count) >= times
    )


async def test_the_reserve_holds_in_every_order(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, reserve_percent=30)
    await use(runner, 0.75)
    await runner.start()
    await reserve_wait(runner)
    assert runner.of("command:start") == []
    assert runner.run_state.run.state == "waiting"
    messages = [warning["message"] for warning in runner.of("batch:warning")]
    assert any("75% of the 5 h window is used, and 30% is reserved" in message for message in messages)
    with pytest.raises(NotNow, match="lower reserve_percent"):
        await runner.orchestrator.resume()
    runner.orchestrator.pause()
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "operator")
    await runner.orchestrator.resume()
    await reserve_wait(runner, times=2)
    await runner.restart()
    await reserve_wait(runner, times=3)
    assert runner.of("command:start") == []
    runner.settings = replace_struct(runner.settings, reserve_percent=20)
    await runner.until_end()
    assert runner.of("batch:resume")[-1]["reason"] == "settings"
    assert runner.statuses() == {"1-1-a": "done"}


async def test_the_reserve_ends_with_the_window_or_with_its_hours(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, reserve_percent="5 h: 30")
    await use(runner, 0.75, hours=0.5)
    await runner.start()
    await reserve_wait(runner)
    runner.now = lambda: time.time() + 1900
    await runner.until_end()
    assert runner.of("batch:resume")[-1]["reason"] == "reserve over"


# -- caps ----------------------------------------------------------------------------------------------------------


async def test_a_batch_without_progress_pauses_until_it_is_resumed(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"code-review": ["HIGH:a", "HIGH:b", "HIGH:c", "ok"]}, no_progress_commands=2)
    await runner.start()
    pause = await runner.until(lambda event: event.type == "batch:pause")
    assert pause.payload["reason"] == "no-progress"
    (call,) = runner.of("attention")
    assert call["message"].startswith("2 commands have run without any story moving on: ")
    assert runner.run_state.run.state == "paused"
    await runner.restart()
    assert runner.run_state.run.reason == "no-progress"
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert len([pause for pause in runner.of("batch:pause") if pause["reason"] == "no-progress"]) <= 2


async def test_the_cap_of_a_story_pauses_the_batch_until_it_is_raised(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, budget_story_usd=0.01)
    await runner.start()
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "budget")
    (call,) = runner.of("attention")
    assert call["message"].startswith("1-1-a: $")
    assert call["message"].endswith("raise budget_story_usd to continue")
    with pytest.raises(NotNow):
        await runner.orchestrator.resume()
    await runner.restart()
    assert len(runner.of("command:start")) == 1
    runner.settings = replace_struct(runner.settings, budget_story_usd=1000.0)
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
