"""A story that the operator takes over and hands back: its session, its tree, its change and the next review."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents import Call
from events import Event
from orchestrator import NotNow
from running.gates import GateDecision
from running.preparation import prompt_for
from running.recovery.fold import restore_fold
from runstate.fold import RunState
from store.takeovers import TakeOverRow, get_takeovers_of
from tests.conftest import MakeRunner
from tests.running.lanes.lane_runs import worktrees
from tests.running.projects import LONG_S, READY, Runner
from tests.running.test_gates import at_gate
from tests.test_orchestrator_questions import until_asked
from tests.worlds import git

KEY = "1-1-a"


async def taken(runner: Runner, times: int = 1) -> dict[str, Any]:
    """The event that says that the story is the operator's."""
    await runner.until(lambda _event: sum(e["state"] == "taken" for e in runner.of("story:takeover")) >= times)
    return [event for event in runner.of("story:takeover") if event["state"] == "taken"][-1]


async def take(runner: Runner, key: str = KEY) -> dict[str, Any]:
    times = sum(event["state"] == "taken" for event in runner.of("story:takeover"))
    await runner.orchestrator.takeovers.take_over(key)
    return await taken(runner, times + 1)


async def row_of(runner: Runner, key: str = KEY) -> TakeOverRow:
    rows: list[TakeOverRow] = await runner.database.read(get_takeovers_of, key)
    return rows[-1]


def by_hand(runner: Runner, text: str = "by hand\n") -> Path:
    path = runner.root / "src/hand.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


async def until_session(runner: Runner, command: str = "dev-story", key: str = KEY) -> None:
    """The agent of a command has named its session, as far as its recording goes."""

    def is_start(event: Event) -> bool:
        subject = (event.payload.get("command"), event.payload.get("story_key"))
        return event.type == "command:start" and subject == (command, key)

    started = await runner.until(is_start)
    stream = runner.workspace.data_dir / "streams/1" / f"{started.payload['command_id']}.ndjson"
    async with asyncio.timeout(LONG_S):
        while not (stream.is_file() and b"ession" in stream.read_bytes()):
            await asyncio.sleep(0.02)


async def until_paused(runner: Runner, reason: str = "take-over") -> None:
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == reason)


async def test_a_running_story_is_taken_over_and_its_change_is_reviewed(
    make_runner: MakeRunner, calls: list[Call]
) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent", "ok"]})
    await runner.start()
    await until_session(runner)
    event = await take(runner)
    end = runner.of("command:end")[0]
    assert (end["command"], end["status"]) == ("dev-story", "stopped")
    await until_paused(runner)
    row = await row_of(runner)
    assert event["command_line"].startswith(f"cd {runner.root} && ")
    assert event["command_line"].endswith(f"--resume {row.session_id}")
    with pytest.raises(NotNow, match="1-1-a is taken over in this folder: hand it back, then resume"):
        await runner.orchestrator.resume()
    with pytest.raises(NotNow, match="1-1-a is taken over already"):
        await runner.orchestrator.takeovers.take_over(KEY)
    by_hand(runner)
    returned = await runner.orchestrator.takeovers.hand_back(KEY)
    assert (returned.files_changed, returned.lines_added) == (1, 1)
    await runner.until_end()
    assert runner.commands("success")[:3] == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    booked = runner.of("command:end")[1]
    assert (booked["agent"], booked["metrics"]) == (
        "operator",
        {"files_changed": 1, "lines_added": 1, "lines_removed": 0},
    )
    assert len(calls) == 2  # the development that was ended, and the review
    assert calls[1].resume is None
    assert "worked on this story by hand since the command before this one: src/hand.py" in calls[1].prompt
    assert runner.statuses() == {KEY: "done"}
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert runner.run_state.run.takeovers == ()


