"""What other machines of a fleet report of an account counts here as what an agent reports."""

from __future__ import annotations

import asyncio

from running.agent_choice import AgentChoice
from running.shared_accounts import SharedAccounts
from store.quota import AccountWait, current, get_waits
from tests.conftest import MakeRunner
from tests.running.projects import READY
from workflow.presets import PRESETS

TEAM = "team"


async def test_what_others_report_stops_and_opens_this_machine(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, fleet_accounts={"scripted": TEAM}, reserve_percent="week: 5")
    workspace = runner.workspace
    name = next(iter(workspace.agents))
    workspace.settings().fleet_accounts[name] = TEAM
    accounts = SharedAccounts(workspace)
    waiting: list[str] = []
    accounts.on_wait = waiting.append
    choice = AgentChoice(workspace, 1, [name], PRESETS["classic"])
    later = int(workspace.clock()) + 7200
    assert accounts.names() == [TEAM]
    assert accounts.reserve() == ({"week": 0.05}, None)

    await accounts.adopt_windows(TEAM, {"5 h": (0.7, later * 1000), "week": (0.2, 1000)})  # the week's is over
    assert [(row.window, row.used_fraction) for row in await runner.database.read(current)] == [("5 h", 0.7)]
    assert [event["window"] for event in runner.of("quota:change")] == ["5 h"]
    await accounts.adopt_windows(TEAM, {"5 h": (0.7, later * 1000)})
    assert len(runner.of("quota:change")) == 1
    assert choice.peek("dev-story").until is None

    accounts.adopt_reserves(TEAM, [({"5 h": 0.4}, None), ({"5 h": 0.9}, 1.0)])  # the second one's hours are over
    option = choice.peek("dev-story")
    assert (option.until, option.reason) == (later, "reserve")
    assert "40% is reserved" in str(option.why)
    accounts.adopt_reserves(TEAM, [])
    assert choice.peek("dev-story").until is None

    await accounts.adopt_wait(TEAM, "usage-limit", later * 1000)
    assert choice.peek("dev-story").until == later
    assert [wait.until for wait in await runner.database.read(get_waits)] == [later * 1000]
    await accounts.adopt_wait(TEAM, "", None)
    assert choice.peek("dev-story").until is None
    assert await runner.database.read(get_waits) == []
    assert waiting == []  # nothing of that was this machine's

    account = workspace.quota.rows_of(accounts._account(TEAM))[0].account
    workspace.quota.keep_wait(AccountWait(account=account, reason="usage-limit", until=later * 1000, at=1))
    assert accounts.wait(TEAM) is not None
    await workspace.quota.end_waits(runner.database)
    assert waiting == [TEAM, TEAM]
    await asyncio.sleep(0)
