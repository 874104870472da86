"""Tests of the merge of a lane on small repositories without agents."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import sprint
from db import Database
from git.snapshots import Git
from git.worktrees import Repository
from running.gate import Gate
from running.lanes.merge import Merge, NotMerged
from running.lanes.worktree import LaneFailed, Worktree, name_lane
from running.surroundings import SurroundingsFailed
from running.verify import NO_CONTEXT
from running.workspace import Workspace
from settings import Settings
from store.batches import create_batch
from store.lanes import Lane
from tests.running.lanes.lane_runs import git, sh
from tests.running.projects import TRACKER, make_project

STORIES = {"1-1-a": "in-progress", "2-1-b": "in-progress", "3-1-c": "in-progress"}


@dataclass
class MergeProject:
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
        return await Merge(worktree, self.gate, "merge").run(NO_CONTEXT)


def write(worktree: Worktree, name: str, text: str, *, commit: bool = True) -> None:
    """An agent's work."""
    path = worktree.untracked.copy.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if commit:
        git(worktree.top, "add", "-A")
        git(worktree.top, "commit", "-qm", name)


@pytest.fixture(params=[".", "part/of it"])
async def project(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MergeProject]:
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
    yield MergeProject(workspace, Gate(workspace, 1))
    await database.close()


async def close(lane: Worktree) -> str | None:
    """Remove the worktree, or return why it stays."""
    why = await lane.unsaved_work()
    if why is None:
        await lane.remove()
    return why


async def test_lanes_are_merged_one_after_the_other(project: MergeProject) -> None:
    lanes = [await project.lane(key) for key in STORIES]
    for lane in lanes:
        write(lane, f"src/{lane.names.branch[-1]}.py", "pass\n")
    for lane in lanes:
        assert await project.merge(lane) == git(project.root, "rev-parse", "HEAD")
        assert await project.merge(lane) is None
        assert await close(lane) is None
    assert sorted(path.name for path in (project.root / "src").iterdir()) == ["a.py", "b.py", "c.py"]
    assert git(project.root, "status", "--porcelain") == ""
    assert git(project.root, "branch", "--list", "sprint-runner/*") == ""
    assert len(git(project.root, "worktree", "list").splitlines()) == 1


async def test_the_tracker_of_the_user_is_recorded_as_it_stands(project: MergeProject) -> None:
    """Whatever an agent has committed of its copy: the file on disk is not touched, and no conflict comes of it."""
    lane = await project.lane("1-1-a")
    tracker = project.root / TRACKER
    write(lane, str(TRACKER), "an agent's idea of it\n")
    write(lane, "src/a.py", "pass\n")
    tracker.write_text(tracker.read_text().replace("2-1-b: in-progress", "2-1-b: review"))
    before = (tracker.read_bytes(), tracker.stat().st_mtime_ns)
    await project.merge(lane)
    assert (tracker.read_bytes(), tracker.stat().st_mtime_ns) == before
    assert git(project.root, "status", "--porcelain") == ""
    assert "2-1-b: review" in git(project.root, "show", f"HEAD:./{TRACKER}")
    assert await close(lane) is None


async def test_the_users_branch_moves_while_the_merge_is_checked(project: MergeProject, tmp_path: Path) -> None:
    """The check commits to the user's branch when it runs first: the merge is made and checked again."""
    lane = await project.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    script = tmp_path / "check.sh"
    script.write_text(
        f"cd '{project.root}' && test -e once && exit 0; "
        f"touch once && git add once && git commit -qm once && echo checked >> '{tmp_path}/checks'"
    )
    project.setting(verify=f"sh {script}")
    await project.merge(lane)
    assert git(project.root, "log", "--first-parent", "--format=%s").splitlines() == ["merge", "once", "start"]
    assert (project.root / "src/a.py").is_file()
    assert (project.root / "once").is_file()
    assert not lane.proof.exists()


async def test_the_user_is_on_another_branch(project: MergeProject) -> None:
    lane = await project.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    git(project.root, "checkout", "-q", "-b", "elsewhere")
    with pytest.raises(SurroundingsFailed, match="belongs into trunk, but the project is on elsewhere"):
        await project.merge(lane)
    assert not (project.root / "src").exists()


