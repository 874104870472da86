"""Snapshots of the work tree as git trees: which files changed since a snapshot, and which commits exist.

Read-only for the project: snapshots are written with an index and an object folder of our own, so neither the user's
index nor their object store changes. Nothing here resets, checks out or discards. What counts is the whole repository,
also where the project is a folder of it: all paths are relative to the repository's top.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from git.commit_reader import CommitReader
from git.discovery import find_prefix
from git.nested import NestedRepositories
from git.process import GitError
from git.snapshot_index import SnapshotIndex
from git.trees import TreeReader
from git.work_tree import WorkTree

RECENT_S: Final = 0.5  # a walk over a large tree takes as long, so that a snapshot is no more exact than that


class Git(TreeReader, CommitReader):
    """One repository as seen from a project's folder.

    `store` is a folder of ours for snapshots; `ignored` are paths, relative to `root`, that never count as a change.
    `objects` is the folder of the snapshots' objects, which all work trees of a repository share.
    """

    def __init__(
        self, root: Path, store: Path, ignored: tuple[str, ...], prefix: str = "", objects: Path | None = None
    ) -> None:
        TreeReader.__init__(self, root, store / "objects" if objects is None else objects)
        self.prefix = prefix  # from the repository's top to the project: "" or "part/of/it/"
        self.others: dict[Path, Git] = {}  # the same repository as seen from other worktrees, each once, by its store
        self._work_tree = WorkTree(root, prefix, ignored)
        nested = NestedRepositories(self._work_tree, store / "nested", Git.find)
        self._index = SnapshotIndex(self._work_tree, store, self.objects, nested)
        self._index_lock = asyncio.Lock()  # one index: snapshots take turns
        self._newest = (-1.0, "")  # when the newest snapshot was begun, and its tree
        self._recent_until = -1.0
        self._outdated = 0.0  # something of the run may have changed the work tree until then

    @classmethod
    async def find(cls, root: Path, store: Path, ignored: tuple[str, ...] = ()) -> Git | None:
        """Return the repository that the folder is in, None where git itself says that it is in none.

        Raises `GitUnusable` for every other answer.
        """
        prefix = await find_prefix(root)
        if prefix is None:
            return None
        found = cls(root, store, ignored, prefix)
        await asyncio.to_thread(found.objects.mkdir, parents=True, exist_ok=True)
        return found

    @property
    def left_out(self) -> set[str]:
        """Large untracked files that the last snapshot does not hold."""
        return self._index.left_out

    @property
    def nested(self) -> set[str]:
        """Repositories inside the work tree, submodules too: a snapshot names the tree of their files."""
        return self._index.nested.paths

    @property
    def top(self) -> Path:
        """The top folder of the work tree."""
        return self._work_tree.top

    def path_of(self, path: str) -> str:
        """A path relative to the project, as git names it: relative to the repository's top."""
        return self._work_tree.path_of(path)

    def never_counts(self, path: str) -> bool:
        """Whether a path, relative to the top, is left out of snapshots."""
        return self._work_tree.never_counts(path)

    # -- snapshots ---------------------------------------------------------------------------------------------

    async def snapshot(self) -> str:
        """Return the tree of the work tree as it is now, ignored files left out: a name that git can compare later.

        A call costs one `git status`, the first one two walks over the work tree; where nothing has changed nothing is
        written. A save in between may make git's own call fail, and so may the removal of our folder: then once more,
        before the failure counts.
        """
        async with self._index_lock:
            began = time.monotonic()
            try:
                tree = await self._index.tree()
            except (GitError, FileNotFoundError):
                self._index.outdate()
                began, tree = time.monotonic(), await self._snapshot_again()
            self._newest = (began, tree)
            self._recent_until = time.monotonic() + RECENT_S
        return tree

    async def _snapshot_again(self) -> str:
        try:
            return await self._index.tree()
        except FileNotFoundError as error:
            raise GitError(f"the folder of the snapshots was removed: {error}") from None

    async def snapshot_since(self, moment: float) -> str:
        """Return a snapshot begun at this moment of the monotonic clock or later: the newest one if it was."""
        async with self._index_lock:  # one that is being taken may be it
            began, tree = self._newest
        return tree if began >= moment else await self.snapshot()

    async def recent_snapshot(self) -> str:
        """Return the newest snapshot while it is of this moment and nothing of the run has written since."""
        tree = await self.snapshot_since(self._outdated)
        return tree if time.monotonic() < self._recent_until else await self.snapshot()

    def outdate(self, until: float | None = None) -> None:
        """Note that something of the run may have changed the work tree, until this moment of the monotonic clock, or
        until now: no snapshot that was begun before is recent."""
        self._outdated = max(self._outdated, time.monotonic() if until is None else until)

    async def forget(self) -> None:
        """Remove all snapshots, when none is being taken."""
        async with self._index_lock:
            await asyncio.to_thread(self.forget_snapshots)

    def forget_snapshots(self) -> None:
        """Remove the objects of all snapshots; for when no batch is open any more that could compare with one."""
        self._index.forget()
        self._newest = (-1.0, "")
        self.outdate()
