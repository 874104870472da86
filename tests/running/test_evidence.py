"""Tests of the evidence for an agent's verdict, from files, git and the verify command."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

import running.check_process
import sprint
from git.snapshots import Git
from running.evidence import commit_failure, missing_change, missing_stories, missing_work
from running.story import StoryRun
from running.surroundings import SurroundingsFailed
from running.verify import verify_failure
from running.workspace import Workspace
from settings import Settings
from tests.running.projects import TRACKER, make_project
from workflow import CommitVerdict, DevVerdict

KEY = "1-1-tea"
MakeWorkspace = Callable[..., Any]


def story(base_tree: str | None = None) -> StoryRun:
    return StoryRun(1, KEY, "1", "Tea", "backlog", "in-progress", base_tree)


async def workspace(tmp_path: Path, verify: str | None = None, *, git: bool = True) -> Workspace:
    root = make_project(tmp_path / "tiny", {KEY: "backlog", "1-2-cup": "backlog"}, git=git)
    found = await Git.find(root, tmp_path / "snapshots", (str(TRACKER.parent),)) if git else None
    nothing = cast(Any, None)
    project, folder = sprint.locate(root), tmp_path
    return Workspace(project, lambda: Settings(verify=verify), {}, nothing, folder, folder, found, time.time)


def python(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


# -- files ---------------------------------------------------------------------------------------------------------


async def test_every_story_that_was_created_has_a_file(tmp_path: Path) -> None:
    space = await workspace(tmp_path)
    cup = StoryRun(2, "1-2-cup", "1", "Cup", "backlog", "backlog")
    assert await missing_stories(space, [story(), cup]) == f"no story file was written for {KEY}"
    (space.project.artifacts / f"{KEY}.md").write_text("# Story\n")
    assert await missing_stories(space, [story()]) is None
    assert await missing_stories(space, [story(), cup]) == "no story file was written for 1-2-cup"
    assert await missing_stories(space, []) is None


# -- git -----------------------------------------------------------------------------------------------------------

NOTHING = "nothing was changed in the project since development started"


async def test_a_development_that_changed_nothing_is_not_believed(tmp_path: Path) -> None:
    space = await workspace(tmp_path)
    assert space.git is not None
    base = await space.git.snapshot()
    done = DevVerdict(complete=True)
    assert await missing_work(space, story(base), done) == NOTHING
    (space.project.artifacts / f"{KEY}.md").write_text("ticked, and nothing else\n")
    assert await missing_work(space, story(base), done) == NOTHING
    (space.project.root / "app.py").write_text("tea\n")
    space.git.outdate()  # as at the end of every call
    assert await missing_work(space, story(base), done) is None
    assert await missing_change(space.git, story(base)) is None


async def test_where_there_is_no_git_there_is_no_proof(tmp_path: Path) -> None:
    space = await workspace(tmp_path, git=False)
    assert await missing_work(space, story(), DevVerdict(complete=True)) is None
    assert await commit_failure(space, CommitVerdict(commit="abcdef0")) is None


async def test_an_unfinished_development_is_no_success_and_a_blocked_one_needs_no_proof(tmp_path: Path) -> None:
    space = await workspace(tmp_path, python("raise SystemExit(1)"))
    assert (
        await missing_work(space, story(), DevVerdict(complete=False))
        == "the agent says that the story is not complete"
    )
    assert await missing_work(space, story(), DevVerdict(complete=False, blocked=True, reason="no key")) is None


async def test_the_commit_that_an_agent_names_must_exist(tmp_path: Path) -> None:
    space = await workspace(tmp_path)
    assert await commit_failure(space, CommitVerdict(commit="0123456789abcdef")) == (
        "the agent names commit 0123456789ab, which does not exist"
    )
    head = (space.project.root / ".git/HEAD").read_text().split()[-1]
    real = (space.project.root / ".git" / head).read_text().strip()
    assert await commit_failure(space, CommitVerdict(commit=real)) is None
    assert await commit_failure(space, CommitVerdict(commit=real[:7])) is None
    assert await commit_failure(space, CommitVerdict()) is None
    assert await commit_failure(space, CommitVerdict(failure="a hook")) == "the commit failed: a hook"


# -- the project's own check ---------------------------------------------------------------------------------------

CHECKS: list[tuple[str | None, str]] = [
    (None, ""),
    (python("pass"), ""),
    (python("print(9)"), ""),
    (python("print('red'); raise SystemExit(3)"), "ended with 3:\nred"),
    (python("import os; os.write(2, b'on stderr'); os._exit(1)"), "ended with 1:\non stderr"),
    (python("import os; os.write(1, bytes([255])); os._exit(1)"), "ended with 1:\n\ufffd"),
    (python("import os; os.kill(os.getpid(), 9)"), "ended with -9:\n"),
]


@pytest.mark.parametrize(("verify", "said"), CHECKS, ids=[f"{n}" for n in range(len(CHECKS))])
async def test_the_check_must_pass(tmp_path: Path, verify: str | None, said: str) -> None:
    space = await workspace(tmp_path, verify, git=False)
    (space.project.root / "tracked.txt").write_text("x")
    found = await verify_failure(space)
    assert found is None if said == "" else found is not None and found.startswith(f"the check `{verify}` {said}")
    assert await missing_work(space, story(), DevVerdict(complete=True)) == found


@pytest.mark.parametrize(
    ("verify", "why"),
    [("no-such-program --now", "No such file or directory"), ("./tracked.txt", "Permission denied")],
)
async def test_a_check_that_cannot_be_started_judges_no_work(tmp_path: Path, verify: str, why: str) -> None:
    space = await workspace(tmp_path, verify, git=False)
    (space.project.root / "tracked.txt").write_text("x")
    with pytest.raises(SurroundingsFailed, match=f"`{re.escape(verify)}` cannot be started .{why}"):
        await verify_failure(space)


async def test_the_check_runs_in_the_project_without_a_shell(tmp_path: Path) -> None:
    space = await workspace(
        tmp_path, python("import os,sys; open('here','w').write(repr(sys.argv))") + " $HOME ';' '*'"
    )
    assert await verify_failure(space) is None
    assert (space.project.root / "here").read_text() == "['-c', '$HOME', ';', '*']"


async def test_only_the_end_of_what_a_check_says_is_kept(tmp_path: Path) -> None:
    space = await workspace(tmp_path, python("print('x' * 300000); print('the sum'); raise SystemExit(1)"), git=False)
    found = await verify_failure(space) or ""
    assert len(found) < 2500
    assert found.endswith("the sum")


async def test_a_check_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.check_process, "CHECK_TIMEOUT_S", 0.5)
    code = "import os,time; os.fork(); open(f'pid-{os.getpid()}','w'); time.sleep(60)"
    space = await workspace(tmp_path, python(code), git=False)
    assert "took longer than" in (await verify_failure(space) or "")
    for file in space.project.root.glob("pid-*"):
        await gone(int(file.name.removeprefix("pid-")))


async def test_a_check_that_is_cancelled_leaves_nothing_running(tmp_path: Path) -> None:
    code = "import os,time; open('pid','w').write(str(os.getpid())); os.rename('pid','up'); time.sleep(60)"
    space = await workspace(tmp_path, python(code), git=False)
    task = asyncio.create_task(verify_failure(space))
    while not (space.project.root / "up").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int((space.project.root / "up").read_text()))


async def test_what_a_check_leaves_behind_is_ended(tmp_path: Path) -> None:
    code = "import os,time; p=os.fork(); p or (os.close(1), os.close(2), time.sleep(60)); open('pid','w').write(str(p))"
    space = await workspace(tmp_path, python(code), git=False)
    assert await verify_failure(space) is None
    await gone(int((space.project.root / "pid").read_text()))


async def gone(pid: int) -> None:
    """Wait until the process runs no more; a zombie that init has not met yet does not run."""
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
