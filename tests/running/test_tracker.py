"""The tracker deleted, emptied or broken while a batch runs: paused, never completed, and continued by itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import StopMode
from tests.conftest import MakeRunner
from tests.running.projects import TRACKER, Runner

STORIES = {"1-1-a": "in-progress", "1-2-b": "in-progress", "1-3-c": "in-progress"}


def delete(tracker: Path) -> None:
    tracker.unlink()


def empty(tracker: Path) -> None:
    tracker.write_bytes(b"")


def break_it(tracker: Path) -> None:
    tracker.write_text("development_status:\n  1-1-a: [done\n  }{")


def put_a_pipe(tracker: Path) -> None:
    tracker.unlink()
    os.mkfifo(tracker)


def put_a_folder(tracker: Path) -> None:
    tracker.unlink()
    tracker.mkdir()


def put_back(tracker: Path, content: bytes) -> None:
    if tracker.is_dir():
        tracker.rmdir()
    else:
        tracker.unlink(missing_ok=True)
    tracker.write_bytes(content)


async def paused(runner: Runner) -> None:
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "tracker")
    (call,) = [call for call in runner.of("attention") if call["kind"] == "tracker"]
    assert call["message"].startswith(f"{TRACKER} cannot be used. ")
    assert runner.of("batch:end") == []


@pytest.mark.parametrize("harm", [delete, empty, break_it, put_a_pipe, put_a_folder])
async def test_a_lost_tracker_pauses_the_batch_until_it_is_back(
    make_runner: MakeRunner, harm: Callable[[Path], None]
) -> None:
    runner = await make_runner(STORIES, {"commit": ["slow:1+ok"]})
    tracker = runner.root / TRACKER
    await runner.start()
    await runner.until_command("commit")
    content = tracker.read_bytes()
    harm(tracker)
    await paused(runner)
    put_back(tracker, content)
    await runner.until_end()
    assert set(runner.statuses().values()) == {"done"}
    assert runner.of("batch:resume") == [{"batch_id": 1, "reason": "tracker"}]
    assert [end["status"] for end in runner.of("batch:end")] == ["completed"]


@pytest.mark.parametrize("parallel", [1, 2])
async def test_a_status_is_written_when_the_tracker_is_back(make_runner: MakeRunner, parallel: int) -> None:
    runner = await make_runner({"1-1-a": "in-progress"}, {"code-review": ["slow:1+ZERO ISSUES"]}, parallel=parallel)
    tracker = runner.root / TRACKER
    await runner.start()
    await runner.until_command("code-review-1")
    content = tracker.read_bytes()
    delete(tracker)
    await paused(runner)
    put_back(tracker, content)
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("error") == []


async def test_resume_without_a_tracker_pauses_again(make_runner: MakeRunner) -> None:
    runner = await make_runner(STORIES, {"commit": ["slow:1+ok"]})
    tracker = runner.root / TRACKER
    await runner.start()
    await runner.until_command("commit")
    content = tracker.read_bytes()
    delete(tracker)
    await paused(runner)
    await runner.orchestrator.resume()
    await runner.until(lambda event: event.type == "batch:pause" and len(runner.of("batch:pause")) == 2)
    put_back(tracker, content)
    await runner.until_end()
    assert set(runner.statuses().values()) == {"done"}


async def test_a_restart_goes_on_by_itself_when_the_tracker_is_back(make_runner: MakeRunner) -> None:
    runner = await make_runner(STORIES, {"commit": ["slow:1+ok"]})
    tracker = runner.root / TRACKER
    await runner.start()
    await runner.until_command("commit")
    content = tracker.read_bytes()
    empty(tracker)
    await paused(runner)
    await runner.close()
    put_back(tracker, content)
    await runner.open()
    runner.run_state.apply([event for event in runner.events if event.batch_id is not None])
    await runner.orchestrator.recover()
    await runner.until_end()
    assert set(runner.statuses().values()) == {"done"}
    assert [end["status"] for end in runner.of("batch:end")] == ["completed"]


async def test_a_stop_ends_a_batch_that_waits_for_its_tracker(make_runner: MakeRunner) -> None:
    runner = await make_runner(STORIES, {"commit": ["slow:1+ok"]})
    await runner.start()
    await runner.until_command("commit")
    delete(runner.root / TRACKER)
    await paused(runner)
    runner.orchestrator.stop(StopMode.GRACEFUL)
    await runner.until_end()
    assert [end["status"] for end in runner.of("batch:end")] == ["stopped"]
