"""Whole stories over the Agent Client Protocol: from the backlog to a commit, stopped, asked, and killed."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from agents import Call
from events import Event
from orchestrator import NotNow, StopMode
from running.questions import DECIDE
from store.questions import get_question
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner, alive
from tests.test_orchestrator_questions import needs, outcome, until_gone_on

ASKS = {"dev-story": ["question:Which colour?", "ok"]}


async def until_asked(runner: Runner, times: int = 1) -> dict[str, Any]:
    """The attention; the batch runs on while the program waits."""
    seen = 0

    def wanted(event: Event) -> bool:
        nonlocal seen
        seen += int(event.type == "attention" and event.payload["kind"] == "question")
        return seen >= times

    return (await runner.until(wanted)).payload


async def test_a_story_goes_from_the_backlog_to_a_commit(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, agent="acp")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.commands() == runner.commands("success")
    assert len(runner.log()) == 2
    batch = runner.run_state.run.batch
    assert batch is not None
    _, rows = await runner.rows(batch.id)
    called = [row for row in rows if row.session_id is not None]
    assert called
    assert all(row.input_tokens and row.output_tokens and row.cost_usd and not row.estimated_usd for row in called)
    assert {row.model for row in called} == {"sonnet"}


async def test_a_question_is_answered_while_the_program_waits(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, ASKS, agent="acp")
    await runner.start()
    asked = await until_asked(runner)
    assert (asked["command"], asked["question"]) == ("dev-story", "Which colour? (Yes / No)")
    assert (runner.orchestrator.state, needs(runner)) == ("running", ["question"])
    await runner.orchestrator.steering.answer(asked["command_id"], "Yes")
    assert needs(runner) == []
    with pytest.raises(NotNow, match="answered already"):
        await runner.orchestrator.steering.answer(asked["command_id"], "No")
    await until_gone_on(runner)
    assert len([call for call in calls if "dev-story" in call.prompt]) == 1
    assert (await outcome(runner))[0] == ("dev-story", "success", 1)
    assert not runner.of("batch:pause")


async def test_a_second_question_in_one_call_is_asked_as_well(make_runner: MakeRunner) -> None:
    script = {"dev-story": ["question:Which colour?", "question:Which size?", "ok"]}
    runner = await make_runner(READY, script, agent="acp")
    await runner.start()
    for times, words in enumerate(("Which colour?", "Which size?"), 1):
        asked = await until_asked(runner, times)
        assert asked["question"].startswith(words)
        await runner.orchestrator.steering.answer(asked["command_id"], "Yes")
    await until_gone_on(runner)
    assert needs(runner) == []


async def test_without_an_answer_in_time_the_program_decides(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, ASKS, agent="acp", question_timeout_min=0.0005)
    await runner.start()
    await until_gone_on(runner)
    asked = await until_asked(runner)
    kept = await runner.database.read(get_question, asked["command_id"])
    assert kept is not None
    assert kept.answer == DECIDE
    assert needs(runner) == []


async def test_a_question_outlives_the_server_and_its_session_is_loaded(
    make_runner: MakeRunner, calls: list[Call]
) -> None:
    runner = await make_runner(READY, ASKS, agent="acp")
    await runner.start()
    asked = await until_asked(runner)
    await runner.restart()
    assert needs(runner) == ["question"]
    await runner.orchestrator.steering.answer(asked["command_id"], "Yes")
    await runner.orchestrator.resume()
    await until_gone_on(runner)
    again = next(call for call in calls if "You asked: Which colour?" in call.prompt)
    assert again.resume is not None
    assert "Yes" in again.prompt
    assert needs(runner) == []


async def test_a_stop_keeps_the_question_for_the_next_batch(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, ASKS, agent="acp")
    await runner.start()
    asked = await until_asked(runner)
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    assert (runner.commands("stopped"), needs(runner)) == (["1-1-a dev-story"], ["question"])
    assert alive(f"{runner.database.epoch}:") == []
    await runner.orchestrator.steering.answer(asked["command_id"], "Yes")
    await runner.start()
    await until_gone_on(runner)


async def test_a_program_that_dies_while_it_waits_is_asked_for_at_the_gate(make_runner: MakeRunner) -> None:
    """Its question is still open; the answer resumes its session in a new process."""
    runner = await make_runner(READY, ASKS, agent="acp")
    await runner.start()
    asked = await until_asked(runner)
    for pid in alive(f"{runner.database.epoch}:{asked['command_id']}"):
        os.kill(pid, signal.SIGKILL)
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "question")
    assert needs(runner) == ["question"]
    await runner.orchestrator.steering.answer(asked["command_id"], "Yes")
    await until_gone_on(runner)
    assert (await outcome(runner))[:2] == [("dev-story", "question", 1), ("dev-story", "success", 1)]


async def test_a_stop_is_a_cancelled_turn(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": "silent"}, agent="acp")
    await runner.start()
    await runner.until_called("dev-story")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    assert runner.commands("stopped") == ["1-1-a dev-story"]
    assert alive(f"{runner.database.epoch}:") == []


async def test_a_session_that_cannot_be_loaded_begins_afresh(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent", "ok"]}, agent="acp")
    runner.acp_words = ("--acp", "no-load")
    await runner.restart()
    await runner.start()
    await runner.until_called("dev-story")
    await runner.restart()
    await runner.orchestrator.resume()
    await until_gone_on(runner)
    assert [call.resume is not None for call in calls if "dev-story" in call.prompt] == [False, True, False]
