"""Repositories inside a work tree, submodules too: git sees no more of one than its last commit.

A snapshot names the tree of its files instead, so that work in it counts, committed there or not.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from git.process import GitError, GitUnusable
from git.work_tree import WorkTree


class Snapshotter(Protocol):
    """A repository of which snapshots can be taken."""

    async def snapshot(self) -> str: ...


Find = Callable[[Path, Path], Awaitable[Snapshotter | None]]  # by its folder and that of its snapshots


class NestedRepositories:
    """The repositories inside one work tree. `paths` are those that were found, relative to its top."""

    def __init__(self, work_tree: WorkTree, store: Path, find: Find) -> None:
        self.paths: set[str] = set()
        self._work_tree = work_tree
        self._store = store
        self._find = find
        self._found: dict[Path, Snapshotter | None] = {}  # by their stores
        self._asked_for_links = False

    async def enter(self, environment: dict[str, str]) -> bool:
        """Enter each with the tree of its own work tree in place of a commit; whether there are any.

        Every time, since `git add` puts the commit back.
        """
        if not self._asked_for_links:
            self._asked_for_links = True
            self.paths |= await self._links(environment)
        if not self.paths:
            return False
        trees = {path: await self._tree(path) for path in sorted(self.paths)}
        rows = "".join(
            f"160000 {tree}\t{path}\0" if tree else f"0 {'0' * 40}\t{path}\0" for path, tree in trees.items()
        )
        await self._work_tree.run(
            "update-index", "--add", "-z", "--index-info", environment=environment,
            stdin=rows.encode(errors="surrogateescape"),
        )  # fmt: skip
        self.paths = {path for path, tree in trees.items() if tree}
        return True

    def forget(self) -> None:
        """Remove their snapshots. Blocks on the disk."""
        shutil.rmtree(self._store, ignore_errors=True)
        self._found.clear()

    async def _links(self, environment: dict[str, str]) -> set[str]:
        """The repositories that our index knows: submodules, and nested ones that were entered before."""
        arguments = ("ls-files", "--stage", "--full-name", "-z", "--", ":/")
        staged = (await self._work_tree.run(*arguments, environment=environment)).split("\0")
        return {row.partition("\t")[2] for row in staged if row.startswith("160000 ")}

    async def _tree(self, path: str) -> str | None:
        """The tree of a nested repository; None where there is none any more, or git cannot read it."""
        top = self._work_tree.top
        if not await asyncio.to_thread(os.path.lexists, top / path / ".git"):
            return None
        store = self._store / hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:16]
        if store not in self._found:
            try:
                self._found[store] = await self._find(top / path, store)
            except GitUnusable:
                self._found[store] = None
        child = self._found[store]
        try:
            return None if child is None else await child.snapshot()
        except (GitError, OSError):
            return None
