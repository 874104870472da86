"""A snapshot made into a branch of its own: objects and one reference, nothing else.

Promises: the work tree, the user's index and HEAD stay as they are; a branch that exists is never moved.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from git.process import GitError, alternates, ask_git, run_git
from git.worktrees import Repository, TreeEntry

LINK: Final = "160000"  # the mode of a repository inside the tree: a snapshot has the tree of its files there


class BranchExists(GitError):
    """There is a branch of this name already."""


async def is_branch_name(folder: Path, name: str) -> bool:
    """Whether git takes a name for a branch."""
    return await ask_git(folder, "check-ref-format", "--branch", name) == name


async def branch_from(repository: Repository, tree: str, parent: str | None, branch: str, message: str) -> str:
    """Make a branch of a snapshot and return its commit, which comes after `parent`. Raises `GitError`.

    What snapshots leave out, the planning files, is as in the parent.
    """
    kept = _Kept(repository, tree, parent)
    await kept.copy_objects()
    commit = await repository.commit_tree(await kept.whole_tree(), [parent] if parent else [], message)
    # The zeros have git make it only where it is not there.
    try:
        await run_git(repository.root, ("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit)))
    except GitError:
        if await repository.tip(branch) is not None:
            raise BranchExists(f"there is a branch {branch} already") from None
        raise
    return commit


class _Kept:
    """One snapshot on its way into the user's repository."""

    def __init__(self, repository: Repository, tree: str, parent: str | None) -> None:
        self._repository = repository
        self._tree = tree
        self._parent = parent
        self._environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(repository.objects)}

    async def copy_objects(self) -> None:
        """Put into the user's object store what only ours has; twice is as once."""
        known = ("--not", self._parent) if self._parent else ()
        listed = await self._git("rev-list", "--objects", "--no-object-names", self._tree, *known)
        if not listed.strip():
            return
        packs = await self._git("rev-parse", "--git-path", "objects/pack")
        folder = self._repository.root / packs.strip()
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await self._git("pack-objects", "-q", str(folder / "pack"), stdin=listed.encode())

    async def whole_tree(self) -> str:
        """The snapshot with the planning files and the repositories inside it as the parent has them."""
        rows = (await self._git("ls-tree", "-r", "-z", "--full-tree", self._tree)).split("\0")
        links = [row.partition("\t")[2] for row in rows if row.startswith(LINK)]
        before = await self._of_parent(links)
        entries: dict[str, TreeEntry | None] = {**dict.fromkeys(links), **before}
        index = self._repository.objects.parent / "branch-index"
        try:
            return await self._repository.tree_with(self._tree, entries, index)
        finally:
            await asyncio.to_thread(index.unlink, missing_ok=True)

    async def _of_parent(self, links: list[str]) -> dict[str, TreeEntry]:
        if self._parent is None:
            return {}
        names = (await self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self._parent)).split("\0")
        wanted = [name for name in names if name and (name in links or self._repository.never_counts(name))]
        return await self._repository.entries(self._parent, [f":(top,literal){name}" for name in wanted])

    async def _git(self, *arguments: str, stdin: bytes | None = None) -> str:
        return await run_git(
            self._repository.root,
            arguments,
            environment=self._environment,
            stdin=stdin,
            undecodable="surrogateescape",
        )
