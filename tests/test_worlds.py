"""Every world is what its name says."""

from __future__ import annotations

import pytest

import sprint
from git.process import GitUnusable
from git.snapshots import Git
from tests.worlds import World, worlds


@pytest.mark.parametrize("world", worlds(refused=None), indirect=True)
def test_a_world_holds_a_project_that_can_be_read(world: World) -> None:
    project = sprint.locate(world.root)
    assert (project.root, project.tracker) == (world.root, world.tracker)
    assert {story.key: story.raw_status for story in sprint.read(project).stories} == world.stories


@pytest.mark.parametrize("world", worlds(refused=None), indirect=True)
async def test_git_sees_what_the_layout_promises(world: World) -> None:
    name, store = world.layout.name, world.root / ".sprint-runner"
    if name == "foreign":
        with pytest.raises(GitUnusable, match=world.layout.refused):
            await Git.find(world.root, store)
        return
    found = await Git.find(world.root, store)
    assert (found is not None) == world.layout.git
    if found is None:
        return
    assert (found.prefix, found.top.resolve()) == ("apps/web/" if name == "folder" else "", world.top)
    assert world.log()[-1] == "start"
    assert len(await found.snapshot()) == 40
    assert found.nested == ({"vendor/lib"} if name == "nested" else set())
