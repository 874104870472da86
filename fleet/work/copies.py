"""The copies of projects on a worker: a bare repository for each, and a work tree for each lane.

What a lane leaves behind that was lost is kept as a branch; the repository keeps what makes the next bundle small.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.bundles import set_ref
from git.process import run_git

LANES: Final = "refs/sprint-runner/lanes"  # with what each lane has exchanged
BASE: Final = "refs/sprint-runner/base"  # the HEAD of the lane that was exchanged last
LOST: Final = "sprint-runner/lost"  # the branches of lanes that were lost


@dataclass(frozen=True, slots=True)
class ProjectCopy:
    """The copy of a project in the worker's folder."""

    folder: Path
    project: str

    @property
    def repository(self) -> Path:
        return self.folder / "repositories" / f"{self.project}.git"

    @property
    def own(self) -> Path:
        """Return the folder for what this machine has of the project beside git, such as its `.env`."""
        return self.folder / "projects" / self.project

    def top(self, lane: str) -> Path:
        """Return the folder of a lane, which is the same whenever this worker has it: sessions are found by it."""
        return self.folder / "lanes" / self.project / lane

    async def open(self, object_format: str, identity: Sequence[str]) -> None:
        """Make the repository if there is none. Raises `GitError`."""
        path = self.repository
        await asyncio.to_thread(self.own.mkdir, mode=0o700, parents=True, exist_ok=True)
        if not await asyncio.to_thread((path / "HEAD").is_file):
            await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
            await run_git(path, ("init", "--quiet", "--bare", f"--object-format={object_format}"))
        for name, value in zip(("name", "email"), identity, strict=False):
            if value:
                await run_git(path, ("config", f"user.{name}", value))

    async def have(self) -> tuple[str, ...]:
        """Return commits that are here."""
        text = await run_git(self.repository, ("for-each-ref", "--format=%(objectname)", LANES, BASE))
        return tuple(dict.fromkeys(text.split()))

    async def make(self, lane: str, head: str) -> None:
        """Make the work tree of a lane, without its files. Raises `GitError`."""
        top = self.top(lane)
        await asyncio.to_thread(top.parent.mkdir, parents=True, exist_ok=True)
        arguments = ("worktree", "add", "--quiet", "--no-checkout", "--force", "--detach", str(top), head)
        await run_git(self.repository, arguments)

    async def is_made(self, lane: str) -> bool:
        return await asyncio.to_thread((self.top(lane) / ".git").is_file)

    async def keep(self, lane: str, commit: str, number: str) -> str:
        """Keep a commit as a branch of a lost lane; return the branch."""
        branch = f"{LOST}/{lane}-{number}"
        await set_ref(self.repository, f"refs/heads/{branch}", commit)
        return branch

    async def remove(self, lane: str) -> None:
        """Remove the work tree of a lane and what it has exchanged. Raises `GitError`."""
        top = self.top(lane)
        for _ in range(2):  # of one that is half gone, git forgets the name when the folder is not there any more
            await run_git(self.repository, ("worktree", "remove", "--force", "--force", str(top)), accepted=(0, 128))
            await asyncio.to_thread(shutil.rmtree, top, ignore_errors=True)
        await run_git(self.repository, ("worktree", "prune"))
        refs = await run_git(self.repository, ("for-each-ref", "--format=delete %(refname)", f"{LANES}/{lane}/"))
        await run_git(self.repository, ("update-ref", "--stdin"), stdin=refs.encode())

    async def left(self) -> list[str]:
        """Return the lanes whose work trees an earlier process has left."""
        folder = self.folder / "lanes" / self.project
        return await asyncio.to_thread(
            lambda: sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        )


def copies_in(folder: Path) -> list[ProjectCopy]:
    """Return the copies in a worker's folder. Blocks on the disk."""
    return [ProjectCopy(folder, path.stem) for path in sorted((folder / "repositories").glob("*.git"))]
