"""After a switched branch, stashed or deleted work the batch pauses, and continues when the tree is as before."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import running.commits
from orchestrator import NotNow
from running.commit_plan import CommitPlan, plan_commit
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner
from tests.running.repositories import DONE, WORLDS, MakeIn, by_shell, git, hook, reviewed_by


async def until_paused(runner: Runner) -> str:
    """The message of the attention with which the batch has paused for git."""
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "git")
    attention = runner.of("attention")[-1]
    assert attention["kind"] == "git"
    return str(attention["message"])


def shell(root: Path, command: str) -> None:
    subprocess.run(command, cwd=root, shell=True, check=True, capture_output=True)


def once(script: str) -> str:
    """Only the first time: a review that is repeated does no harm."""
    return f"test -e .sprint-runner/once || {{ touch .sprint-runner/once; {script}; }}; {DONE}"


TOP = 'git -C "$(git rev-parse --show-toplevel)"'
MISDEEDS = {
    "git checkout -q -b elsewhere": ("is on branch elsewhere now: check out main again", "git checkout -q main"),
    "git checkout -q --detach": ("is on a detached HEAD at", "git checkout -q main"),
    f"{TOP} bisect start -q": (
        "a bisect is under way",
        'git -C "$(git rev-parse --show-toplevel)" bisect reset',
    ),
}


@pytest.mark.parametrize("world", ["top", "folder"])
@pytest.mark.parametrize("misdeed", MISDEEDS)
async def test_another_branch_pauses_before_the_commit(make_in: MakeIn, world: str, misdeed: str) -> None:
    runner = await make_in(world, **reviewed_by())
    git(runner.root, "branch", "-m", "main")
    by_shell(runner, once(misdeed))
    await runner.start()
    said, undo = MISDEEDS[misdeed]
    assert said in await until_paused(runner)
    assert "1-1-a commit" not in runner.commands()
    shell(runner.root, undo)
    await runner.orchestrator.resume()
    await runner.until_end()
    assert git(runner.root, "log", "-1", "--format=%s", "main") == "feat(1): implement story 1-1-a"


async def test_a_branch_that_is_switched_while_the_commit_is_planned(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner(READY)
    git(runner.root, "branch", "-m", "main")

    async def switched(*arguments: Any) -> CommitPlan:
        plan = await plan_commit(*arguments)
        git(runner.root, "checkout", "-q", "-b", "elsewhere")
        monkeypatch.undo()
        return plan

    monkeypatch.setattr(running.commits, "plan_commit", switched)
    await runner.start()
    assert "is on branch elsewhere now: check out main again" in await until_paused(runner)
    shell(runner.root, "git checkout -q main")
    await runner.orchestrator.resume()
    await runner.until_end()
    assert git(runner.root, "log", "-1", "--format=%s", "main") == "feat(1): implement story 1-1-a"


async def test_a_commit_that_went_to_another_branch_is_reported(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    git(runner.root, "branch", "-m", "main")
    git(runner.root, "branch", "elsewhere")
    hook(runner.root, "pre-commit", "git symbolic-ref HEAD refs/heads/elsewhere")
    batch_id = await runner.run()
    commit = git(runner.root, "rev-parse", "elsewhere")
    stories, _ = await runner.rows(batch_id)
    assert stories[0].commit_failure is not None
    assert f"HEAD moved while {commit[:10]} was made" in stories[0].commit_failure
    assert "check out main again, and merge that commit" in runner.of("attention")[-1]["message"]


async def test_a_commit_that_another_branch_took_is_seen_when_head_is_back(make_runner: MakeRunner) -> None:
    """The branch is switched for no longer than git takes to commit; hooks do so at the exact moment."""
    runner = await make_runner({"1-1-a": "in-progress"})
    git(runner.root, "branch", "elsewhere")
    branch = git(runner.root, "branch", "--show-current")
    hook(runner.root, "pre-commit", "git symbolic-ref HEAD refs/heads/elsewhere")
    hook(runner.root, "post-commit", f"git symbolic-ref HEAD refs/heads/{branch}")
    batch_id = await runner.run()
    stories, _ = await runner.rows(batch_id)
    commit = git(runner.root, "rev-parse", "elsewhere")
    assert git(runner.root, "rev-parse", "HEAD") != commit
    assert "another branch has taken the commit" in (stories[0].commit_failure or "")
    assert [shown["kind"] for shown in runner.of("attention")] == ["commit"]


async def test_the_branch_is_remembered_over_the_end_of_the_server(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"code-review": ["hang"]})
    git(runner.root, "branch", "-m", "main")
    await runner.start()
    await runner.until_called("code-review")
    git(runner.root, "checkout", "-q", "-b", "elsewhere")
    await runner.restart()
    await runner.orchestrator.resume()
    assert "was on branch main and is on branch elsewhere now" in await until_paused(runner)


async def test_a_detached_head_at_the_start_is_the_users_choice(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    git(runner.root, "checkout", "-q", "--detach")
    await runner.run()
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert runner.of("attention") == []


async def test_an_unfinished_rebase_is_refused_at_the_start(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    (runner.root / "file").write_text("one\n")
    git(runner.root, "add", "file")
    git(runner.root, "commit", "-qm", "file")
    shell(runner.root, "git -c 'sequence.editor=sed -i s/pick/edit/' rebase -q -i HEAD~1")
    with pytest.raises(NotNow, match="a rebase is under way in the work tree"):
        await runner.start()
    git(runner.root, "rebase", "--abort")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}


# -- work that goes away -------------------------------------------------------------------------------------------

AWAY = {
    "stash": "git stash -q -u -- ':/' ':(exclude,top)**/_bmad-output' ':(exclude,top)_bmad-output'",
    "clean": "git clean -fdxq work",
    "remove": "rm -rf work",
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("how", AWAY)
async def test_work_that_is_put_away_stops_the_story_and_comes_back(make_in: MakeIn, world: str, how: str) -> None:
    runner = await make_in(world, **reviewed_by())
    by_shell(runner, once(AWAY[how]))
    batch_id = await runner.start()
    message = await until_paused(runner)
    assert not (runner.root / "work/1-1-a.md").exists()
    command = message.partition("run `")[2].partition("`")[0]
    assert ("git stash apply" in command) == (how == "stash")
    shell(runner.root, command)
    assert (runner.root / "work/1-1-a.md").exists()
    await runner.orchestrator.resume()
    await runner.until_end()
    _, commands = await runner.rows(batch_id)
    assert [(row.command, row.status) for row in commands] == [
        ("dev-story", "success"), ("code-review-1", "lost"), ("code-review-1", "success"), ("commit", "success"),
    ]  # fmt: skip
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.log()[0] == "feat(1): implement story 1-1-a"


async def test_resume_without_the_work_calls_again_and_judges_nothing(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, **reviewed_by())
    by_shell(runner, once("rm -rf work"))
    await runner.start()
    first = await until_paused(runner)
    await runner.restart()
    by_shell(runner, DONE)
    await runner.orchestrator.resume()
    await runner.until(lambda event: event.type == "attention" and event.seq > 0 and len(runner.of("attention")) == 2)
    assert runner.of("attention")[-1]["message"] == first
    assert runner.statuses() == {"1-1-a": "review"}


async def test_a_lane_in_which_the_stash_was_used_is_merged_when_the_operator_has_looked(
    make_runner: MakeRunner,
) -> None:
    """The user of the stash is unknown: no fault of the story, and nothing is merged before a resume."""
    runner = await make_runner(READY, parallel=2, **reviewed_by())
    by_shell(runner, f"git stash -q -u -- work && git stash apply -q; {DONE}")
    await runner.start()
    await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "merge")
    assert "Resume merges it" in runner.of("attention")[-1]["message"]
    assert runner.statuses() == {"1-1-a": "review"}
    assert runner.log() == ["start"]
    assert "feat(1): implement story 1-1-a" in git(runner.root, "log", "--format=%s", "sprint-runner/1/1-1-a")
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert "merge(1): stories 1-1-a" in runner.log()


async def test_work_that_moves_to_another_folder_is_not_lost(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, **reviewed_by())
    by_shell(runner, once("mkdir -p moved && mv work/1-1-a.md moved/"))
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("attention") == []


async def test_a_change_is_measured_from_before_the_first_call(make_runner: MakeRunner) -> None:
    """The server ends when the work is done and nothing is recorded yet: the call after it changes nothing."""
    runner = await make_runner(READY, {"dev-story": ["ok+hang", "no-change"]})
    batch_id = await runner.start()
    await runner.until_called("dev-story")
    (runner.root / "work").mkdir()
    (runner.root / "work/1-1-a.md").write_text("the work of a call that was cut off\n")
    await runner.restart()
    _, before = await runner.rows(batch_id)
    assert before[0].tree_before is not None
    await runner.database.write(_forget_change, before[0].id)
    await runner.close()
    await runner.open()
    await runner.orchestrator.recover()
    await runner.orchestrator.resume()
    await runner.until_end()
    _, commands = await runner.rows(batch_id)
    second = next(row for row in commands if row.command == "dev-story" and row.status == "success")
    assert second.tree_before == before[0].tree_before
    assert (second.files_changed, second.lines_added) == (1, 1)


def _forget_change(connection: Any, command_id: int) -> None:
    """As kill -9 leaves the row: nothing of its change was measured."""
    connection.execute("UPDATE commands SET files_changed = NULL WHERE id = ?", (command_id,))
