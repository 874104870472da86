"""One story to `done` in every world: its work, its evidence, the tracker's bytes, the ledger, the processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from git.process import GitUnusable
from running.lanes.worktree import FOLDER
from tests.model.laws import broken
from tests.running.projects import Runner, alive
from tests.worlds import HOOK_WORDS, World, git, make_world, worlds


@pytest.fixture
async def runner(world: World) -> AsyncIterator[Runner]:
    """A run over the world's project. An unattended build has to have a check."""
    verify = "true" if world.built else None
    opened = await Runner.create(world.root, outside=world.outside, parallel=world.lanes, verify=verify)
    yield opened
    await opened.close()


async def faults(runner: Runner, world: World, before: bytes) -> list[str]:
    """What does not hold after a run, in words."""
    left = alive(f"{runner.database.epoch}:")
    worktrees = list((runner.workspace.data_dir / FOLDER).glob("*"))
    changed = [] if not world.built or world.tracker.read_bytes() == before else ["the plan's own file has changed"]
    return [
        *broken(runner.database.path, None if world.built else world.tracker, before),
        *changed,
        *([f"processes {left} are alive"] if left else []),
        *([f"worktrees {worktrees} are left"] if worktrees else []),
    ]


@pytest.mark.parametrize("world", worlds(lanes=(1, 2)), indirect=True)
async def test_a_story_is_done_with_its_work_in_every_world(runner: Runner, world: World) -> None:
    before = world.tracker.read_bytes()
    await runner.run()
    assert await faults(runner, world, before) == []
    assert set(runner.statuses().values()) == {"done"}, runner.of("attention")
    assert [end["status"] for end in runner.of("batch:end")] == ["completed"]
    stories = sorted(runner.statuses())
    assert [name for name in world.work if not (world.root / name).is_file()] == []
    command = "build-auto" if world.built else "dev-story"
    developed = [end for end in runner.of("command:end") if end["command"] == command]
    assert sorted(end["story_key"] for end in developed) == stories
    assert committed(world) == (world.work if world.layout.git and world.layout.commits else [])
    if world.layout.git:
        assert [end["metrics"]["files_changed"] >= 1 for end in developed] == [True] * len(stories)
    else:
        assert [warning["warning_type"] for warning in runner.of("batch:warning")] == ["git"]


@pytest.mark.parametrize("world", worlds(["hooks"]), indirect=True)
async def test_a_hook_that_refuses_leaves_the_work_and_is_reported(runner: Runner, world: World) -> None:
    await runner.run()
    assert world.log() == ["start"]
    assert (world.root / "work/1-1-a.md").is_file()
    (attention,) = [shown for shown in runner.of("attention") if shown["kind"] == "commit"]
    assert HOOK_WORDS in attention["message"]


@pytest.mark.parametrize("kind", ["stories", "tickets"])
async def test_a_build_that_a_hook_refuses_waits_for_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What the build left is not committed, so the next one could not begin: nothing more runs until that is fixed."""
    world = make_world(tmp_path, monkeypatch, "hooks", kind)
    runner = await Runner.create(world.root, outside=world.outside, verify="true")
    try:
        await runner.start()
        pause = await runner.until(lambda event: event.type == "batch:pause")
        assert pause.payload["reason"] == "git"
        assert HOOK_WORDS in runner.of("attention")[-1]["message"]
        assert world.log() == ["start"]
    finally:
        await runner.close()


@pytest.mark.parametrize("world", worlds(["foreign"], refused=True), indirect=True)
async def test_a_repository_of_another_owner_is_no_project_without_git(world: World) -> None:
    assert world.layout.refused is not None
    with pytest.raises(GitUnusable, match=world.layout.refused):
        await Runner.create(world.root, outside=world.outside)


def committed(world: World) -> list[str]:
    """The files of work that HEAD has and the work tree has not changed since."""
    if not world.layout.git:
        return []
    names = git(world.root, "ls-tree", "--name-only", "HEAD", "work/").splitlines()
    changed = git(world.root, "status", "--porcelain", "--", "work").splitlines()
    return [] if changed else sorted(names)
