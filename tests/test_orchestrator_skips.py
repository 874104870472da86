"""Skips: a story that was put aside is not run, also after a restart, until it is brought back."""

from __future__ import annotations

import pytest

from orchestrator import BadRequest, NotNow
from store.skips import get_skips
from tests.conftest import MakeRunner
from tests.running.projects import READY
from tests.test_orchestrator_questions import until_asked

TWO = {"1-1-a": "ready-for-dev", "2-1-b": "ready-for-dev"}


async def test_a_skipped_story_is_not_run_until_it_is_brought_back(make_runner: MakeRunner) -> None:
    runner = await make_runner(TWO)
    assert await runner.orchestrator.steering.skip("1-1-a", "waits for the design") is False
    assert runner.of("story:skip") == [{"story_key": "1-1-a", "skipped": True, "reason": "waits for the design"}]
    await runner.restart()
    await runner.run()
    assert runner.statuses() == {"1-1-a": "ready-for-dev", "2-1-b": "done"}
    assert runner.of("batch:end")[-1]["status"] == "completed"
    with pytest.raises(BadRequest, match="it is skipped; bring it back first"):
        await runner.start(stories=["1-1-a"])
    with pytest.raises(NotNow, match=r"these wait: 1-1-a \(it is skipped; bring it back first\)"):
        await runner.start()
    await runner.orchestrator.steering.bring_back("1-1-a")
    await runner.run()
    assert runner.statuses()["1-1-a"] == "done"
    assert await runner.database.read(get_skips) == {}
    with pytest.raises(NotNow, match="1-1-a is not skipped"):
        await runner.orchestrator.steering.bring_back("1-1-a")


async def test_a_running_story_is_left_when_its_command_has_ended(make_runner: MakeRunner) -> None:
    runner = await make_runner(TWO)
    await runner.start()
    await runner.until_command("dev-story")
    assert await runner.orchestrator.steering.skip("1-1-a", "not now") is True
    await runner.until_end()
    assert runner.commands("success")[0] == "1-1-a dev-story"
    assert [command for command in runner.commands() if command.startswith("1-1-a")] == ["1-1-a dev-story"]
    assert runner.statuses() == {"1-1-a": "review", "2-1-b": "done"}
    assert [end["completed_stories"] for end in runner.of("cycle:end")] == [[], ["2-1-b"]]
    await runner.orchestrator.steering.bring_back("1-1-a")
    await runner.run()
    assert runner.statuses()["1-1-a"] == "done"


async def test_a_story_that_is_brought_back_is_taken_again_by_the_same_batch(make_runner: MakeRunner) -> None:
    runner = await make_runner(TWO)
    await runner.start()
    await runner.until_command("dev-story")
    await runner.orchestrator.steering.skip("1-1-a", "not now")
    await runner.until(lambda event: event.type == "cycle:start" and event.payload["story_keys"] == ["2-1-b"])
    await runner.orchestrator.steering.bring_back("1-1-a")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done"}
    assert [start["story_keys"] for start in runner.of("cycle:start")] == [["1-1-a"], ["2-1-b"], ["1-1-a"]]


async def test_a_failed_command_of_a_skipped_story_is_not_tried_again(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["crash", "ok"]})
    await runner.start()
    await runner.until_command("dev-story")
    await runner.orchestrator.steering.skip("1-1-a", "not now")
    await runner.until_end()
    assert runner.commands() == ["1-1-a dev-story"]
    assert runner.statuses() == {"1-1-a": "in-progress"}
    assert runner.of("batch:end")[-1]["status"] == "completed"


async def test_a_story_that_waits_for_an_answer_can_be_skipped(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["question:Which colour?", "ok"]})
    await runner.start()
    await until_asked(runner)
    await runner.orchestrator.steering.skip("1-1-a", "not now")
    await runner.until_end()
    assert runner.commands() == ["1-1-a dev-story"]
    assert runner.run_state.run.attention == ()


async def test_a_stopped_cycle_of_skipped_stories_is_not_continued(make_runner: MakeRunner) -> None:
    runner = await make_runner(TWO)
    await runner.start()
    await runner.until_command("dev-story")
    await runner.restart()
    await runner.orchestrator.steering.skip("1-1-a", "not now")
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses()["2-1-b"] == "done"
    assert runner.commands("success")[0].startswith("2-1-b")
