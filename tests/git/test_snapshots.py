"""Tests of snapshots on real repositories, which must leave no trace in them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from git import process
from git.snapshots import Git
from git.trees import Diff
from git.worktrees import Repository
from tests.git.repositories import git, looking_at, make, traces

# -- snapshots -----------------------------------------------------------------------------------------------------


async def test_a_snapshot_leaves_no_trace(root: Path) -> None:
    """The user's index, HEAD, objects, logs and work tree are the same to the byte, staged and unstaged work too."""
    (root / "src/staged.py").write_text("staged\n")
    git(root, "add", "src/staged.py")
    (root / "src/app.py").write_text("changed\n")
    (root / "new.py").write_text("new\n")
    before = traces(root)
    looking = await looking_at(root)
    first = await looking.snapshot()
    (root.parent / "elsewhere").mkdir()
    assert traces(root) == before
    assert await looking.diff(git(root, "rev-parse", "HEAD^{tree}"), first) == Diff(3, 3, 2)
    assert traces(root) == before


async def test_the_same_tree_has_the_same_name(root: Path) -> None:
    looking = await looking_at(root)
    first = await looking.snapshot()
    assert first == await looking.snapshot() == git(root, "rev-parse", "HEAD^{tree}")
    (root / "src/app.py").write_text("three\n")
    assert await looking.snapshot() != first
    (root / "src/app.py").write_text("one\ntwo\n")
    assert await looking.snapshot() == first


async def test_commits_since_then_count_as_change_and_staging_does_not(root: Path) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "new.py").write_text("a\n")
    unstaged = await looking.snapshot()
    git(root, "add", "new.py")
    staged = await looking.snapshot()
    git(root, "commit", "-qm", "more")
    assert unstaged == staged == await looking.snapshot() != before


async def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    root = make(tmp_path / "young", commit=False)
    before = traces(root)
    looking = await looking_at(root)
    first = await looking.snapshot()
    assert traces(root) == before
    (root / "new.py").write_text("a\n")
    assert await looking.diff(first, await looking.snapshot()) == Diff(1, 1, 0)
    assert await looking.commits_for("1-1-a") == []
    assert not await looking.has_commit("HEAD")


async def test_a_project_below_the_top_of_its_repository(root: Path) -> None:
    below = root / "packages/one"
    below.mkdir(parents=True)
    (below / "a.py").write_text("a\n")
    (below / "out").mkdir()
    (below / "out/b.md").write_text("b\n")
    before_all = traces(root)
    looking = await Git.find(below, root.parent / "snapshots", ("out",))
    assert looking is not None
    before = await looking.snapshot()
    assert traces(root) == before_all
    (below / "out/b.md").write_text("changed\n")
    assert await looking.snapshot() == before
    (root / "elsewhere.py").write_text("work beside the project's folder\n")
    (below / "a.py").write_text("changed\n")
    after = await looking.snapshot()
    assert await looking.changed_paths(before, after) == ["elsewhere.py", "packages/one/a.py"]
    assert await looking.diff(before, after) == Diff(2, 2, 1)
    (below / "new file.py").write_text("new\n")
    assert await looking.changed_paths(after, await looking.snapshot()) == ["packages/one/new file.py"]


async def test_a_linked_work_tree(root: Path) -> None:
    linked = root.parent / "linked"
    git(root, "worktree", "add", "-q", str(linked), "-b", "side")
    (linked / "side.py").write_text("side\n")
    before = traces(root) | traces(linked)
    looking = await looking_at(linked)
    first = await looking.snapshot()
    assert traces(root) | traces(linked) == before
    git(linked, "add", "-A")
    git(linked, "commit", "-qm", "1-1-a on the side")
    assert await looking.snapshot() == first == git(linked, "rev-parse", "HEAD^{tree}")
    assert [commit.subject for commit in await looking.commits_for("1-1-a")] == ["1-1-a on the side"]


async def test_snapshots_are_forgotten(root: Path) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "new.py").write_text("new\n")
    assert await looking.snapshot() != before
    looking.forget_snapshots()
    assert not list((root.parent / "snapshots/objects").rglob("*"))
    (root / "new.py").unlink()
    assert await looking.snapshot() == before


async def test_no_hook_of_the_project_is_run(root: Path) -> None:
    hook = root / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ../hooked hooked\n")
    hook.chmod(0o755)
    (root / "new.py").write_text("x\n")
    await (await looking_at(root)).snapshot()
    assert not (root / "hooked").exists()
    assert not (root.parent / "hooked").exists()


async def test_snapshots_take_turns(root: Path) -> None:
    looking = await looking_at(root)
    assert len(set(await asyncio.gather(*(looking.snapshot() for _ in range(5))))) == 1


# -- commits -------------------------------------------------------------------------------------------------------


# -- failures ------------------------------------------------------------------------------------------------------


async def test_a_call_that_takes_too_long_is_ended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = await looking_at(root)
    monkeypatch.setattr(process, "TIMEOUT_S", 0.0)
    with pytest.raises(TimeoutError):
        await looking.snapshot()
    monkeypatch.undo()
    assert await looking.snapshot()


async def test_a_cancelled_snapshot_leaves_nothing_running(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = await looking_at(root)
    with monkeypatch.context() as patched:
        pid_file = endless_git(tmp_path / "bin", patched)
        task = asyncio.create_task(looking.snapshot())
        async with asyncio.timeout(30):
            while not (pid := pid_file.read_text() if pid_file.exists() else "").endswith("\n"):
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert await looking.snapshot() == git(root, "rev-parse", "HEAD^{tree}")


def endless_git(folder: Path, patched: pytest.MonkeyPatch) -> Path:
    """Put a git on the path that says who it is in the file answered here, and then never ends by itself."""
    folder.mkdir()
    program, pid_file = folder / "git", folder / "pid"
    program.write_text(f'#!/bin/sh\necho $$ > "{pid_file}"\nexec sleep 600\n')
    program.chmod(0o755)
    patched.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return pid_file


async def test_two_views_of_a_repository_remember_one_index(root: Path) -> None:
    """What one of them takes into the index of snapshots, the other one must know of."""
    git = await looking_at(root)
    view = Repository.of(git)
    before = await git.snapshot()
    (git.root / "new.py").write_text("x = 1\n")
    assert await view.snapshot() == await git.snapshot() != before
    view.outdate()
    (git.root / "new.py").unlink()
    assert await git.snapshot() == await view.snapshot() == before
