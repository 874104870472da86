"""The files as they were before a command, as a branch: git's references and objects, and nothing else."""

from __future__ import annotations

import pytest

from orchestrator import BadRequest, NotNow
from running.snapshot_branch import branch_before, proposed_branch
from store.commands import Command, get_commands_by_key
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner
from tests.test_orchestrator_revert import git, state

KEY = "1-1-a"


async def command(runner: Runner, name: str) -> Command:
    rows = await runner.database.read(get_commands_by_key, KEY)
    return next(row for row in rows if row.command == name)


def files(runner: Runner, branch: str) -> list[str]:
    return git(runner.root, "ls-tree", "-r", "--name-only", branch).splitlines()


async def test_the_files_before_a_command_become_a_branch(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, commit_by="runner")
    (runner.root / "notes.txt").write_text("of the user, not committed\n")
    await runner.run()
    before, index = state(runner.root), git(runner.root, "ls-files", "--stage")
    developed, review = await command(runner, "dev-story"), await command(runner, "code-review-1")
    assert proposed_branch(review) == f"before/1-1-a-code-review-1-{review.id}"
    branch, commit = await branch_before(runner.workspace, review, None)
    first, _ = await branch_before(runner.workspace, developed, "as-it-was")
    assert git(runner.root, "rev-parse", branch) == commit
    assert "work/1-1-a.md" in files(runner, branch)
    assert "work/1-1-a.md" not in files(runner, first)
    assert {"notes.txt", "_bmad-output/implementation-artifacts/sprint-status.yaml"} <= set(files(runner, first))
    assert git(runner.root, "log", "--format=%s", branch).splitlines() == [
        f"The work tree before code-review-1 of 1-1-a (command {review.id})",
        "start",
    ]
    assert (state(runner.root), git(runner.root, "ls-files", "--stage")) == (before, index)
    # Nothing of it is in our own store alone.
    await runner.workspace.git.forget()  # type: ignore[union-attr]
    git(runner.root, "fsck", "--strict")
    assert git(runner.root, "show", f"{branch}:work/1-1-a.md") != ""


async def test_what_cannot_be_made_is_refused_in_a_sentence(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.run()
    review = await command(runner, "code-review-1")
    git(runner.root, "branch", "mine")
    tip = git(runner.root, "rev-parse", "mine")
    with pytest.raises(NotNow, match="there is a branch mine already: choose another name"):
        await branch_before(runner.workspace, review, "mine")
    for name in ("a..b", "-x", "HEAD", "@{1}", "x.lock"):
        with pytest.raises(BadRequest, match="git takes no branch of the name"):
            await branch_before(runner.workspace, review, name)
    with pytest.raises(NotNow, match="no snapshot was taken before command"):
        await branch_before(runner.workspace, await command(runner, "commit"), None)
    assert git(runner.root, "rev-parse", "mine") == tip
    await runner.workspace.git.forget()  # type: ignore[union-attr]
    with pytest.raises(NotNow, match="is not kept any more"):
        await branch_before(runner.workspace, review, None)
