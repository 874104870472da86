"""What tests of lanes look at: git in the project, our branches and worktrees in it, what ran when."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.running.projects import Runner


def git(root: Path, *arguments: str) -> str:
    """What git prints; it must succeed."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.rstrip()


def sh(root: Path, line: str, *, check: bool = True) -> None:
    subprocess.run(["sh", "-c", line], cwd=root, check=check, capture_output=True)


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
    emitted = runner.of("cycle:end")
    return [(end["cycle_number"], end["completed_stories"], end["blocked_stories"]) for end in emitted]
