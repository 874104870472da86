"""A story that the operator sets back is done anew: nothing of what was recorded before counts, in no later batch."""

from __future__ import annotations

from orchestrator import StopMode
from tests.conftest import MakeRunner
from tests.running.projects import TRACKER, Runner


def set_by_hand(runner: Runner, old: str, new: str) -> None:
    tracker = runner.root / TRACKER
    tracker.write_text(tracker.read_text().replace(f": {old} ", f": {new} "))


async def test_its_old_reviews_do_not_count_in_later_batches(make_runner: MakeRunner) -> None:
    """Two stops: the records from before come back in the batch after the one that has forgotten them."""
    script = {"dev-story": ["ok", "slow:2+ok"], "code-review": ["HIGH", "slow:60", "ZERO ISSUES"]}
    runner = await make_runner({"1-1-a": "in-progress"}, script)
    await runner.start()
    await runner.until_called("code-review", times=2)
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    set_by_hand(runner, "review", "in-progress")
    await runner.start()
    await runner.until_called("dev-story", times=2)
    runner.orchestrator.stop(StopMode.GRACEFUL)
    await runner.until_end()
    batch_id = await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    _, commands = await runner.rows(batch_id)
    assert [command.command for command in commands] == ["code-review-1", "commit"]


async def test_nor_after_a_kill_of_the_batch_that_has_forgotten_them(make_runner: MakeRunner) -> None:
    script = {"dev-story": ["ok", "slow:2+ok"], "code-review": ["HIGH", "slow:60", "ZERO ISSUES"]}
    runner = await make_runner({"1-1-a": "in-progress"}, script)
    await runner.start()
    await runner.until_called("code-review", times=2)
    await runner.close()
    set_by_hand(runner, "review", "in-progress")
    await runner.open()
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_called("dev-story", times=2)
    runner.orchestrator.pause()
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "operator")
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.commands("success")[-3:] == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]


async def test_a_story_that_is_blocked_when_it_is_taken_again_has_a_reason(make_runner: MakeRunner) -> None:
    stories = {"1-1-a": "in-progress", "1-2-b": "in-progress"}
    runner = await make_runner(stories, {"dev-story": {"1-1-a": ["slow:60", "ok"]}}, commit_per="cycle")
    await runner.start()
    await runner.until_called("dev-story")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    tracker = runner.root / TRACKER
    tracker.write_text(tracker.read_text().replace("1-2-b: in-progress", "1-2-b: blocked"))
    batch_id = await runner.run(1)
    rows, _ = await runner.rows(batch_id)
    assert [(row.status, row.reason) for row in rows if row.story_key == "1-2-b"] == [
        ("blocked", "it is blocked in the sprint status file")
    ]
