"""A status is written into the tracker when its intention is committed, however long that takes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import Future

import pytest

import running.story
from running.story import StoryRun, advance
from sprint.lock import locked
from store.batches import create_batch
from store.stories import create_story
from tests.conftest import MakeRunner
from tests.running.projects import Runner

KEY = "1-1-login"


async def written_story(runner: Runner) -> StoryRun:
    database = runner.workspace.database
    batch = await database.write(create_batch, 1)
    row = await database.write(create_story, batch, KEY, status="in-progress")
    return StoryRun(row, KEY, "1", "Login", "in-progress", "in-progress")


async def test_the_tracker_waits_for_the_commit_and_not_with_its_lock(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner({KEY: "in-progress"})
    workspace, tracker = runner.workspace, runner.workspace.project.tracker
    before, loop, waited = tracker.read_bytes(), asyncio.get_running_loop(), asyncio.Event()
    threads = []
    wait = running.story._until_committed

    def watched(stored: Future[None]) -> None:
        threads.append(threading.current_thread())
        try:
            wait(stored)
        except running.story._NotCommitted:
            loop.call_soon_threadsafe(waited.set)
            raise

    monkeypatch.setattr(running.story, "_until_committed", watched)
    monkeypatch.setattr(running.story, "COMMIT_S", 0.05)
    story = await written_story(runner)
    other = sqlite3.connect(workspace.data_dir / "test.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    moving = asyncio.create_task(advance(workspace, story, "review"))
    await waited.wait()
    assert tracker.read_bytes() == before
    with locked(tracker.resolve()):
        assert not moving.done()
    other.execute("COMMIT")
    other.close()
    await moving
    assert f"{KEY}: review" in tracker.read_text()
    assert story.status == "review"
    assert threading.main_thread() not in threads
    assert not list(tracker.parent.glob(".*.tmp"))


async def test_nothing_is_written_without_the_commit(make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = await make_runner({KEY: "in-progress"})
    before = runner.workspace.project.tracker.read_bytes()

    async def refuse(*_: object) -> None:
        raise sqlite3.IntegrityError("refused")

    monkeypatch.setattr(running.story, "until_stored", refuse)
    story = await written_story(runner)
    with pytest.raises(sqlite3.IntegrityError):
        await advance(runner.workspace, story, "review")
    assert runner.workspace.project.tracker.read_bytes() == before
