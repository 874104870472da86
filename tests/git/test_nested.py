"""Tests of repositories inside a work tree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from git.trees import Diff
from tests.git.repositories import git, looking_at, make


@pytest.mark.parametrize("commit", [True, False])
async def test_a_repository_inside_the_project(root: Path, commit: bool) -> None:
    """An agent may well start one; a run must not end of it."""
    make(root / "inner", commit=commit)
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "src/app.py").write_text("one\n")
    second = await looking.snapshot()
    assert await looking.diff(before, second) == Diff(1, 0, 1)
    # work in it is counted, committed there or not, also by a server that was started again
    (root / "inner/src/app.py").write_text("other\n")
    third = await looking.snapshot()
    assert await looking.changed_paths(second, third) == ["inner"]
    git(root / "inner", "add", "-A")
    git(root / "inner", "commit", "-qm", "work")
    again = await looking_at(root)
    assert await again.snapshot() == third
    (root / "inner/new.py").write_text("new\n")
    assert await again.changed_paths(third, await again.snapshot()) == ["inner"]
    shutil.rmtree(root / "inner")
    assert await again.changed_paths(before, await again.snapshot()) == ["inner", "src/app.py"]
