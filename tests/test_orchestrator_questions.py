"""Tests of questions: the operator is notified, the batch waits, the session continues with the answer."""

from __future__ import annotations

from typing import Any

import pytest

from agents import Call
from events import Event
from orchestrator import NotNow, StopMode
from running.questions import DECIDE
from store.batches import update_batch
from store.questions import get_question
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner

ASKS = {"dev-story": ["question:Which colour?", "ok"]}


async def until_asked(runner: Runner, times: int = 1) -> dict[str, Any]:
    """The attention, once the batch waits for its answer."""
    seen = 0

    def wanted(event: Event) -> bool:
        nonlocal seen
        seen += int(event.type == "batch:pause" and event.payload["reason"] == "question")
        return seen >= times

    await runner.until(wanted)
    return [emitted for emitted in runner.of("attention") if emitted["kind"] == "question"][-1]


async def until_gone_on(runner: Runner, command: str = "dev-story") -> None:
    """The command that asked has come to its end; what would follow is not of interest."""
    await runner.until(
        lambda event: (
            event.type == "command:end" and event.payload["command"] == command and event.payload["status"] == "success"
        )
    )
    if runner.orchestrator.state != "idle":
        runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()


def needs(runner: Runner) -> list[str]:
    """What the pages show that needs the operator."""
    return [view.kind for view in runner.run_state.run.attention]


async def outcome(runner: Runner) -> list[tuple[str, str, int]]:
    """Command, status and attempt of every row."""
    batch = runner.run_state.run.batch
    assert batch is not None
    _, commands = await runner.rows(batch.id)
    return [(row.command, row.status, row.attempt) for row in commands]


async def test_an_answer_goes_to_the_session_that_asked(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, ASKS)
    await runner.start()
    asked = await until_asked(runner)
    assert (asked["story_key"], asked["command"]) == ("1-1-a", "dev-story")
    assert asked["question"].startswith("Which colour?")
    assert asked["question"] in asked["message"]
    run = runner.run_state.run
    assert (run.state, run.reason, run.operations, needs(runner)) == ("paused", "question", (), ["question"])
    assert runner.commands("stopped") == ["1-1-a dev-story"]
    assert runner.of("command:end")[0]["reason"] == f"It asks: {asked['question']}"
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert needs(runner) == []
    assert runner.of("batch:resume") == [{"batch_id": 1, "reason": "answered"}]
    rows = await outcome(runner)
    assert rows[:2] == [("dev-story", "question", 1), ("dev-story", "success", 1)]
    assert calls[1].resume is not None
    assert "Which colour?" in calls[1].prompt
    assert "blue" in calls[1].prompt
    assert calls[1].booked is not None


async def test_a_question_survives_the_end_of_the_server(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, ASKS)
    await runner.start()
    asked = await until_asked(runner)
    await runner.restart()
    assert (runner.orchestrator.state, needs(runner)) == ("paused", ["question"])
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.commands("success") == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    assert needs(runner) == []


async def test_a_server_killed_before_it_could_wait_asks_again(make_runner: MakeRunner) -> None:
    """The row of the call and its question are committed; that the batch waits for them was not emitted any more."""
    runner = await make_runner(READY, ASKS)
    await runner.start()
    asked = await until_asked(runner)
    await runner.close()
    await runner.open()
    await runner.database.write(update_batch, 1, status="running")
    runner.events = [event for event in runner.events if event.type != "batch:pause"]
    runner.run_state.apply(runner.events)
    await runner.orchestrator.recover()
    assert (runner.orchestrator.state, needs(runner)) == ("idle", ["question"])
    await runner.orchestrator.resume()
    await until_asked(runner)
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    await until_gone_on(runner)
    assert len([emitted for emitted in runner.of("attention") if emitted["kind"] == "question"]) == 1


async def test_an_answer_is_kept_while_nothing_runs(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, ASKS)
    await runner.start()
    asked = await until_asked(runner)
    runner.orchestrator.stop(StopMode.GRACEFUL)
    await runner.until_end()
    assert (runner.orchestrator.state, needs(runner)) == ("idle", ["question"])
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    assert needs(runner) == []
    with pytest.raises(NotNow, match="answered already"):
        await runner.orchestrator.steering.answer(asked["command_id"], "red")
    with pytest.raises(NotNow, match="has asked nothing"):
        await runner.orchestrator.steering.answer(asked["command_id"] + 1, "blue")
    await runner.start()
    await until_gone_on(runner)
    assert "blue" in calls[1].prompt
    assert "red" not in calls[1].prompt


async def test_a_new_batch_asks_unanswered_questions_again(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, ASKS)
    await runner.start()
    asked = await until_asked(runner)
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    await runner.start()
    again = await until_asked(runner, times=2)
    assert (again["command_id"], needs(runner)) == (asked["command_id"], ["question"])
    await runner.orchestrator.steering.answer(again["command_id"], "blue")
    await until_gone_on(runner)


async def test_without_an_answer_in_time_the_agent_decides(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, ASKS, question_timeout_min=0.0005)
    await runner.start()
    await until_gone_on(runner)
    assert DECIDE in calls[1].prompt
    asked = next(emitted for emitted in runner.of("attention") if emitted["kind"] == "question")
    kept = await runner.database.read(get_question, asked["command_id"])
    assert kept is not None
    assert kept.answer == DECIDE
    assert needs(runner) == []


async def test_resume_without_an_answer_lets_the_agent_decide(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, ASKS)
    await runner.start()
    await until_asked(runner)
    await runner.orchestrator.resume()
    await until_gone_on(runner)
    assert DECIDE in calls[1].prompt


async def test_a_later_attempt_knows_what_was_answered(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["question:Which colour?", "fail", "ok"]})
    await runner.start()
    asked = await until_asked(runner)
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    await until_gone_on(runner)
    fresh = calls[2]
    assert fresh.resume is None
    for words in ("Which colour?", "blue", "The attempt before this one failed"):
        assert words in fresh.prompt


async def test_two_commands_that_run_together_may_both_ask(make_runner: MakeRunner) -> None:
    script = {"create-story": ["question:One file?", "ok"], "story-discovery": ["question:How deep?", "ok"]}
    runner = await make_runner({"1-1-a": "backlog"}, script)
    await runner.start()
    await runner.until(lambda event: needs(runner) == ["question", "question"] and event.type == "batch:pause")
    first, second = (emitted["command_id"] for emitted in runner.of("attention"))
    await runner.orchestrator.steering.answer(first, "yes")
    assert (runner.orchestrator.state, needs(runner)) == ("paused", ["question"])
    await runner.orchestrator.steering.answer(second, "not very")
    await until_gone_on(runner, "create-story")
    assert needs(runner) == []


async def test_beside_the_run_no_question_is_asked(make_runner: MakeRunner) -> None:
    script = {"story-review-1": ["critical"], "story-review-2": ["question:Really?"]}
    runner = await make_runner({"1-1-a": "backlog"}, script, retries=0)
    await runner.start()
    await runner.until_command("story-review-2", "command:end")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    assert runner.of("attention") == []
    assert not [emitted for emitted in runner.of("batch:pause") if emitted["reason"] == "question"]


async def test_a_question_mark_is_no_question(make_runner: MakeRunner) -> None:
    """A reply that ends with one and has a readable verdict is a verdict."""
    runner = await make_runner({"1-1-a": "review"}, {"code-review": ["LOW:is this what was meant?", "ZERO ISSUES"]})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert needs(runner) == []
