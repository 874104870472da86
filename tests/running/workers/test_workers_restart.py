"""The end of a server while a worker has a command: the worker goes on, and the next server adopts it."""

from __future__ import annotations

import asyncio

import pytest

from agents import Call
from running.preflight import NotNow
from store.commands import get_command
from tests.running.lanes.lane_runs import branches, worktrees
from tests.running.projects import LONG_S, Runner
from tests.running.workers.conftest import MakeRemote
from tests.running.workers.machines import FakeMachines

ONE = {"1-1-a": "in-progress"}


async def until_ended(machines: FakeMachines) -> None:
    """Every call on a worker has come to its end there."""
    async with asyncio.timeout(LONG_S):
        for worker in machines.workers:
            for call in worker.calls.values():
                await call.process.wait()


async def until_called_on_worker(runner: Runner, command: str = "dev-story") -> int:
    started = await runner.until_command(command)
    await runner.until_called(command)
    command_id: int = started.payload["command_id"]
    return command_id


@pytest.mark.parametrize("ended", [False, True])
async def test_a_command_that_a_worker_has_is_adopted_and_not_run_again(
    make_remote: MakeRemote, calls: list[Call], ended: bool
) -> None:
    """Whether it has ended by the time the next server comes, or not."""
    runner, machines = await make_remote(ONE, {"dev-story": ["slow:2+ok"]})
    await runner.start()
    command = await until_called_on_worker(runner)
    before = len(calls)
    await runner.close()
    if ended:
        await until_ended(machines)
    await runner.open()
    runner.run_state.apply([event for event in runner.events if event.batch_id is not None])
    await runner.orchestrator.recover()
    left = await runner.database.read(get_command, command)
    assert left is not None
    assert (left.status, left.machine, left.ended_at) == ("running", "desktop", None)
    assert [view.command_id for view in runner.run_state.run.operations] == [command]
    assert runner.of("batch:pause")[-1]["reason"] == "interrupted"
    assert len(calls) == before
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert [start["command"] for start in runner.of("command:start")].count("dev-story") == 1
    _, rows = await runner.rows(1)
    developed = [row for row in rows if row.command == "dev-story"]
    assert [(row.id, row.status, row.attempt) for row in developed] == [(command, "success", 1)]
    assert developed[0].files_changed
    assert developed[0].cost_usd
    assert (branches(runner.root), worktrees(runner)) == ([], [])
    assert "feat(1): implement story 1-1-a" in runner.log()


async def test_a_command_whose_machine_is_lost_while_no_server_runs_is_run_again(make_remote: MakeRemote) -> None:
    runner, machines = await make_remote(ONE, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    await until_called_on_worker(runner)
    await runner.close()
    machines.workers[0].lose()
    await runner.open()
    await runner.orchestrator.recover()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    _, rows = await runner.rows(1)
    developed = [(row.status, row.machine, row.attempt) for row in rows if row.command == "dev-story"]
    assert developed == [("interrupted", "desktop", 1), ("success", "laptop", 1)]


async def test_a_new_batch_instead_of_a_resume_ends_what_the_worker_does(make_remote: MakeRemote) -> None:
    runner, machines = await make_remote(ONE, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    command = await until_called_on_worker(runner)
    await runner.restart()
    assert machines.forgotten == []
    await runner.run()
    assert machines.forgotten == ["1-1-1-a"]
    row = await runner.database.read(get_command, command)
    assert row is not None
    assert row.status == "interrupted"
    assert runner.statuses() == {"1-1-a": "done"}
    assert [end["status"] for end in runner.of("batch:end")] == ["stopped", "completed"]


async def test_without_the_fleet_of_before_the_command_is_interrupted(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(ONE, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    command = await until_called_on_worker(runner)
    runner.machines = None
    await runner.restart()
    row = await runner.database.read(get_command, command)
    assert row is not None
    assert row.status == "interrupted"
    runner.settings = type(runner.settings)(agent="demo", retries=1)
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}


async def test_a_question_of_a_call_that_was_left_is_still_answered(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(ONE, {"dev-story": ["question:Which colour?", "ok"]}, agent="acp")
    await runner.start()
    asked = await runner.until(lambda event: event.type == "attention" and event.payload["kind"] == "question")
    await runner.restart()
    assert [view.kind for view in runner.run_state.run.attention] == ["question"]
    await runner.orchestrator.steering.answer(asked.payload["command_id"], "Yes")
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    _, rows = await runner.rows(1)
    assert [row.status for row in rows if row.command == "dev-story"] == ["success"]


async def test_a_take_over_is_refused_while_nothing_follows_the_command(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(ONE, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    await until_called_on_worker(runner)
    await runner.restart()
    words = "a command for 1-1-a goes on on desktop: resume the batch, then take it over"
    with pytest.raises(NotNow, match=words):
        await runner.orchestrator.takeovers.take_over("1-1-a")
