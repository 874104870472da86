"""Stories of different epics side by side: real worktrees, real merges, a real agent process in each."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from orchestrator import NotNow, StopMode
from tests.conftest import MakeRunner
from tests.running.projects import TRACKER, Runner, alive

TWO = {"1-1-a": "review", "2-1-b": "review"}
SLOW = {"code-review": ["slow:1+ZERO ISSUES"]}


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def branches(root: Path) -> list[str]:
    return git(root, "branch", "--format=%(refname:short)", "--list", "sprint-runner/*").splitlines()


def worktrees(runner: Runner) -> list[str]:
    folder = runner.root / ".sprint-runner/worktrees"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def overlapped(runner: Runner, first: str, second: str) -> bool:
    """Whether commands of both stories ran at the same time."""
    running: set[str] = set()
    for event in runner.events:
        if event.type == "command:start":
            running.add(event.payload["story_key"])
            if {first, second} <= running:
                return True
        elif event.type == "command:end":
            running.discard(event.payload["story_key"])
    return False


def ends(runner: Runner) -> list[tuple[int, list[str], list[str]]]:
    told = runner.of("cycle:end")
    return [(end["cycle_number"], end["completed_stories"], end["blocked_stories"]) for end in told]


async def test_two_epics_run_side_by_side_and_are_merged_in_order(make_runner: MakeRunner) -> None:
    stories = {"1-1-a": "in-progress", "1-2-b": "in-progress", "1-3-c": "in-progress", "2-1-d": "backlog"}
    script = {"dev-story": {"1-1-a": ["slow:2+ok"]}}
    runner = await make_runner(stories, script, parallel=2)
    before = (runner.root / TRACKER).read_text()
    await runner.run()
    assert set(runner.statuses().values()) == {"done"}
    assert overlapped(runner, "1-1-a", "2-1-d")
    assert [start["story_keys"] for start in runner.of("cycle:start")] == [["1-1-a", "1-2-b"], ["2-1-d"], ["1-3-c"]]
    assert ends(runner) == [(1, ["1-1-a", "1-2-b"], []), (2, ["2-1-d"], []), (3, ["1-3-c"], [])]
    assert [event.type for event in runner.events].count("batch:end") == 1
    assert runner.of("batch:end")[0] == {"batch_id": 1, "cycles_completed": 3, "status": "completed"}
    assert git(runner.root, "log", "--first-parent", "--format=%s").splitlines() == [
        "merge(1): stories 1-3-c",
        "merge(2): stories 2-1-d",
        "merge(1): stories 1-1-a, 1-2-b",
        "start",
    ]
    expected = before.replace("epic-1: backlog", "epic-1: in-progress").replace("epic-2: backlog", "epic-2: in-progress")
    for status in ("in-progress ", "backlog "):
        expected = expected.replace(f": {status} #", ": done  #")
    assert (runner.root / TRACKER).read_text() == expected
    assert sorted(path.name for path in (runner.root / "work").iterdir()) == [f"{key}.md" for key in sorted(stories)]
    assert (branches(runner.root), worktrees(runner)) == ([], [])