async def test_head_moves_before_the_branch_does(project: MergeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other branch takes what was meant for the one that the batch began on; it is merged afterwards."""
    lane = await project.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    forward = Repository.forward

    async def late(repository: Repository, *arguments: Any) -> None:
        git(project.root, "checkout", "-q", "-b", "elsewhere")
        await forward(repository, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "forward", late)
        with pytest.raises(SurroundingsFailed, match="check out trunk again"):
            await project.merge(lane)
    assert git(project.root, "rev-parse", "elsewhere") == git(project.root, "rev-parse", "trunk")
    assert not (project.root / "src").exists()
    git(project.root, "checkout", "-q", "trunk")
    assert await project.merge(lane) is not None
    assert (project.root / "src/a.py").exists()


async def test_work_in_a_worktree_outlives_its_records(project: MergeProject) -> None:
    """`git clean -fdx` removes the records from the data folder, and leaves worktrees alone."""
    lane = await project.lane("1-1-a")
    write(lane, "src/a.py", "pass\n", commit=False)
    shutil.rmtree(lane.records)
    again = await Worktree.of(project.workspace, lane.names)
    await again.open()
    assert await again.uncommitted() == [f"{lane.prefix}src/a.py"]
    assert not await again.begun()
    write(lane, "src/a.py", "pass\n")
    assert await again.begun()
    assert await project.merge(again) is not None


async def test_a_lane_belongs_to_the_branch_of_its_batch(project: MergeProject) -> None:
    """A branch that was checked out after the batch's start is not the one that the work goes to."""
    await project.workspace.database.write(create_batch, None, agent="demo", branch="trunk")
    git(project.root, "checkout", "-q", "-b", "elsewhere")
    assert (await name_lane(project.workspace, 1, ["1-1-a"]))["target"] == "trunk"


async def test_files_that_were_copied_in_stay_outside_and_come_back(project: MergeProject) -> None:
    """An agent that commits everything: a planning file comes under version control, what is for reading does not."""
    notes = project.root / "_bmad-output/planning-artifacts/notes.md"
    notes.parent.mkdir()
    notes.write_text("mine\n")
    (project.root / ".claude/skills").mkdir(parents=True)
    (project.root / ".claude/skills/one.md").write_text("skill\n")
    lane = await project.lane("1-1-a")
    name = str(notes.relative_to(project.root))
    assert (lane.untracked.copy.root / ".claude/skills/one.md").read_text() == "skill\n"
    write(lane, name, "mine, and the agent's\n")
    await project.merge(lane)
    assert git(project.root, "ls-files", "-z", "--", name, ".claude") == f"{name}\0"
    assert notes.read_text() == "mine\n"
    assert await close(lane) is None
    assert notes.read_text() == "mine, and the agent's\n"
    assert git(project.root, "ls-files", "-m") == ""


async def test_what_was_brought_back_once_may_be_brought_back_again(project: MergeProject) -> None:
    """The batch was stopped in between, and the story continues in its lane; the user has touched nothing."""
    lane = await project.lane("1-1-a")
    name = "_bmad-output/implementation-artifacts/1-9-x.md"
    write(lane, name, "first\n", commit=False)
    await lane.untracked.bring_back(lane.repository, await lane.lane())
    assert (project.root / name).read_text() == "first\n"
    write(lane, name, "second\n")
    assert await project.merge(lane) is not None
    assert await close(lane) is None
    assert (project.root / name).read_text() == "second\n"
    assert git(project.root, "status", "--porcelain") == ""


async def test_a_lane_that_is_made_again_keeps_what_its_branch_has(project: MergeProject) -> None:
    """The data folder was removed; meanwhile the user has a file of the same name that git does not know."""
    lane = await project.lane("1-1-a")
    name = "_bmad-output/implementation-artifacts/1-9-x.md"
    write(lane, name, "the agent's\n")
    (project.root / name).write_text("mine\n")
    shutil.rmtree(lane.records)
    shutil.rmtree(lane.top)
    await lane.open()
    assert (lane.untracked.copy.root / name).read_text() == "the agent's\n"
    with pytest.raises(SurroundingsFailed, match=rf"{name} \(not under version control\)") as raised:
        await project.merge(lane)
    assert raised.value.is_fixed is not None
    assert not await raised.value.is_fixed()
    (project.root / name).write_text("the agent's\n")
    assert await raised.value.is_fixed()
    assert await project.merge(lane) is not None
    assert git(project.root, "status", "--porcelain") == ""


async def test_a_file_that_changed_on_both_sides_is_left_alone(project: MergeProject) -> None:
    notes = project.root / "_bmad-output/implementation-artifacts/notes.md"
    notes.write_text("mine\n")
    lane = await project.lane("1-1-a")
    write(lane, str(notes.relative_to(project.root)), "the agent's\n", commit=False)
    notes.write_text("mine again\n")
    why = await close(lane) or ""
    assert "notes.md changed both there and in the project" in why
    assert notes.read_text() == "mine again\n"
    assert lane.top.is_dir()


async def test_a_worktree_that_is_half_made_is_made_again(project: MergeProject) -> None:
    lane = await project.lane("1-1-a")
    lane.untracked.manifest.unlink()
    (lane.top / ".git").unlink()
    await lane.open()
    assert (lane.top / ".git").is_file()
    assert git(lane.top, "branch", "--show-current") == "sprint-runner/1/1-1-a"
    write(lane, "src/a.py", "pass\n")
    await lane.open()
    assert (lane.untracked.copy.root / "src/a.py").is_file()
    assert await project.merge(lane) is not None


async def test_a_worktree_that_git_has_not_finished_is_no_work(project: MergeProject) -> None:
    """A kill in the middle of `git worktree add`: what is not there yet must not be committed as removed."""
    lane = await project.lane("1-1-a")
    folder = Path(git(lane.top, "rev-parse", "--absolute-git-dir"))
    shutil.rmtree(lane.records)
    for path in lane.top.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "index").unlink()
    (folder / "locked").write_text("initializing\n")
    await lane.open()
    assert (lane.top / ".gitignore").is_file()
    assert git(lane.top, "status", "--porcelain") == ""
    write(lane, "src/a.py", "pass\n")
    before = git(project.root, "ls-files", ":/").splitlines()
    assert await project.merge(lane) is not None
    assert set(before) < set(git(project.root, "ls-files", ":/").splitlines())


