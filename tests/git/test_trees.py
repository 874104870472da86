"""Tests of comparisons of trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git.process import GitError
from git.snapshots import Git
from git.trees import Diff
from tests.git.repositories import git, looking_at, make

ODD: list[str] = ["a b", "é✓", 'q"uote', "ta\tb", "li\nne", "sep\u2028arator", "-rf", ":(literal)x"]
CHANGES = [
    ("a new file", lambda root: (root / "new.py").write_text("a\nb\n"), Diff(1, 2, 0)),
    ("a change", lambda root: (root / "src/app.py").write_text("one\n2\n3\n"), Diff(1, 2, 1)),
    ("a deletion", lambda root: (root / "src/app.py").unlink(), Diff(1, 0, 2)),
    ("a move", lambda root: (root / "src/app.py").rename(root / "app.py"), Diff(2, 2, 2)),
    ("a mode", lambda root: (root / "src/app.py").chmod(0o755), Diff(1, 0, 0)),
    ("bytes", lambda root: (root / "picture").write_bytes(b"\0\1\2" * 99), Diff(1, 0, 0)),
    ("a link", lambda root: (root / "link").symlink_to("/nowhere"), Diff(1, 1, 0)),
    ("odd names", lambda root: [(root / name).write_text("1\n") for name in ODD], Diff(8, 8, 0)),
    ("an ignored file", lambda root: (root / "run.log").write_text("x\n"), Diff()),
    ("an empty folder", lambda root: (root / "empty").mkdir(), Diff()),
    ("a pipe", lambda root: os.mkfifo(root / "pipe"), Diff()),
]


@pytest.mark.parametrize(("name", "change", "size"), CHANGES, ids=[row[0] for row in CHANGES])
async def test_the_size_of_a_change(root: Path, name: str, change: object, size: Diff) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    assert callable(change)
    change(root)
    assert await looking.diff(before, await looking.snapshot()) == size


async def test_objects_that_a_repository_borrows_are_found(root: Path) -> None:
    borrowed = root.parent / "borrowed"
    git(root.parent, "clone", "-q", "--shared", str(root), str(borrowed))
    looking = await looking_at(borrowed)
    before = await looking.snapshot()
    (borrowed / "src/app.py").unlink()
    assert await looking.diff(before, await looking.snapshot()) == Diff(1, 0, 2)


async def test_a_path_with_colons_and_quotes(tmp_path: Path) -> None:
    root = make(tmp_path / 'a:b "c" \\d')
    looking = await Git.find(root, tmp_path / 'our:own "folder"')
    assert looking is not None
    before = await looking.snapshot()
    (root / "src/app.py").write_text("two\n")
    assert await looking.diff(before, await looking.snapshot()) == Diff(1, 0, 1)


async def test_what_git_says_is_in_the_error(root: Path) -> None:
    looking = await looking_at(root)
    with pytest.raises(GitError, match=r"^git diff-tree: .*0000000"):
        await looking.diff("0" * 40, "0" * 39 + "1")


async def test_a_snapshot_survives_the_collection_of_garbage(root: Path) -> None:
    looking = await looking_at(root)
    (root / "new.py").write_text("a\n")
    first = await looking.snapshot()
    git(root, "gc", "-q", "--prune=now")
    (root / "new.py").unlink()
    assert await looking.diff(first, await looking.snapshot()) == Diff(1, 0, 1)
