"""Two stories in a row that fail for the same reason pause the batch; Resume tries both again."""

from __future__ import annotations

import pytest

from tests.conftest import MakeRunner

TWO_EPICS = {"1-1-a": "in-progress", "2-1-b": "in-progress"}
FAILS_ONCE = {"dev-story": {"1-1-a": ["no-marker", "ok"], "2-1-b": ["no-marker", "ok"]}}


@pytest.mark.parametrize("restart", [False, True])
async def test_the_second_story_is_not_blocked_and_both_are_tried_again(make_runner: MakeRunner, restart: bool) -> None:
    runner = await make_runner(TWO_EPICS, FAILS_ONCE, retries=0)
    await runner.start()
    pause = await runner.until(lambda event: event.type == "batch:pause")
    assert pause.payload["reason"] == "breaker"
    assert runner.statuses() == {"1-1-a": "blocked", "2-1-b": "in-progress"}
    call = runner.of("attention")[-1]
    assert (call["kind"], call["story_keys"]) == ("breaker", ["1-1-a", "2-1-b"])
    if restart:
        await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done"}
    assert [attention["kind"] for attention in runner.of("attention")] == ["blocked", "breaker"]
    assert runner.of("batch:end")[0]["status"] == "completed"


async def test_in_one_cycle_too(make_runner: MakeRunner) -> None:
    script = {"dev-story": {"1-1-a": ["no-marker", "ok"], "1-2-b": ["no-marker", "ok"]}}
    runner = await make_runner({"1-1-a": "in-progress", "1-2-b": "in-progress"}, script, retries=0)
    await runner.start()
    await runner.until(lambda event: event.type == "batch:pause")
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done", "1-2-b": "done"}


async def test_other_reasons_block_one_after_the_other(make_runner: MakeRunner) -> None:
    runner = await make_runner(TWO_EPICS, {"dev-story": {"1-1-a": ["no-marker"], "2-1-b": ["no-change"]}}, retries=0)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked", "2-1-b": "blocked"}
    end = runner.of("batch:end")[0]
    assert (end["status"], end["reason"]) == ("completed", "blocked: 1-1-a, 2-1-b")
