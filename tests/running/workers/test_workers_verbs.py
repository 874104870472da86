"""What the operator does to commands on workers: pause, stop, answers, messages, take-overs; where work is verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import Call
from running.gate import StopMode
from running.messages import send_message
from store.checks import get_checks_by_key
from tests.conftest import MakeRunner
from tests.running.projects import Runner
from tests.running.workers.conftest import MakeRemote
from tests.running.workers.machines import FakeMachines
from tests.running.workers.test_workers_restart import ONE, until_called_on_worker
from tests.test_orchestrator_questions import until_asked
from tests.test_orchestrator_takeover import take, until_session
from tests.worlds import World, git, worlds


async def test_a_pause_holds_after_the_command_on_the_worker(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(ONE, {"dev-story": ["slow:1+ok"]})
    await runner.start()
    await until_called_on_worker(runner)
    runner.orchestrator.pause()
    await runner.until(lambda event: event.type == "batch:pause")
    assert runner.commands() == ["1-1-a dev-story"]
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}


async def test_a_stop_ends_the_agent_and_the_next_batch_resumes_its_session_there(
    make_remote: MakeRemote, calls: list[Call]
) -> None:
    runner, machines = await make_remote(ONE, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    await until_session(runner)
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    assert runner.commands("stopped") == ["1-1-a dev-story"]
    assert machines.workers[0].released == [("1-1-1-a", True)]
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    first, second = (call for call in calls if "/1-1-1-a-" in str(call.cwd) and "dev-story" in call.prompt)
    assert (first.resume, second.resume is not None) == (None, True)


async def test_another_machine_gets_no_session_of_the_first(make_remote: MakeRemote, calls: list[Call]) -> None:
    runner, machines = await make_remote(ONE, {"dev-story": ["slow:60", "ok"]})
    await runner.start()
    await until_session(runner)
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    machines.workers[0].away = True
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert {call.resume for call in calls} == {None}


async def test_an_answer_resumes_the_session_on_its_machine(make_remote: MakeRemote, calls: list[Call]) -> None:
    runner, _ = await make_remote(ONE, {"dev-story": ["question:Which colour?", "ok"]})
    await runner.start()
    asked = await until_asked(runner)
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert [call.resume is not None for call in calls[:2]] == [False, True]
    assert "blue" in calls[1].prompt


async def test_a_message_reaches_the_agent_on_the_worker(make_remote: MakeRemote) -> None:
    runner, _ = await make_remote(ONE, {"dev-story": ["slow:1"]})
    await runner.start()
    command = await until_called_on_worker(runner)
    _, is_sent = await send_message(runner.workspace, command, "Mind the zebra crossing.")
    assert is_sent
    await runner.until_end()
    assert [hint.get("command_id") for hint in runner.of("story:hint")] == [None, command]


async def test_a_take_over_ends_the_command_and_works_on_the_lanes_tree_here(make_remote: MakeRemote) -> None:
    runner, machines = await make_remote(ONE, {"dev-story": ["silent", "ok"]})
    await runner.start()
    await until_session(runner)
    event = await take(runner)
    assert "command_line" not in event
    folder = Path(event["folder"])
    assert folder == runner.workspace.data_dir / "worktrees/1-1-1-a"
    assert "Its session of demo is on desktop: work in " in event["message"]
    (folder / "by-hand.txt").write_text("mine\n")
    await runner.orchestrator.takeovers.hand_back("1-1-a")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert (runner.root / "by-hand.txt").read_text() == "mine\n"
    assert machines.workers[0].calls  # what followed was reviewed there


@pytest.mark.parametrize(
    ("where", "machines_of"), [("worker", ["desktop"]), ("coordinator", [None]), ("both", ["desktop", None])]
)
async def test_work_is_verified_where_the_setting_says(
    make_remote: MakeRemote, tmp_path: Path, where: str, machines_of: list[str | None]
) -> None:
    check = tmp_path / "check.sh"
    check.write_text("#!/bin/sh\ntest -f work/1-1-a.md\n")
    check.chmod(0o755)
    runner, machines = await make_remote(ONE, verify=str(check), verify_on=where)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    checks = await runner.database.read(get_checks_by_key, "1-1-a")
    *lane, merge = checks
    assert merge.machine is None  # what comes of the merge is verified where it is made
    assert [check.machine for check in lane][: len(machines_of)] == machines_of
    assert {check.machine for check in lane} == set(machines_of)
    assert len(machines.workers[0].verified) == sum(check.machine is not None for check in lane)


async def test_a_check_that_fails_on_the_worker_fails_the_command(make_remote: MakeRemote, tmp_path: Path) -> None:
    """The agent has run it as well, and has seen it pass."""
    check = tmp_path / "check.sh"
    check.write_text(f"#!/bin/sh\ntest ! -e {tmp_path}/seen || exit 1\ntouch {tmp_path}/seen\n")
    check.chmod(0o755)
    runner, _ = await make_remote(ONE, verify=str(check), retries=0)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}
    reason = next(end["reason"] for end in runner.of("command:end") if end["status"] == "error")
    assert f"the check `{check}` ended with 1 on desktop" in reason


@pytest.mark.parametrize("world", worlds(["top", "folder", "nested", "linked"], lanes=(2,)), indirect=True)
async def test_stories_are_done_on_workers_in_every_world(
    world: World, make_runner: MakeRunner, machines: FakeMachines
) -> None:
    settings: dict[str, Any] = {"parallel": 2, "parallel_here": 0, "verify": "true" if world.built else None}
    runner = await Runner.create(world.root, outside=world.outside, **settings)
    runner.machines = runner.workspace.machines = machines
    try:
        await runner.run()
        assert set(runner.statuses().values()) == {"done"}, runner.of("attention")
        assert [name for name in world.work if not (world.root / name).is_file()] == []
        _, rows = await runner.rows(1)
        called = {row.machine for row in rows if row.stream_path is not None}
        assert called == (
            {"desktop"} if world.kind == "stories" else {"desktop", "laptop"}
        )  # a list is run in its order
    finally:
        await runner.close()


async def test_plan_files_that_git_ignores_travel_both_ways(make_runner: MakeRunner, machines: FakeMachines) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, git=False, parallel=1)
    await runner.close()
    (runner.root / ".gitignore").write_text(".sprint-runner/\n_bmad-output/\n")
    for words in (("init", "-q", "-b", "main"), ("config", "user.name", "T"), ("config", "user.email", "t@localhost")):
        git(runner.root, *words)
    git(runner.root, "add", "-A")
    git(runner.root, "commit", "-qm", "start")
    runner.machines = machines
    runner.settings = type(runner.settings)(agent="demo", retries=1, parallel=2, parallel_here=0)
    await runner.open()
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert (runner.root / "_bmad-output/implementation-artifacts/1-1-a.md").is_file()  # written on the worker
