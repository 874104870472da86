"""Work that goes out of the tree unseen: with the snapshots that show it, or between the last look and the commit.

A story may be done without its work on the branch, but never without a written reason.
"""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

import running.commits
from git.snapshots import Git
from running.commit_plan import CommitPlan, plan_commit
from running.gate import StopMode
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner
from tests.running.repositories import DONE, by_shell, git, reviewed_by
from tests.running.test_lost_work import once

STASH = "git stash -q -u -- work"
DATA = "find .sprint-runner/snapshots -mindepth 1 -delete"


async def reason_of(runner: Runner, batch_id: int) -> str:
    """Why the story's work was not committed; its file is on no branch."""
    assert "work/1-1-a.md" not in git(runner.root, "ls-tree", "-r", "--name-only", "HEAD")
    stories, _ = await runner.rows(batch_id)
    return stories[0].commit_failure or ""


@pytest.mark.parametrize("how", ["runner", "agent"])
async def test_stashed_work_whose_snapshots_are_removed_is_not_taken_for_committed(
    make_runner: MakeRunner, how: str
) -> None:
    runner = await make_runner(READY, commit_by=how, **reviewed_by())
    by_shell(runner, once(f"{STASH}; {DATA}; echo 'a note of the review' > notes.txt"))
    batch_id = await runner.run()
    assert "cannot be derived from the snapshots any more" in await reason_of(runner, batch_id)
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("attention")[-1]["kind"] == "commit"


@pytest.mark.parametrize("how", ["runner", "agent"])
async def test_removed_snapshots_of_work_that_is_there_leave_it_there(make_runner: MakeRunner, how: str) -> None:
    """Without the base nothing can be derived, which is reported; the batch comes to its end."""
    runner = await make_runner(READY, commit_by=how, **reviewed_by())
    by_shell(runner, once(DATA))
    batch_id = await runner.run()
    stories, _ = await runner.rows(batch_id)
    assert "cannot be derived from the snapshots any more" in (stories[0].commit_failure or "")
    assert (runner.root / "work/1-1-a.md").exists()


@pytest.mark.parametrize("moment", ["before git names the files", "after the plan"])
async def test_work_that_is_stashed_while_it_is_committed_is_missed(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    runner = await make_runner(READY, **reviewed_by())
    by_shell(runner, DONE)
    named = Git.uncommitted

    def stash() -> None:
        subprocess.run(STASH, cwd=runner.root, shell=True, check=True, capture_output=True)

    async def plan(*arguments: Any) -> CommitPlan:
        monkeypatch.undo()
        if moment == "after the plan":
            made = await plan_commit(*arguments)
            stash()
            return made

        async def uncommitted(self: Git, **options: Any) -> list[str]:
            stash()
            monkeypatch.undo()
            return await named(self, **options)

        monkeypatch.setattr(Git, "uncommitted", uncommitted)
        return await plan_commit(*arguments)

    monkeypatch.setattr(running.commits, "plan_commit", plan)
    batch_id = await runner.run()
    assert "the work on 1-1-a is in no commit and not in the tree any more: work/1-1-a.md" in await reason_of(
        runner, batch_id
    )
    assert runner.of("attention")[-1]["kind"] == "commit"


async def test_the_next_batch_knows_what_a_commit_left_out(make_runner: MakeRunner) -> None:
    """Its reason is kept as long as the hash of what was committed."""
    runner = await make_runner(
        {"1-1-a": "in-progress", "1-2-b": "in-progress"}, {"dev-story": {"1-2-b": ["hang", "ok"]}}
    )
    (runner.root / "work").mkdir()
    (runner.root / "work/1-1-a.md").write_text("the operator's own draft\n")
    first = await runner.start()
    await runner.until_called("dev-story")  # what is scripted is that of the second story
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    second = await runner.run()
    for batch_id in (first, second):
        stories, _ = await runner.rows(batch_id)
        assert stories[0].story_key == "1-1-a"
        assert "had uncommitted changes before the work on 1-1-a began" in (stories[0].commit_failure or "")
    assert runner.commands().count("1-1-a commit") == 1
    assert [row["story_key"] for row in runner.of("attention")] == ["1-1-a"]
