"""What a start minds in the work tree: not what was saved in the page, wherever in a repository the project lies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

import sprint
from git.snapshots import Git
from running.evidence import unclean_tree
from running.preflight import NotNow, check_parallel
from running.workspace import Workspace
from settings import Settings

from .repositories import git, project_in

PROMPT = ".sprint-runner-prompts/dev-story.md"


@pytest.mark.parametrize("world", ["top", "folder", "worktree"])
async def test_what_the_page_has_saved_keeps_no_story_from_starting(tmp_path: Path, world: str) -> None:
    root = project_in(world, tmp_path, {"1-1-a": "backlog"})
    (root / PROMPT).parent.mkdir()
    for name in ("sprint-runner.yaml", PROMPT, "app.py"):
        (root / name).write_text("# one\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "settings")
    (root / "sprint-runner.yaml").write_text("retries: 3\n")
    (root / PROMPT).write_text("another\n")
    workspace = await workspace_of(root, tmp_path / "data")
    await check_parallel(workspace)
    assert await unclean_tree(workspace) is None
    (root / "app.py").write_text("half done\n")
    with pytest.raises(NotNow, match=r"changed and not committed: \S*app\.py: commit"):
        await check_parallel(workspace)
    assert "app.py" in (await unclean_tree(workspace) or "")


async def workspace_of(root: Path, data: Path) -> Workspace:
    nothing, settings = cast(Any, None), Settings(parallel=2)
    found = await Git.find(root, data)
    return Workspace(sprint.locate(root), lambda: settings, {}, nothing, data, data, found, time.time)
