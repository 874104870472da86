"""Tests of the index of snapshots: it agrees with a walk over the whole tree, and costs one call of git."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from git import process, snapshot_index
from git.snapshots import Git
from git.trees import Diff
from tests.git.repositories import git, looking_at, make


async def test_a_large_untracked_file_is_left_out_and_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_index, "UNTRACKED_MAX_BYTES", 100)
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "dump.bin").write_bytes(b"x" * 101)
    assert await looking.snapshot() == before
    assert looking.left_out == {"dump.bin"}


async def test_two_work_trees_agree_about_what_never_counts(root: Path) -> None:
    """One of them has seen the ignored folder committed, the other has not."""
    early = await Git.find(root, root.parent / "early", ("out",))
    assert early is not None
    before = await early.snapshot()
    (root / "out").mkdir()
    (root / "out/story.md").write_text("story\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "a story")
    late = await Git.find(root, root.parent / "late", ("out",))
    assert late is not None
    assert await late.snapshot() == await early.snapshot() == before


@pytest.mark.parametrize("tracked", [True, False])
async def test_folders_of_our_own_never_count(root: Path, tracked: bool) -> None:
    for folder in ("_bmad-output/stories", ".sprint-runner", "build"):
        (root / folder).mkdir(parents=True)
        (root / folder / "a.md").write_text("a\n")
    if tracked:
        git(root, "add", "-A")
        git(root, "commit", "-qm", "all")
    looking = await looking_at(root, "_bmad-output/stories", ".sprint-runner", "build", "not-there", "glob*")
    before = await looking.snapshot()
    for folder in ("_bmad-output/stories", ".sprint-runner", "build"):
        (root / folder / "a.md").write_text("changed\n")
        (root / folder / "b.md").write_text("new\n")
    assert await looking.snapshot() == before
    (root / "globe.py").write_text("x\n")
    assert await looking.snapshot() != before
    assert git(root, "status", "--porcelain") != ""


async def test_what_a_killed_call_left_behind_is_no_obstacle(root: Path) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root.parent / "snapshots/index.lock").write_text("")
    assert await looking.snapshot() == before
    (root.parent / "snapshots/index").unlink()
    assert await looking.snapshot() == before


async def test_a_change_within_the_second_of_the_index_is_seen(root: Path) -> None:
    """Of the same size, and found by a snapshot that begins later."""
    app, second = root / "src/app.py", 1_700_000_000
    os.utime(app, (second, second))
    git(root, "update-index", "--refresh")
    os.utime(root / ".git/index", (second, second))
    app.write_text("ONE\nTWO\n")
    os.utime(app, (second, second))
    looking = await looking_at(root)
    assert await looking.diff(git(root, "rev-parse", "HEAD^{tree}"), await looking.snapshot()) == Diff(1, 2, 2)


async def test_a_later_snapshot_agrees_with_a_first_one(root: Path) -> None:
    """Whatever changes: by what `git status` names, the index becomes what a walk over the whole tree makes of it."""
    found = await looking_at(root, "kept")

    async def agree(name: str) -> str:
        first = await Git.find(root, root.parent / name, ("kept",))
        assert first is not None
        tree = await found.snapshot()
        assert tree == await first.snapshot(), name
        return tree

    def replace_by_folder() -> None:
        (root / "src/app.py").unlink()
        (root / "src/app.py").mkdir()
        (root / "src/app.py/part.py").write_text("one\n")

    def replace_by_link() -> None:
        shutil.rmtree(root / "src/app.py")
        (root / "src/app.py").symlink_to("nowhere")

    def replace_by_file() -> None:
        (root / "src/app.py").unlink()
        shutil.rmtree(root / "src")
        (root / "src").write_text("a file\n")

    def stop_ignoring() -> None:
        (root / "run.log").write_text("noise\n")
        (root / ".gitignore").unlink()

    def keep_note() -> None:
        (root / "kept").mkdir()
        (root / "kept/note").write_text("x")

    changes: dict[str, Callable[[], object]] = {
        "edit": lambda: (root / "src/app.py").write_text("one\nthree\n"),
        "folder": replace_by_folder,
        "link": replace_by_link,
        "file": replace_by_file,
        "mode": lambda: (root / "src").chmod(0o744),
        "staged": lambda: git(root, "add", "-A"),
        "names": lambda: (root / ' -o "dd\tname\n').write_text("x"),
        "latin": lambda: Path(os.fsdecode(bytes(root) + b"/\xe9t\xe9")).write_text("x"),
        "ignored": stop_ignoring,
        "committed": lambda: git(root, "commit", "-qam", "all"),
        "gone": lambda: (root / "src").unlink(),
        "kept": keep_note,
        "nested": lambda: make(root / "nested"),
        "in it": lambda: (root / "nested/src/app.py").write_text("four\n"),
    }
    trees = [await agree("before")]
    for name, change in changes.items():
        change()
        trees.append(await agree(name))
    same = {"staged", "committed", "kept"}
    for name, old, new in zip(changes, trees, trees[1:], strict=False):
        assert (old == new) == (name in same), name


async def test_nothing_changed_costs_one_call_of_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await looking_at(root)
    await found.snapshot()
    calls: list[str] = []
    run = process.Calls.run

    def counted(self: process.Calls, folder: Path, arguments: tuple[str, ...], **options: object) -> str:
        calls.append(next(word for word in arguments if not word.startswith("-") and "=" not in word))
        return run(self, folder, arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(process.Calls, "run", counted)
    tree = await found.snapshot()
    assert calls == ["status"]
    assert await found.recent_snapshot() == tree
    assert calls == ["status"]
    found.outdate()
    (root / "src/app.py").write_text("one\n")
    assert await found.recent_snapshot() != tree


async def test_a_lock_of_the_users_own_git_is_no_obstacle(root: Path) -> None:
    (root / ".git/index.lock").write_text("")
    looking = await looking_at(root)
    assert await looking.snapshot() == git(root, "rev-parse", "HEAD^{tree}")


async def test_a_snapshot_that_is_being_taken_is_waited_for(root: Path) -> None:
    found = await looking_at(root)
    before = await found.snapshot()
    (root / "src/app.py").write_text("one\n")
    ended = time.monotonic()
    ahead = asyncio.create_task(found.snapshot())
    await asyncio.sleep(0)
    found.outdate(ended)
    began = found._newest[0]
    assert await found.recent_snapshot() == await ahead != before
    assert found._newest[0] > began
    newest = found._newest
    assert await found.snapshot_since(ended) == newest[1]
    assert found._newest == newest  # it was that one
    found.outdate()
    assert await found.recent_snapshot() == newest[1]
    assert found._newest[0] > newest[0]  # begun since
