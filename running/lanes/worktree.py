"""A worktree of its own for a cycle that runs beside others: made, found again after a stop, removed at the end.

Promises: it begins at the commit of the user's branch; whatever ended the server, the next one finds it
with everything in it; it is removed only when nothing in it would be lost.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from base.files import atomic_write
from git.worktrees import Repository
from running.check_process import run
from running.command_waits import AgentUnusable
from running.untracked import UntrackedFiles, copy_of
from running.workspace import Workspace
from store.batches import get_batch
from store.lanes import Lane, get_lane
from store.stories import Story

FOLDER: Final = "worktrees"  # in the data folder
RECORDS: Final = "lanes"  # beside it: what the run keeps for itself of each
BRANCHES: Final = "sprint-runner"  # all of ours begin with it
NAME_CHARS: Final = 60
SHOWN_PATHS: Final = 5  # of files that are named in a reason

_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")


class LaneFailed(AgentUnusable):
    """A worktree that cannot be made ready; the message says why, and no story is judged by it."""

    kind = "worktree"


@dataclass(frozen=True, slots=True)
class Worktree:
    """The worktree of one lane. `workspace` is the user's."""

    workspace: Workspace
    repository: Repository
    names: Lane
    prefix: str

    @classmethod
    async def of(cls, workspace: Workspace, names: Lane) -> Worktree:
        """The worktree with these names, made or not."""
        repository = repository_of(workspace)
        return cls(workspace, repository, names, repository.prefix)

    @property
    def top(self) -> Path:
        return self.workspace.data_dir / FOLDER / self.names.worktree

    @property
    def proof(self) -> Path:
        """Where a merge of it is laid out to be checked."""
        return self.top.with_name(f"{self.names.worktree}-merged")

    @property
    def records(self) -> Path:
        return self.workspace.data_dir / RECORDS / self.names.worktree

    @property
    def untracked(self) -> UntrackedFiles:
        project = self.workspace.project
        return UntrackedFiles(project, copy_of(project, self.top / self.prefix), self.records / "copied.json")

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.workspace.relative(self.top)

    async def open(self) -> Workspace:
        """The lane's workspace: made at the tip of the target, or as it was left. Raises `LaneFailed`, `GitError`."""
        untracked = self.untracked
        exists = await asyncio.to_thread((self.top / ".git").is_file)
        if exists and not untracked.loaded and await self._is_whole() and await self.uncommitted():
            await self._adopt(untracked)
        elif not (exists and untracked.loaded):
            await self._make(untracked)
        await asyncio.to_thread(untracked.refresh)
        lane = await self.lane()
        return replace(self.workspace, project=untracked.copy, git=lane, main=self.workspace.project)

    async def lane(self) -> Repository:
        """The repository as seen from inside."""
        return await self.repository.beside(self.untracked.copy.root, self.records / "snapshots")

    async def _make(self, untracked: UntrackedFiles) -> None:
        """No agent has been in it before everything is copied in, so what is half made is made again."""
        start = await self.repository.tip(self.names.target)
        if start is None:
            raise LaneFailed(f"the branch {self.names.target} is gone")
        await self.repository.remove_worktree(self.top)
        mark = f"{self.workspace.database.epoch}:worktree"
        await self.repository.add_worktree(self.top, self.names.branch, start, mark)
        await asyncio.to_thread(self._remember, await self.repository.tip(self.names.branch) or start)
        await set_up(self.workspace, untracked.copy.root)
        await untracked.load(self.repository, self.workspace.data_dir)

    async def _is_whole(self) -> bool:
        """Whether git has finished making it: of one that was cut off the missing files would look like work.

        Until then git holds a lock on it, and its index, from which commits are made, is not written.
        """
        paths = await self.repository.ask(
            "-C", str(self.top), "rev-parse", "--git-path", "locked", "--git-path", "index"
        )
        locked, index = ((self.top / path) for path in (paths or "locked\nindex").splitlines())
        return await asyncio.to_thread(lambda: index.is_file() and not locked.exists())

    async def _adopt(self, untracked: UntrackedFiles) -> None:
        """Keep a worktree whose records were removed: `git clean` leaves worktrees alone, with the work in them."""
        names = self.names
        start = await self.repository.ask("merge-base", names.target, names.branch)
        await asyncio.to_thread(self._remember, (start or "").strip())
        await untracked.adopt(self.repository, self.workspace.data_dir)

    def _remember(self, start: str) -> None:
        self.records.mkdir(parents=True, exist_ok=True)
        atomic_write(self.records / "start", start.encode())

    async def begun(self) -> bool:
        """Whether the branch has commits of its own, merged or not."""
        start = await asyncio.to_thread(_read, self.records / "start")
        return await self.repository.tip(self.names.branch) != start

    async def uncommitted(self) -> list[str]:
        """What exists in the worktree and nowhere else: in no commit, and not in the user's tree."""
        lane = await self.lane()
        copies = {f"{self.prefix}{name}" for name in await asyncio.to_thread(self.untracked.left_out)}
        return [
            path
            for path in await lane.uncommitted()
            if path not in copies and not await asyncio.to_thread(self.untracked.same, path.removeprefix(self.prefix))
        ]

    async def unsaved_work(self) -> str | None:
        """Return what would be lost with the worktree; what can be copied to the project is. Raises `GitError`."""
        if await asyncio.to_thread((self.top / ".git").is_file):
            if left := await self.untracked.bring_back(self.repository, await self.lane()):
                return f"{named(left)} changed both there and in the project"
            if left := await self.uncommitted():
                return f"{named(left)} there {'is' if len(left) == 1 else 'are'} not committed"
        return None

    async def remove(self) -> None:
        """Remove the worktree, and the branch if it is merged. Raises `GitError`."""
        for path in (self.top, self.proof):
            await self.repository.remove_worktree(path)
        self.repository.others.pop(self.records / "snapshots", None)
        await asyncio.to_thread(shutil.rmtree, self.records, ignore_errors=True)
        target = await self.repository.tip(self.names.target)
        if target is not None:
            await self.repository.delete_branch(self.names.branch, target)


