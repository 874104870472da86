"""Who commits what a build made: itself, the runner what it staged, or the project's recipe; in a real git."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import NotNow
from running import commits
from running.commit_choice import choose_committer
from tests.running.plans import git, make_tickets, subjects
from tests.running.projects import Runner
from tests.running.test_builds import Open, open_runner

__all__ = ["open_runner"]

CUSTOM = "_bmad/custom/bmad-build-auto.toml"
STAGE = '[workflow]\ncommit = "stage"\n'
HANDOFF = '[workflow]\ncommit = "handoff"\ncommit_handoff = "Run `sh tools/commit.sh`, which signs the commit off."\n'
SCRIPT = "git commit -q -m 'by the recipe' -m 'Signed-off-by: T <t@localhost>' && git rev-parse --short HEAD\n"


def project(root: Path, custom: str) -> Path:
    return make_tickets(root, {CUSTOM: custom, "tools/commit.sh": SCRIPT} if custom else {})


async def hashes(runner: Runner) -> list[str]:
    """The subjects of the commits that the stories' rows name."""
    rows, _ = await runner.rows(1)
    return [git(runner.root, "show", "-s", "--format=%s", row.commit_hash).strip() for row in rows]


async def test_what_a_build_has_staged_is_committed_before_the_next_one(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(project(tmp_path / "x", STAGE))
    await runner.run()
    assert runner.statuses() == {"1.1": "done", "1.2": "done", "2.1": "done"}
    assert await hashes(runner) == [f"feat({key[0]}): implement story {key}" for key in ("1.1", "1.2", "2.1")]
    assert "feat: ticket 1" not in subjects(runner.root)  # the build itself committed nothing
    assert [line for line in runner.commands() if line.endswith("commit")] == ["1.1 commit", "1.2 commit", "2.1 commit"]
    assert (git(runner.root, "status", "--porcelain"), git(runner.root, "diff", "--cached")) == ("", "")


async def test_what_changed_after_it_was_staged_is_not_committed(
    tmp_path: Path, open_runner: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await open_runner(project(tmp_path / "x", STAGE))
    changed: list[str] = []

    async def edited(workspace: Any, *words: Any) -> Any:
        """A person edits a file of the story at the moment before the commit."""
        if not changed:
            changed.append(
                git(runner.root, "diff", "--cached", "--name-only", "--", ":(exclude)_bmad-output").split()[0]
            )
            (runner.root / changed[0]).write_text("by a person\n")
            workspace.git.outdate()
        return await choose_committer(workspace, *words)

    monkeypatch.setattr(commits, "choose_committer", edited)
    await runner.run(1)
    (row,), _ = await runner.rows(1)
    assert row.commit_failure.startswith(
        f"these files changed after the build had reviewed and staged them: {changed[0]}. Look at"
    )
    assert "feat(1): implement story 1.1" not in subjects(runner.root)
    assert (runner.root / changed[0]).read_text() == "by a person\n"
    assert [one["kind"] for one in runner.of("attention")] == ["commit"]


async def test_a_build_that_hands_off_needs_no_further_commit(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(project(tmp_path / "x", HANDOFF))
    await runner.run()
    assert runner.statuses() == {"1.1": "done", "1.2": "done", "2.1": "done"}
    assert await hashes(runner) == ["by the recipe"] * 3
    _, rows = await runner.rows(1)
    assert {row.command for row in rows if row.output_tokens} == {"build-auto"}  # no agent was paid for a commit


async def test_what_a_build_leaves_is_committed_by_the_recipe_whatever_is_set(
    tmp_path: Path, open_runner: Open
) -> None:
    script = {"build-auto": {"1.1": ["no-commit"]}}
    runner = await open_runner(project(tmp_path / "x", HANDOFF), script, commit_by="runner")
    await runner.run(1)
    assert runner.statuses()["1.1"] == "done"
    assert await hashes(runner) == ["by the recipe"]
    assert "Signed-off-by: T" in git(runner.root, "log", "--format=%b")
    assert git(runner.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("commit_by", ["runner", "agent"])
async def test_what_a_build_that_commits_itself_leaves_is_committed_as_set(
    tmp_path: Path, open_runner: Open, commit_by: str
) -> None:
    script = {"build-auto": {"1.1": ["no-commit"]}}
    runner = await open_runner(project(tmp_path / "x", ""), script, commit_by=commit_by)
    await runner.run(1)
    assert await hashes(runner) == ["feat(1): implement story 1.1"]
    _, rows = await runner.rows(1)
    assert any(row.command == "commit" and row.output_tokens for row in rows) == (commit_by == "agent")


async def test_a_customisation_that_cannot_be_followed_starts_nothing(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(project(tmp_path / "x", '[workflow]\ncommit = "squash"\n'))
    with pytest.raises(NotNow, match=r"workflow\.commit of bmad-build-auto is 'squash'"):
        await runner.start()
    assert runner.events == []
