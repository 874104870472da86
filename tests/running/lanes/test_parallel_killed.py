"""Tests of kill -9 with two running lanes, repeatedly: the server continues, and nothing is done twice."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import sprint
from tests.running.lanes.lane_runs import git
from tests.running.projects import make_project
from tests.servers import Server, get, post

STORIES = {"1-1-a": "in-progress", "1-2-b": "review", "2-1-c": "ready-for-dev", "3-1-d": "in-progress"}
SETTINGS = """
agent: demo
parallel: 2
auto_resume: true
verify: "true"
"""
RUN_S = 240.0  # takes some seconds; a busy machine may need much longer
KILLS = 3


async def seen(client: aiohttp.ClientSession, count: int) -> list[dict[str, Any]]:
    """All events, once there are so many or the batch has ended."""
    async with asyncio.timeout(RUN_S):
        while True:
            events: list[dict[str, Any]] = (await get(client, "/api/events?limit=10000"))["events"]
            if len(events) >= count or any(event["type"] == "batch:end" for event in events):
                return events
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("seed", [3])
async def test_the_plug_is_pulled_under_two_lanes(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root = make_project(tmp_path / "tiny", STORIES)
    (root / "sprint-runner.yaml").write_text(SETTINGS)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "settings")
    server = Server([str(root), "--port", "0"], tmp_path, {"SPRINT_RUNNER_DEMO_SPEED": "20"}).start()
    events: list[dict[str, Any]] = []
    try:
        for number in range(KILLS + 1):
            async with aiohttp.ClientSession(server.url) as client:
                if number == 0:
                    assert await post(client, "/api/run/start", {"batch_size": "all"}) == (202, {"batch_id": 1})
                shown, events = events, await seen(client, len(events) + chance.randint(8, 45))
                assert events[: len(shown)] == shown
                if number == KILLS:
                    events = await seen(client, 100_000)
            if number < KILLS:
                server.end(signal.SIGKILL)
                server.start()
    finally:
        if server.process is not None:
            server.end()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["payload"]["status"] for event in events if event["type"] == "batch:end"] == ["completed"]
    ends = [event["payload"] for event in events if event["type"] == "command:end"]
    finished = Counter((end["story_key"], end["command"]) for end in ends if end["status"] == "success")
    assert max(finished.values()) == 1
    order = [event["payload"]["cycle_number"] for event in events if event["type"] == "cycle:end"]
    assert order == [1, 2, 3]
    assert {story.key: story.raw_status for story in sprint.read(sprint.locate(root)).stories} == dict.fromkeys(
        STORIES, "done"
    )
    assert git(root, "log", "--first-parent", "--format=%s").splitlines() == [
        "merge(2): stories 2-1-c",
        "merge(3): stories 3-1-d",  # before it: it was begun when the batch started
        "merge(1): stories 1-1-a, 1-2-b",
        "settings",
        "start",
    ]
    assert git(root, "branch", "--list", "sprint-runner/*") == ""
    assert git(root, "worktree", "list").count("\n") == 0
    assert list((root / ".sprint-runner/worktrees").iterdir()) == []
    assert "Traceback" not in server.errors()