async def place_of(workspace: Workspace, story: Story | None) -> Workspace:
    """Where a story is worked on: in its worktree as long as that is there, else in the user's own tree."""
    if workspace.git is None or story is None:
        return workspace
    names = await workspace.database.read(get_lane, story.batch_id, story.cycle_number)
    if names is None or names.ended_at is not None:
        return workspace
    worktree = await Worktree.of(workspace, names)
    if not await asyncio.to_thread((worktree.top / ".git").is_file):
        return workspace
    lane = await worktree.lane()
    return replace(workspace, project=worktree.untracked.copy, git=lane, main=workspace.project)


def repository_of(workspace: Workspace) -> Repository:
    """The user's repository; preflight and the rows see to it that there is one."""
    if workspace.git is None:
        raise LaneFailed("the project is no git repository any more")
    return Repository.of(workspace.git)


async def name_lane(workspace: Workspace, batch_id: int, keys: Sequence[str]) -> dict[str, str]:
    """Names for a new lane that nothing has yet, as columns of its row. Raises `LaneFailed`."""
    repository = repository_of(workspace)
    batch = await workspace.database.read(get_batch, batch_id)
    # HEAD may have moved since the batch began: what it holds now says nothing about where the work belongs.
    target = await repository.branch() if batch is None or batch.branch is None else batch.branch
    if target is None:
        raise LaneFailed("the project is on no branch any more: check one out")
    plain = _UNFIT.sub("-", keys[0])[:NAME_CHARS].strip("-") or "story"
    number = 1
    while True:
        name = plain if number == 1 else f"{plain}-{number}"
        branch, worktree = f"{BRANCHES}/{batch_id}/{name}", f"{batch_id}-{name}"
        taken = (workspace.data_dir / FOLDER / worktree).exists()
        if not taken and await repository.tip(branch) is None:
            return {"worktree": worktree, "branch": branch, "target": target}
        number += 1


async def set_up(workspace: Workspace, root: Path) -> None:
    """Run the project's command that makes a fresh worktree ready, such as `npm ci`. Raises `LaneFailed`."""
    command = workspace.settings().worktree_setup
    if command is None:
        return
    variable = f"SPRINT_RUNNER_PROJECT={workspace.project.root}"
    ran = await run(["env", variable, *shlex.split(command)], root)
    if ran.exit_code == 0:
        return
    ending = "took too long" if ran.exit_code is None else f"ended with {ran.exit_code}"
    raise LaneFailed(f"worktree_setup `{command}` {ending}:\n{workspace.masker.text(ran.tail)}")


def named(paths: Sequence[str]) -> str:
    """A few names out of many."""
    more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
    return ", ".join(paths[:SHOWN_PATHS]) + more


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
