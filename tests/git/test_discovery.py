"""Tests of the search for a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from git.process import GitUnusable
from git.snapshots import Git
from tests.git.repositories import git, looking_at, make


async def test_a_folder_in_no_repository(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert await Git.find(tmp_path / "plain", tmp_path / "snapshots") is None
    assert not (tmp_path / "snapshots").exists()


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert await Git.find(tmp_path / "gone", tmp_path / "snapshots") is None


async def test_a_machine_without_git(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's PATH may lack it: silence must not be taken for "no repository"."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitUnusable, match=r"git cannot be started .*PATH of the server"):
        await Git.find(root, root.parent / "snapshots")
    (tmp_path / "plain").mkdir()
    assert await Git.find(tmp_path / "plain", root.parent / "snapshots") is None


async def test_a_repository_of_another_owner_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitUnusable, match=r"safe\.directory"):
        await Git.find(root, root.parent / "snapshots")


async def test_a_damaged_repository_is_refused(root: Path) -> None:
    (root / ".git/HEAD").write_text("nonsense\n")
    with pytest.raises(GitUnusable, match="git cannot answer for"):
        await Git.find(root, root.parent / "snapshots")


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"])
async def test_a_server_started_by_a_hook_looks_at_its_own_project(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tree = git(root, "rev-parse", "HEAD^{tree}")
    other = make(root.parent / "other")
    (other / "more.py").write_text("x\n")
    values = {
        "GIT_DIR": other / ".git",
        "GIT_INDEX_FILE": other / ".git/index",
        "GIT_OBJECT_DIRECTORY": other / ".git/objects",
    }
    monkeypatch.setenv(name, str(values.get(name, other)))
    looking = await looking_at(root)
    assert await looking.snapshot() == tree
