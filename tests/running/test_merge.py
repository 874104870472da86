"""The merge of a lane, with small repositories and no agents: what is taken, what is refused, what stays as it is."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import sprint
from db import Database, Lane
from running.check import NOBODY
from running.gate import Gate
from running.git import Git
from running.merge import Merge, NotMerged
from running.workspace import Workspace
from running.worktree import LaneFailed, Worktree, name_lane
from settings import Settings
from tests.running.lanes import git, sh
from tests.running.projects import TRACKER, make_project

STORIES = {"1-1-a": "in-progress", "2-1-b": "in-progress", "3-1-c": "in-progress"}


@dataclass
class Yard:
    """A project and its lanes; `root` may be a part of the repository."""

    workspace: Workspace
    gate: Gate

    @property
    def root(self) -> Path:
        return self.workspace.project.root

    async def lane(self, key: str) -> Worktree:
        """A new worktree, opened."""
        names: dict[str, Any] = {**await name_lane(self.workspace, 1, [key])}
        worktree = await Worktree.of(self.workspace, Lane(id=1, batch_id=1, cycle_number=1, **names))
        await worktree.open()
        return worktree

    def setting(self, **values: Any) -> None:
        self.workspace = replace(self.workspace, settings=lambda: Settings(**values))

    async def merge(self, worktree: Worktree) -> str | None:
        worktree = replace(worktree, workspace=self.workspace)
        return await Merge(worktree, self.gate, "merge").run(NOBODY)


def write(worktree: Worktree, name: str, text: str, *, commit: bool = True) -> None:
    """An agent's work."""
    path = worktree.cargo.copy.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if commit:
        git(worktree.top, "add", "-A")
        git(worktree.top, "commit", "-qm", name)


@pytest.fixture(params=[".", "part/of it"])
async def yard(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Yard]:
    """A project that is a repository, and one that is a part of it."""
    root = make_project(tmp_path / "repository" / request.param, STORIES, git=False)
    top = tmp_path / "repository"
    (top / ".gitignore").write_text(".sprint-runner/\n")
    for words in ("init -q -b trunk", "config user.name T", "config user.email t@localhost", "add -A"):
        git(top, *words.split())
    git(top, "commit", "-qm", "start")
    data_dir = root / ".sprint-runner"
    database = await Database.open(data_dir / "test.db")
    found = await Git.find(root, data_dir / "snapshots", ("_bmad-output/implementation-artifacts", ".sprint-runner"))
    workspace = Workspace(
        sprint.locate(root), Settings, {}, database, data_dir, tmp_path, found, lambda: 1_700_000_000.0
    )
    yield Yard(workspace, Gate(workspace, 1))
    await database.close()


async def test_lanes_are_merged_one_after_the_other(yard: Yard) -> None:
    lanes = [await yard.lane(key) for key in STORIES]
    for lane in lanes:
        write(lane, f"src/{lane.names.branch[-1]}.py", "pass\n")
    for lane in lanes:
        assert await yard.merge(lane) == git(yard.root, "rev-parse", "HEAD")
        assert await yard.merge(lane) is None
        assert await lane.close() == ""
    assert sorted(path.name for path in (yard.root / "src").iterdir()) == ["a.py", "b.py", "c.py"]
    assert git(yard.root, "status", "--porcelain") == ""
    assert git(yard.root, "branch", "--list", "sprint-runner/*") == ""
    assert len(git(yard.root, "worktree", "list").splitlines()) == 1


async def test_the_tracker_of_the_user_is_recorded_as_it_stands(yard: Yard) -> None:
    """Whatever an agent has committed of its copy: the file on disk is not touched, and no conflict comes of it."""
    lane = await yard.lane("1-1-a")
    tracker = yard.root / TRACKER
    write(lane, str(TRACKER), "an agent's idea of it\n")
    write(lane, "src/a.py", "pass\n")
    tracker.write_text(tracker.read_text().replace("2-1-b: in-progress", "2-1-b: review"))
    before = (tracker.read_bytes(), tracker.stat().st_mtime_ns)
    await yard.merge(lane)
    assert (tracker.read_bytes(), tracker.stat().st_mtime_ns) == before
    assert git(yard.root, "status", "--porcelain") == ""
    assert "2-1-b: review" in git(yard.root, "show", f"HEAD:./{TRACKER}")
    assert await lane.close() == ""


async def test_the_users_branch_moves_while_the_merge_is_checked(yard: Yard, tmp_path: Path) -> None:
    """The check commits to the user's branch when it runs first: the merge is made and checked again."""
    lane = await yard.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    script = tmp_path / "check.sh"
    script.write_text(
        f"cd '{yard.root}' && test -e once && exit 0; "
        f"touch once && git add once && git commit -qm once && echo checked >> '{tmp_path}/checks'"
    )
    yard.setting(verify=f"sh {script}")
    await yard.merge(lane)
    assert git(yard.root, "log", "--first-parent", "--format=%s").splitlines() == ["merge", "once", "start"]
    assert (yard.root / "src/a.py").is_file()
    assert (yard.root / "once").is_file()
    assert not lane.proof.exists()


async def test_the_user_is_on_another_branch(yard: Yard) -> None:
    lane = await yard.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    git(yard.root, "checkout", "-q", "-b", "elsewhere")
    with pytest.raises(NotMerged, match="belongs to trunk, but the project is on elsewhere"):
        await yard.merge(lane)
    assert not (yard.root / "src").exists()