async def test_a_story_that_is_taken_over_while_its_prompt_is_made_starts_nothing(
    make_runner: MakeRunner, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner(READY)
    requested: list[TakeOverRow] = []

    async def take_over_meanwhile(*arguments: Any) -> str:
        if not requested:
            requested.append(await runner.orchestrator.takeovers.take_over(KEY))
        return await prompt_for(*arguments)

    monkeypatch.setattr("running.attempt.prompt_for", take_over_meanwhile)
    await runner.start()
    await taken(runner)
    assert runner.of("command:start") == []
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.until_end()
    assert runner.statuses() == {KEY: "done"}
    assert [(end["command"], end["agent"]) for end in runner.of("command:end")][:1] == [("dev-story", "operator")]
    assert "worked on this story by hand" in calls[0].prompt


async def test_it_survives_restarts_between_any_two_steps(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent", "ok"]})
    await runner.start()
    await until_session(runner)
    await take(runner)
    await until_paused(runner)
    await runner.restart()
    fold = RunState()
    await restore_fold(runner.database, fold)
    assert [(view.story_key, view.state) for view in fold.run.takeovers] == [(KEY, "taken")]
    assert runner.orchestrator.state == "paused"
    by_hand(runner)
    await runner.restart()
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.restart()
    with pytest.raises(NotNow, match="1-1-a is not taken over"):
        await runner.orchestrator.takeovers.hand_back(KEY)
    if runner.orchestrator.state == "idle":
        await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.commands("success")[:3] == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    assert [call.resume for call in calls] == [None, None]


async def test_a_request_that_a_kill_has_cut_off_is_completed(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    trees = runner.workspace.taken_trees
    with trees.working(runner.root):
        await runner.orchestrator.takeovers.take_over(KEY)
        assert (await row_of(runner)).taken_at is None
        with pytest.raises(NotNow, match="1-1-a is not yours yet"):
            await runner.orchestrator.takeovers.hand_back(KEY)
        await runner.restart()
    await taken(runner)
    assert (await row_of(runner)).message.startswith("1-1-a is yours. No agent has a session for it")


async def test_a_story_that_waits_is_developed_by_hand(make_runner: MakeRunner, calls: list[Call]) -> None:
    """Nothing has run for it yet: what is changed by hand is its development, and is committed as its work."""
    runner = await make_runner({KEY: "ready-for-dev"})
    await take(runner)
    with pytest.raises(NotNow, match="taken over in this folder: hand it back, then start"):
        await runner.start()
    with pytest.raises(NotNow, match="hand it back, then revert"):
        await runner.orchestrator.revert(KEY)
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.run()
    assert runner.commands() == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    assert [call.prompt.count("by hand") > 0 for call in calls] == [True]
    assert runner.statuses() == {KEY: "done"}


async def test_nothing_changed_is_no_development(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner({KEY: "ready-for-dev"})
    await take(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.run()
    assert len(calls) == 2
    assert runner.statuses() == {KEY: "done"}


async def test_a_blocked_story_is_taken_over_and_goes_on(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["fail", "fail"]})
    await runner.run(1)
    assert runner.statuses()[KEY] == "blocked"
    await take(runner)
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    assert runner.of("story:status")[-1] == {
        "story_key": KEY,
        "old_status": "blocked",
        "new_status": "in-progress",
        "reason": "handed back by the operator",
    }
    await runner.run(stories=[KEY])
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert git(runner.root, "status", "--porcelain") == ""
    assert runner.commands("success")[-3:] == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    assert runner.statuses()[KEY] == "done"


async def test_a_story_that_asks_is_taken_over(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["question:Which colour?", "ok"]})
    await runner.start()
    await until_asked(runner)
    event = await take(runner)
    assert "--resume" in event["command_line"]
    await until_paused(runner)
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.until_end()
    assert runner.commands("success")[:2] == ["1-1-a dev-story", "1-1-a code-review-1"]


async def test_a_review_is_done_again_after_a_change_by_hand(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"code-review": ["silent", "ok"]})
    await runner.start()
    await until_session(runner, "code-review-1")
    await take(runner)
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.until_end()
    assert runner.commands("success")[:3] == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    assert [call.resume for call in calls] == [None, None, None]
    assert "by hand" in calls[2].prompt


async def test_work_at_its_gate_is_sent_back_to_the_operator(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, gates=["commit"])
    await runner.start()
    await at_gate(runner)
    await take(runner)
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    gate = await at_gate(runner, 2)
    await runner.orchestrator.steering.decide(gate["gate_id"], GateDecision.GO, None)
    await runner.until_end()
    assert runner.commands("success") == [
        "1-1-a dev-story",
        "1-1-a code-review-1",
        "1-1-a dev-story-3",
        "1-1-a code-review-2",
        "1-1-a commit",
    ]
    assert [end["agent"] for end in runner.of("command:end")][2] == "operator"


async def test_a_plan_at_its_gate_is_decided_first(make_runner: MakeRunner) -> None:
    runner = await make_runner({KEY: "ready-for-dev"}, gates=["plan"])
    await runner.start()
    await at_gate(runner)
    with pytest.raises(NotNow, match="1-1-a waits at a gate: decide there first"):
        await runner.orchestrator.takeovers.take_over(KEY)


async def test_only_the_lane_of_the_story_waits(make_runner: MakeRunner) -> None:
    script = {"dev-story": {KEY: ["silent"], "2-1-b": ["ok"]}}
    runner = await make_runner({KEY: "in-progress", "2-1-b": "in-progress"}, script, parallel=2)
    await runner.start()
    await until_session(runner)
    event = await take(runner)
    lane = Path(event["folder"])
    assert lane.is_relative_to(runner.workspace.data_dir / "worktrees")
    await runner.until_command("commit", "command:end")
    assert runner.orchestrator.state == "running"
    (lane / "hand.py").write_text("by hand\n")
    await runner.restart()
    assert (lane / "hand.py").is_file()
    await runner.orchestrator.resume()
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.until_end()
    assert runner.statuses() == {KEY: "done", "2-1-b": "done"}
    assert (runner.root / "hand.py").read_text() == "by hand\n"
    assert worktrees(runner) == []
    assert [f"{end['command']} {end['agent']}" for end in runner.of("command:end") if end["story_key"] == KEY][1] == (
        "dev-story operator"
    )


async def test_a_program_without_sessions_in_a_terminal_says_so(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent"]}, agent="acp")
    await runner.start()
    await until_session(runner)
    event = await take(runner)
    assert "command_line" not in event
    assert event["message"] == (
        f"1-1-a is yours. acp has no command that continues its session in a terminal: work in {runner.root}, "
        "then hand it back."
    )


async def test_other_work_in_the_same_tree_ends_first(make_runner: MakeRunner) -> None:
    script = {"dev-story": {"2-1-b": ["slow:1+ok"]}}
    runner = await make_runner({KEY: "blocked", "2-1-b": "in-progress"}, script)
    await runner.start()
    await runner.until_command("dev-story")
    row = await runner.orchestrator.takeovers.take_over(KEY)
    assert row.state == "requested"
    await taken(runner)
    assert runner.commands("success") == ["2-1-b dev-story"]
    await until_paused(runner)
    with pytest.raises(NotNow, match="1-1-a is taken over in the same folder"):
        await runner.orchestrator.takeovers.take_over("2-1-b")
    by_hand(runner)
    await runner.orchestrator.takeovers.hand_back(KEY)
    await runner.until_end()
    assert runner.statuses() == {KEY: "done", "2-1-b": "done"}
