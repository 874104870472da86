"""The branch of an epic: only its tickets run there, and the prompt of a build says that it is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import BadRequest, NotNow
from tests.running.plans import git, make_tickets
from tests.running.test_builds import Open, calls, open_runner

__all__ = ["calls", "open_runner"]


@pytest.mark.parametrize("branch", ["epic-b", "feature/epic-b"])
async def test_only_the_tickets_of_the_branchs_epic_run(tmp_path: Path, open_runner: Open, branch: str) -> None:
    root = make_tickets(tmp_path / "x", {})
    git(root, "checkout", "-qb", branch)
    runner = await open_runner(root)
    with pytest.raises(BadRequest, match=rf"1\.1 cannot start now: The branch {branch} is that of epic-b"):
        await runner.start(stories=["1.1"])
    await runner.run()
    assert runner.statuses() == {"1.1": "", "1.2": "", "2.1": "done"}
    with pytest.raises(NotNow, match=rf"no story can run; these wait: 1\.1 \(The branch {branch} is that of epic-b\)"):
        await runner.start()


@pytest.mark.parametrize("branch", ["main", "epic-bee", "epic-b/part"])
async def test_any_other_branch_is_right_for_all(
    tmp_path: Path, open_runner: Open, calls: list[str], branch: str
) -> None:
    root = make_tickets(tmp_path / "x", {})
    git(root, "checkout", "-qB", branch)
    runner = await open_runner(root)
    await runner.run(1)
    assert runner.statuses()["1.1"] == "done"
    assert f"The branch {branch}, which is checked out, is the right one for epic-a" in calls[0]


async def test_in_a_worktree_its_own_branch_is_named(tmp_path: Path, open_runner: Open, calls: list[str]) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {}), parallel=2)
    await runner.run(stories=["2.1"])
    assert runner.statuses()["2.1"] == "done"
    assert "The branch sprint-runner/1/2-1, which is checked out, is the right one for epic-b" in calls[0]
