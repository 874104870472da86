"""Commits that the runner makes: exactly the named files, as the user would make them, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from git.commits import CommitImpossible, CommitRefused, commit_paths, try_commit, try_filters
from git.process import GitError
from tests.git.repositories import git, make

ODD = ["a b.txt", 'quote".txt', "tab\t.txt", "stars*?[1].txt", "ü.txt", "-n", ":(top)x", "line\nbreak.txt"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = make(tmp_path / "project")
    git(project, "config", "user.name", "Olive Operator")
    git(project, "config", "user.email", "olive@localhost")
    return project


def changed_in(root: Path, commit: str = "HEAD") -> list[str]:
    listed = git(root, "-c", "core.quotePath=false", "show", "--name-only", "-z", "--format=", commit)
    return sorted(path for path in listed.split("\0") if path)


async def test_exactly_the_named_files_are_committed(root: Path) -> None:
    (root / "src/app.py").write_text("story\n")
    (root / "src/new.py").write_text("story\n")
    (root / "other.py").write_text("not of the story\n")
    (root / "staged.py").write_text("staged by the operator\n")
    git(root, "add", "staged.py")
    made = await commit_paths(root, root, ["src/app.py", "src/new.py"], "feat(1): implement story 1-1-a")
    assert made == git(root, "rev-parse", "HEAD")
    assert changed_in(root) == ["src/app.py", "src/new.py"]
    assert git(root, "log", "-1", "--format=%an %s") == "Olive Operator feat(1): implement story 1-1-a"
    assert git(root, "status", "--porcelain").splitlines() == ["A  staged.py", "?? other.py"]


async def test_deleted_and_oddly_named_files(root: Path) -> None:
    (root / "src/app.py").unlink()
    for name in ODD:
        (root / name).write_text("x\n")
    await commit_paths(root, root, ["src/app.py", *ODD], "feat: all")
    assert changed_in(root) == sorted(["src/app.py", *ODD])
    assert git(root, "status", "--porcelain") == ""


async def test_a_file_that_came_and_went_is_passed_over(root: Path) -> None:
    (root / "src/app.py").write_text("story\n")
    await commit_paths(root, root, ["src/app.py", "was/never/here.py"], "feat: x")
    assert changed_in(root) == ["src/app.py"]
    with pytest.raises(GitError, match="none of the files exists"):
        await commit_paths(root, root, ["was/never/here.py"], "feat: y")


async def test_a_project_in_a_folder_of_the_repository(root: Path) -> None:
    below = root / "apps/web"
    below.mkdir(parents=True)
    (below / "page.py").write_text("story\n")
    (root / "shared.py").write_text("story\n")
    await commit_paths(below, root, ["apps/web/page.py", "shared.py"], "feat: x")
    assert changed_in(root) == ["apps/web/page.py", "shared.py"]


async def test_a_linked_work_tree(root: Path) -> None:
    linked = root.parent / "linked"
    git(root, "worktree", "add", "-q", str(linked), "-b", "side")
    (linked / "side.py").write_text("story\n")
    made = await commit_paths(linked, linked, ["side.py"], "feat: x")
    assert made == git(root, "rev-parse", "side")


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg"])
async def test_a_hook_that_refuses_is_quoted_and_nothing_is_left(root: Path, hook: str) -> None:
    script = root / ".git/hooks" / hook
    script.write_text("#!/bin/sh\necho 'lint: src/new.py:1 is ugly' >&2\nexit 1\n")
    script.chmod(0o755)
    (root / "src/app.py").write_text("story\n")
    (root / "src/new.py").write_text("story\n")
    before, head = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    with pytest.raises(CommitRefused, match=r"new\.py:1 is ugly"):
        await commit_paths(root, root, ["src/app.py", "src/new.py"], "feat: x")
    assert git(root, "status", "--porcelain") == before
    assert git(root, "rev-parse", "HEAD") == head


async def test_hooks_see_the_mark_and_what_is_committed(root: Path) -> None:
    script = root / ".git/hooks/pre-commit"
    script.write_text('#!/bin/sh\necho "$SPRINT_RUNNER_MARK" > mark.log\ngit diff --cached --name-only > names.log\n')
    script.chmod(0o755)
    (root / "src/new.py").write_text("story\n")
    await commit_paths(root, root, ["src/new.py"], "feat: x", mark="epoch:7")
    assert (root / "mark.log").read_text() == "epoch:7\n"
    assert (root / "names.log").read_text() == "src/new.py\n"


async def test_a_trial_finds_a_missing_identity(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await try_commit(root, tmp_path)
    before = git(root, "count-objects")
    git(root, "config", "user.useConfigOnly", "true")
    git(root, "config", "--unset", "user.email")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    for name in ("EMAIL", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CommitImpossible, match=r"(?i)email"):
        await try_commit(root, tmp_path)
    assert git(root, "count-objects") == before


async def test_a_trial_finds_a_signing_key_that_cannot_be_used(root: Path, tmp_path: Path) -> None:
    git(root, "config", "commit.gpgSign", "true")
    git(root, "config", "gpg.program", str(tmp_path / "no-such-gpg"))
    with pytest.raises(CommitImpossible, match="gpg"):
        await try_commit(root, tmp_path)


async def test_a_trial_finds_a_missing_filter(root: Path) -> None:
    await try_filters(root)
    (root / ".gitattributes").write_text("*.py filter=lfs\n")
    await try_filters(root)  # a filter that is not configured does nothing
    git(root, "config", "filter.lfs.clean", "no-such-program clean %f")
    git(root, "config", "filter.lfs.required", "true")
    with pytest.raises(GitError, match="lfs"):
        await try_filters(root)