async def test_files_that_were_copied_in_stay_outside_and_come_back(yard: Yard) -> None:
    """An agent that commits everything: a planning file comes under version control, what is for reading does not."""
    notes = yard.root / "_bmad-output/planning-artifacts/notes.md"
    notes.parent.mkdir()
    notes.write_text("mine\n")
    (yard.root / ".claude/skills").mkdir(parents=True)
    (yard.root / ".claude/skills/one.md").write_text("skill\n")
    lane = await yard.lane("1-1-a")
    name = str(notes.relative_to(yard.root))
    assert (lane.cargo.copy.root / ".claude/skills/one.md").read_text() == "skill\n"
    write(lane, name, "mine, and the agent's\n")
    await yard.merge(lane)
    assert git(yard.root, "ls-files", "-z", "--", name, ".claude") == f"{name}\0"
    assert notes.read_text() == "mine\n"
    assert await lane.close() == ""
    assert notes.read_text() == "mine, and the agent's\n"
    assert git(yard.root, "ls-files", "-m") == ""


async def test_a_file_that_changed_on_both_sides_is_left_alone(yard: Yard) -> None:
    notes = yard.root / "_bmad-output/implementation-artifacts/notes.md"
    notes.write_text("mine\n")
    lane = await yard.lane("1-1-a")
    write(lane, str(notes.relative_to(yard.root)), "the agent's\n", commit=False)
    notes.write_text("mine again\n")
    why = await lane.close()
    assert "notes.md changed both there and in the project" in why
    assert notes.read_text() == "mine again\n"
    assert lane.top.is_dir()


async def test_a_worktree_that_is_half_made_is_made_again(yard: Yard) -> None:
    lane = await yard.lane("1-1-a")
    lane.cargo.manifest.unlink()
    (lane.top / ".git").unlink()
    await lane.open()
    assert (lane.top / ".git").is_file()
    assert git(lane.top, "branch", "--show-current") == "sprint-runner/1/1-1-a"
    write(lane, "src/a.py", "pass\n")
    await lane.open()
    assert (lane.cargo.copy.root / "src/a.py").is_file()
    assert await yard.merge(lane) is not None


async def test_names_are_never_used_twice(yard: Yard) -> None:
    """Another database has numbered its batches from one before."""
    git(yard.root, "branch", "sprint-runner/1/1-1-a")
    lane = await yard.lane("1-1-a")
    assert lane.names.branch == "sprint-runner/1/1-1-a-2"
    odd = await name_lane(yard.workspace, 1, ["1-9-größe~^:?*[.lock"])
    git(yard.root, "check-ref-format", "--branch", odd["branch"])


async def test_a_command_of_the_projects_makes_a_worktree_ready(yard: Yard) -> None:
    (yard.root / ".env").write_text("secret\n")
    yard.setting(worktree_setup="sh -c 'cp \"$SPRINT_RUNNER_PROJECT/.env\" .'")
    lane = await yard.lane("1-1-a")
    assert (lane.cargo.copy.root / ".env").read_text() == "secret\n"
    yard.setting(worktree_setup="sh -c 'echo no such package; exit 3'")
    with pytest.raises(LaneFailed, match=r"ended with 3:\nno such package"):
        await yard.lane("2-1-b")


async def test_the_users_own_worktrees_are_left_alone(yard: Yard, tmp_path: Path) -> None:
    """Also those whose folder is not there now, as on a disk that is not mounted."""
    git(yard.root, "worktree", "add", "-q", "-b", "mine", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "away")
    lane = await yard.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    await yard.merge(lane)
    assert await lane.close() == ""
    (tmp_path / "away").rename(tmp_path / "mine")
    assert git(tmp_path / "mine", "status", "--porcelain") == ""


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_lanes_and_users_do(yard: Yard, seed: int) -> None:
    """Random edits of few files on all sides: a lane is merged whole or not at all, and nobody's work is lost."""
    chance = random.Random(seed)
    names = [f"src/{number}.txt" for number in range(4)]
    wanted: dict[str, str] = {}
    for round_ in range(3):
        lanes = [await yard.lane(f"{number}-{round_}-x") for number in (1, 2)]
        for lane in lanes:
            for name in chance.sample(names, chance.randint(1, 2)):
                write(lane, name, f"{lane.names.branch} {name}\n")
        if chance.random() < 0.5:
            (yard.root / "src").mkdir(exist_ok=True)
            name = chance.choice(names)
            (yard.root / name).write_text(wanted.setdefault(name, "") + f"user {round_}\n")
            wanted[name] = (yard.root / name).read_text()
            if chance.random() < 0.5:
                git(yard.root, "add", "src")
                git(yard.root, "commit", "-qm", "the user's")
        for lane in lanes:
            before = git(yard.root, "rev-parse", "HEAD")
            try:
                commit = await yard.merge(lane)
            except NotMerged:
                commit = None
            mine = git(lane.top, "diff", "--name-only", "--relative", f"trunk...{lane.names.branch}")
            if commit is None:
                assert git(yard.root, "rev-parse", "HEAD") == before
                assert git(yard.root, "branch", "--list", lane.names.branch) != ""
            else:
                assert mine == ""
                changed = git(yard.root, "diff", "--name-only", "--relative", before, commit).splitlines()
                assert changed
                wanted |= {name: (lane.cargo.copy.root / name).read_text() for name in changed if name in names}
            assert {name: (yard.root / name).read_text() for name in wanted} == wanted
            assert await lane.close() == ""
        git(yard.root, "add", "-A")
        sh(yard.root, "git commit -qm round", check=False)
        wanted = {name: (yard.root / name).read_text() for name in names if (yard.root / name).exists()}
    assert len(git(yard.root, "worktree", "list").splitlines()) == 1