async def test_names_are_never_used_twice(project: MergeProject) -> None:
    """Another database has numbered its batches from one before."""
    git(project.root, "branch", "sprint-runner/1/1-1-a")
    lane = await project.lane("1-1-a")
    assert lane.names.branch == "sprint-runner/1/1-1-a-2"
    odd = await name_lane(project.workspace, 1, ["1-9-größe~^:?*[.lock"])
    git(project.root, "check-ref-format", "--branch", odd["branch"])


async def test_a_command_of_the_projects_makes_a_worktree_ready(project: MergeProject) -> None:
    (project.root / ".env").write_text("secret\n")
    project.setting(worktree_setup="sh -c 'cp \"$SPRINT_RUNNER_PROJECT/.env\" .'")
    lane = await project.lane("1-1-a")
    assert (lane.untracked.copy.root / ".env").read_text() == "secret\n"
    project.setting(worktree_setup="sh -c 'echo no such package; exit 3'")
    with pytest.raises(LaneFailed, match=r"ended with 3:\nno such package"):
        await project.lane("2-1-b")


async def test_the_users_own_worktrees_are_left_alone(project: MergeProject, tmp_path: Path) -> None:
    """Also those whose folder is not there now, as on a disk that is not mounted."""
    git(project.root, "worktree", "add", "-q", "-b", "mine", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "away")
    lane = await project.lane("1-1-a")
    write(lane, "src/a.py", "pass\n")
    await project.merge(lane)
    assert await close(lane) is None
    (tmp_path / "away").rename(tmp_path / "mine")
    assert git(tmp_path / "mine", "status", "--porcelain") == ""


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_lanes_and_users_do(project: MergeProject, seed: int) -> None:
    """Random edits of few files on all sides: a lane is merged whole or not at all, and no work is lost."""
    chance = random.Random(seed)
    names = [f"src/{number}.txt" for number in range(4)]
    wanted: dict[str, str] = {}
    for round_ in range(3):
        lanes = [await project.lane(f"{number}-{round_}-x") for number in (1, 2)]
        for lane in lanes:
            for name in chance.sample(names, chance.randint(1, 2)):
                write(lane, name, f"{lane.names.branch} {name}\n")
        if chance.random() < 0.5:
            (project.root / "src").mkdir(exist_ok=True)
            name = chance.choice(names)
            (project.root / name).write_text(wanted.setdefault(name, "") + f"user {round_}\n")
            wanted[name] = (project.root / name).read_text()
            if chance.random() < 0.5:
                git(project.root, "add", "src")
                git(project.root, "commit", "-qm", "the user's")
        for lane in lanes:
            before = git(project.root, "rev-parse", "HEAD")
            try:
                commit = await project.merge(lane)
            except (NotMerged, SurroundingsFailed):
                commit = None
            mine = git(lane.top, "diff", "--name-only", "--relative", f"trunk...{lane.names.branch}")
            if commit is None:
                assert git(project.root, "rev-parse", "HEAD") == before
                assert git(project.root, "branch", "--list", lane.names.branch) != ""
            else:
                assert mine == ""
                changed = git(project.root, "diff", "--name-only", "--relative", before, commit).splitlines()
                assert changed
                wanted |= {name: (lane.untracked.copy.root / name).read_text() for name in changed if name in names}
            assert {name: (project.root / name).read_text() for name in wanted} == wanted
            assert await close(lane) is None
        git(project.root, "add", "-A")
        sh(project.root, "git commit -qm round", check=False)
        wanted = {name: (project.root / name).read_text() for name in names if (project.root / name).exists()}
    assert len(git(project.root, "worktree", "list").splitlines()) == 1
