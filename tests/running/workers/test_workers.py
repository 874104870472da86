"""Lanes whose commands run on workers: the same results, the machine's name, one merge after the other."""

from __future__ import annotations

import pytest

from running.gate import StopMode
from running.preflight import NotNow
from tests.running.lanes.lane_runs import branches, ends, git, overlapped, worktrees
from tests.running.workers.conftest import MakeRemote

SLOW = {"code-review": ["slow:1+ZERO ISSUES"]}
TWO = {"1-1-a": "in-progress", "2-1-b": "in-progress"}


async def test_two_lanes_run_on_two_workers_and_are_merged_in_order(make_remote: MakeRemote) -> None:
    stories = {"1-1-a": "in-progress", "1-2-b": "in-progress", "2-1-d": "backlog"}
    runner, machines = await make_remote(stories, {"dev-story": {"1-1-a": ["slow:2+ok"]}})
    await runner.run()
    assert set(runner.statuses().values()) == {"done"}
    assert overlapped(runner, "1-1-a", "2-1-d")
    assert ends(runner) == [(1, ["1-1-a", "1-2-b"], []), (2, ["2-1-d"], [])]
    assert git(runner.root, "log", "--first-parent", "--format=%s").splitlines()[:2] == [
        "merge(2): stories 2-1-d",
        "merge(1): stories 1-1-a, 1-2-b",
    ]
    assert sorted(path.name for path in (runner.root / "work").iterdir()) == [f"{key}.md" for key in sorted(stories)]
    assert (branches(runner.root), worktrees(runner)) == ([], [])
    _, commands = await runner.rows(1)
    called = {row.story_key: row.machine for row in commands if row.stream_path is not None}
    assert called["1-1-a"] == called["1-2-b"] != called["2-1-d"]
    assert set(called.values()) == {"desktop", "laptop"}
    assert {event["machine"] for event in runner.of("command:start") if event["command"] == "dev-story"} == {
        "desktop",
        "laptop",
    }
    assert all(row.machine is None for row in commands if row.stream_path is None)  # the runner's own work
    changes = runner.of("lane:change")
    assert sorted((change["state"], change["machine"]) for change in changes) == [
        ("worker", "desktop"),
        ("worker", "laptop"),
    ]
    assert sorted(keep for worker in machines.workers for _, keep in worker.released) == [False, False]


async def test_a_lane_here_and_one_elsewhere(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(TWO, SLOW, parallel_here=1)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done"}
    _, commands = await runner.rows(1)
    called = {row.story_key: row.machine for row in commands if row.stream_path is not None}
    assert sorted(called.values(), key=str) == [None, "desktop"] or None in called.values()
    assert None in called.values()
    assert {"desktop", "laptop"} & set(called.values())


async def test_one_lane_after_the_other_waits_for_the_only_place(make_remote: MakeRemote) -> None:
    runner, machines = await make_remote(TWO, SLOW)
    machines.workers[1].away = True
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done"}
    states = [(change["state"], change["story_keys"][0]) for change in runner.of("lane:change")]
    waiting = next(key for state, key in states if state == "waiting")
    assert states.count(("waiting", waiting)) == 1
    assert states[-1] == ("worker", waiting)
    assert not overlapped(runner, "1-1-a", "2-1-b")
    message = next(change["message"] for change in runner.of("lane:change") if change["state"] == "waiting")
    assert message == f"{waiting} waits for a place on a worker"


async def test_a_machine_that_is_lost_in_the_middle_of_a_command(make_remote: MakeRemote) -> None:
    """Another one begins the command again, without the session of the first and without a counted attempt."""
    runner, machines = await make_remote({"1-1-a": "in-progress"}, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    await runner.until_called("dev-story")
    machines.workers[0].lose()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    _, commands = await runner.rows(1)
    first, second = (row for row in commands if row.command == "dev-story")
    assert (first.status, first.machine, first.attempt) == ("interrupted", "desktop", 1)
    assert (second.status, second.machine, second.attempt) == ("success", "laptop", 1)
    assert first.reason == "desktop has lost its lease."
    assert [change["state"] for change in runner.of("lane:change")] == ["worker", "lost", "worker"]
    assert runner.commands("interrupted") == ["1-1-a dev-story"]


async def test_worker_after_worker_that_loses_a_command_calls_the_operator(make_remote: MakeRemote) -> None:
    runner, machines = await make_remote(
        {"1-1-a": "in-progress"}, {"dev-story": ["slow:60", "slow:60", "slow:60", "ok"]}
    )
    await runner.start()
    for number in range(3):
        await runner.until_called("dev-story", times=number + 1)
        worker = next(worker for worker in machines.workers if worker.lanes)
        worker.lose()
        worker.away = False
    called = await runner.until(lambda event: event.type == "attention")
    assert called.payload["kind"] == "worker"
    assert "dev-story was lost 3 times with its worker: " in called.payload["message"]
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}


async def test_without_a_fleet_a_start_says_what_is_missing(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(TWO)
    runner.workspace.machines = None
    with pytest.raises(
        NotNow, match=r"2 of 2 lanes are for workers \(parallel_here: 0\), and this server is in no fleet"
    ):
        await runner.start()


async def test_one_lane_may_be_elsewhere_alone(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote({"1-1-a": "in-progress"}, parallel=1)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("command:start")[0]["machine"] == "desktop"


@pytest.mark.parametrize(
    ("problem", "labels", "reason"),
    [
        ("the broker does not answer", [], "the broker does not answer"),
        (None, ["gpu"], "no worker has the label gpu"),
    ],
)
async def test_why_a_lane_waits_for_a_worker_is_said(
    make_remote: MakeRemote, problem: str | None, labels: list[str], reason: str
) -> None:
    runner, machines = await make_remote({"1-1-a": "in-progress"}, worker_labels=labels)
    machines.connected.clear()
    machines.problem = problem
    await runner.start()
    waiting = await runner.until(lambda event: event.type == "lane:change")
    assert waiting.payload["state"] == "waiting"
    assert waiting.payload["message"] == f"1-1-a waits for a place on a worker: {reason}"
    assert [cycle.waits for cycle in runner.run_state.run.cycles] == [True]
    runner.orchestrator.stop(StopMode.GRACEFUL)
    await runner.until_end()
    machines.connected.set()
    machines.problem = None
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
