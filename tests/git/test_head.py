"""Tests of the state of a repository, and of the messages after a change by others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from git.head import HeadState, head_state, moved
from tests.git.repositories import git, make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = make(tmp_path / "project")
    git(project, "checkout", "-q", "-B", "main")
    return project


async def test_a_branch_and_its_commit(root: Path) -> None:
    state = await head_state(root)
    assert state == HeadState("main", git(root, "rev-parse", "HEAD"), None, None)
    assert moved(state, await head_state(root)) is None


async def test_a_commit_on_the_same_branch_is_no_move(root: Path) -> None:
    before = await head_state(root)
    git(root, "commit", "-q", "--allow-empty", "-m", "work")
    assert moved(before, await head_state(root)) is None


async def test_another_branch(root: Path) -> None:
    before = await head_state(root)
    git(root, "checkout", "-q", "-b", "side")
    assert moved(before, await head_state(root)) == (
        "the work tree was on branch main and is on branch side now: check out main again"
    )


async def test_a_detached_head(root: Path) -> None:
    before = await head_state(root)
    git(root, "checkout", "-q", "--detach")
    assert "a detached HEAD at" in (moved(before, await head_state(root)) or "")


async def test_a_stash(root: Path) -> None:
    (root / "src/app.py").write_text("work\n")
    before = await head_state(root)
    git(root, "stash")
    assert before.stash is None
    assert (await head_state(root)).stash == git(root, "rev-parse", "refs/stash")


def conflict(root: Path, *command: str) -> None:
    git(root, "checkout", "-q", "-b", "side")
    (root / "src/app.py").write_text("side\n")
    git(root, "commit", "-qam", "side")
    git(root, "checkout", "-q", "main")
    (root / "src/app.py").write_text("main\n")
    git(root, "commit", "-qam", "main")
    subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", *command], cwd=root, capture_output=True
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("rebase", "side"), "a rebase"),
        (("merge", "side"), "a merge"),
        (("cherry-pick", "side"), "a cherry-pick"),
        (("bisect", "start"), "a bisect"),
    ],
)
async def test_an_operation_that_is_half_done(root: Path, command: tuple[str, ...], words: str) -> None:
    before = await head_state(root)
    conflict(root, *command)
    state = await head_state(root)
    assert state.operation == words
    assert (moved(before, state) or "").startswith(f"{words} is under way")


async def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    state = await head_state(make(tmp_path / "empty", commit=False))
    assert (state.commit, state.stash, state.operation) == (None, None, None)
