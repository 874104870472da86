"""The revert of a story's commit: a further commit, and nothing at all where anything is in the way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator import NotNow, StopMode
from tests.conftest import MakeRunner
from tests.running.projects import READY, TRACKER, Runner

PAIR = {"1-1-a": "in-progress", "1-2-b": "in-progress"}


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def state(root: Path) -> tuple[str, str, dict[str, bytes]]:
    """HEAD, what git sees as changed, and every file of the work tree."""
    skipped = (".git", ".sprint-runner")
    files = {
        str(path): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] not in skipped
    }
    return git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), files


def work(runner: Runner, key: str) -> Path:
    """The file that the scripted agent writes for a story."""
    return runner.root / "work" / f"{key}.md"


async def test_a_commit_is_taken_back_by_another_one(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.run()
    made = git(runner.root, "rev-parse", "HEAD")
    assert work(runner, "1-1-a").is_file()
    tracker = (runner.root / TRACKER).read_bytes()
    done = await runner.orchestrator.revert("1-1-a")
    assert (done.reverted, done.files) == (made, 1)
    assert git(runner.root, "rev-parse", "HEAD", "HEAD^") == f"{done.commit}\n{made}"
    assert git(runner.root, "log", "-1", "--format=%B") == (
        f'Revert "feat(1): implement story 1-1-a"\n\nThis reverts commit {made}.'
    )
    assert not work(runner, "1-1-a").exists()
    assert (runner.root / TRACKER).read_bytes() == tracker
    assert (runner.root / TRACKER.parent / "1-1-a.md").is_file()
    assert git(runner.root, "status", "--porcelain") == ""
    with pytest.raises(NotNow, match="no commit of 1-1-a is on this branch and not reverted yet"):
        await runner.orchestrator.revert("1-1-a")
    git(runner.root, "fsck", "--strict")


async def test_a_commit_below_another_one(make_runner: MakeRunner) -> None:
    runner = await make_runner(PAIR)
    await runner.run()
    await runner.orchestrator.revert("1-1-a")
    assert not work(runner, "1-1-a").exists()
    assert work(runner, "1-2-b").is_file()


async def test_later_work_on_the_same_lines_is_a_conflict(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.run()
    work(runner, "1-1-a").write_text("something else\n")
    git(runner.root, "commit", "-qam", "later")
    before = state(runner.root)
    with pytest.raises(NotNow, match=r"later work builds on \w+: work/1-1-a.md cannot be taken back") as refused:
        await runner.orchestrator.revert("1-1-a")
    assert refused.value.code == "conflict"
    assert state(runner.root) == before


async def test_changes_that_are_not_committed_are_left_alone(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.run()
    work(runner, "1-1-a").write_text("mine\n")
    (runner.root / "notes.txt").write_text("beside it\n")
    before = state(runner.root)
    with pytest.raises(NotNow, match=r"files of yours are in the way: work/1-1-a.md \(changed") as refused:
        await runner.orchestrator.revert("1-1-a")
    assert refused.value.code == "in_the_way"
    assert state(runner.root) == before
    git(runner.root, "checkout", "-q", "--", "work")
    await runner.orchestrator.revert("1-1-a")
    assert (runner.root / "notes.txt").read_text() == "beside it\n"


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (("checkout", "-q", "--detach"), "is on a detached HEAD"),
        (("checkout", "-q", "-b", "older", "HEAD^"), "no commit of 1-1-a is on this branch"),
    ],
)
async def test_another_place_is_refused(make_runner: MakeRunner, prepare: tuple[str, ...], words: str) -> None:
    runner = await make_runner(READY)
    await runner.run()
    git(runner.root, "checkout", "-q", "--", ".")
    git(runner.root, *prepare)
    before = state(runner.root)
    with pytest.raises(NotNow, match=words):
        await runner.orchestrator.revert("1-1-a")
    assert state(runner.root) == before


async def test_not_while_a_batch_uses_the_tree(make_runner: MakeRunner) -> None:
    runner = await make_runner(PAIR, {"dev-story": {"1-2-b": ["silent"]}})
    await runner.start()
    await runner.until_called("dev-story")
    with pytest.raises(NotNow, match="a batch is running already"):
        await runner.orchestrator.revert("1-1-a")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()


async def test_a_commit_of_several_stories_is_refused(make_runner: MakeRunner) -> None:
    runner = await make_runner(PAIR, commit_per="cycle")
    await runner.run()
    before = state(runner.root)
    with pytest.raises(NotNow, match="holds the work of 1-2-b as well"):
        await runner.orchestrator.revert("1-1-a")
    assert state(runner.root) == before


async def test_a_story_that_was_reverted_is_done_and_reverted_again(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.run()
    first = await runner.orchestrator.revert("1-1-a")
    text = (runner.root / TRACKER).read_text().replace("1-1-a: done", "1-1-a: ready-for-dev")
    (runner.root / TRACKER).write_text(text)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert work(runner, "1-1-a").is_file()
    again = await runner.orchestrator.revert("1-1-a")
    assert again.reverted not in (first.reverted, first.commit)
    assert not work(runner, "1-1-a").exists()
