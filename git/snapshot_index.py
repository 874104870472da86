"""The index of snapshots: what the work tree held at the last one, and the tree of it as it is now.

An index and an object folder of our own, so that neither the user's index nor their object store changes.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from base.files import replacing
from git.nested import NestedRepositories
from git.overlay import PATHS_MAX, TreeOverlay
from git.process import Calls, GitError, alternates, in_thread, run_git
from git.work_tree import AS_IS, WorkTree

UNTRACKED_MAX_BYTES: Final = 10 << 20  # of an untracked file that snapshots hold; a larger one is named once


class SnapshotIndex:
    """The index of one work tree in the folder `store`; `objects` are of all snapshots of the repository.

    `left_out` are large untracked files that the last snapshot does not hold.
    """

    def __init__(self, work_tree: WorkTree, store: Path, objects: Path, nested: NestedRepositories) -> None:
        self.left_out: set[str] = set()
        self.nested = nested
        self._work_tree = work_tree
        self._path = store / "index"
        self._objects = objects
        self._places: tuple[Path, Path] | None = None  # the repository's objects, the work tree's index
        self._overlay: TreeOverlay | None = None
        self._overlays: bool | None = None  # whether it may be used, None until git was asked
        self._tree: str | None = None  # of our index, while it has not changed since

    async def tree(self) -> str:
        """Return the tree of the work tree as it is now. Raises `GitError` and `FileNotFoundError`."""
        objects, index = await self._find_places()
        environment = {
            "GIT_INDEX_FILE": str(self._path),
            "GIT_OBJECT_DIRECTORY": str(self._objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(objects),
        }
        if self._tree is not None and not self.nested.paths:
            tree = await self._with_changes(self._tree, environment)
            if tree is not None:
                return tree
        if await asyncio.to_thread(self._seed, index):
            self.outdate()
            await self._drop_ignored(environment)
        # 1: a file that git cannot take is left out.
        updated = await self._work_tree.run(
            *AS_IS, "add", "--update", "--verbose", "--ignore-errors", "--", *self._work_tree.pathspecs,
            environment=environment, accepted=(0, 1),
        )  # fmt: skip
        added = await self._add_new(environment)
        added |= await self.nested.enter(environment)
        if self._tree is None or updated or added:
            self._tree = (await self._work_tree.run("write-tree", environment=environment)).strip()
        return self._tree

    def outdate(self) -> None:
        """What is known of our index and of objects holds no more."""
        self._tree = None
        if self._overlay is not None:
            self._overlay.forget()

    def forget(self) -> None:
        """Remove the index and all objects. Blocks on the disk."""
        shutil.rmtree(self._objects, ignore_errors=True)
        self._path.unlink(missing_ok=True)
        self.nested.forget()
        self.outdate()
        self._objects.mkdir(parents=True, exist_ok=True)

    # -- a few changes -----------------------------------------------------------------------------------------

    async def _with_changes(self, base: str, environment: dict[str, str]) -> str | None:
        """Return the tree of our index with what one `git status` names as it is now; None where that is not enough.

        All of it is done in one thread: between two of them lies a turn of the loop.
        """
        overlay = self._overlay = self._overlay or TreeOverlay(
            self._work_tree.top,
            AS_IS,
            {name: value for name, value in environment.items() if name != "GIT_INDEX_FILE"},
        )
        with overlay.idle.in_use():
            return await in_thread(partial(self._changed, base, environment, overlay), on_kill=overlay.idle.kill)

    def _changed(self, base: str, environment: dict[str, str], overlay: TreeOverlay, calls: Calls) -> str | None:
        """Few changes are laid over the tree, and of many the index is brought up to date."""
        self._tidy()
        paths = self._named_changes(environment, calls) if self._path.exists() else None
        if not paths:
            return base if paths is not None else None
        if len(paths) <= PATHS_MAX and self._may_overlay(calls):
            with suppress(GitError, OSError):
                return overlay.tree(base, paths)
            overlay.forget()
        try:
            self._work_tree.run_now(
                calls,
                *(*AS_IS, "update-index", "--add", "--remove", "--replace", "-z", "--stdin"),
                environment=environment,
                stdin="".join(f"{self._work_tree.up}{path}\0" for path in paths).encode(errors="surrogateescape"),
            )
        except GitError:  # it cannot take one of them
            return None
        self._tree = self._work_tree.run_now(calls, "write-tree", environment=environment).strip()
        return self._tree

    def _named_changes(self, environment: dict[str, str], calls: Calls) -> list[str] | None:
        """Return the files that one `git status` names as other than in our index, those that are gone first.

        None where that does not say enough: for a nested repository, or a file that git cannot read. Status keeps in
        our index what it has found unchanged, so that the next one is faster.
        """
        text = self._work_tree.run_now(
            calls,
            *AS_IS, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all",
            environment={**environment, "GIT_OPTIONAL_LOCKS": "1"},
        )  # fmt: skip
        rows = [(row[1], row[3:]) for row in text.split("\0") if len(row) > 3 and row[1] != " "]
        rows = [(sign, path) for sign, path in rows if not self._work_tree.never_counts(path)]
        if any(path.endswith("/") for _, path in rows):
            return None
        new = self._small([path for sign, path in rows if sign == "?"])
        return [path for sign, path in rows if sign != "?"] + new  # a new folder may take the name of what is gone

    def _may_overlay(self, calls: Calls) -> bool:
        """Whether git takes neither modes nor line ends from its index here."""
        if self._overlays is None:
            arguments = ("config", "--get-regexp", r"^core\.(filemode|autocrlf)$")
            settings = calls.run(self._work_tree.root, arguments, accepted=(0, 1))
            by_index = re.search(r"filemode (false|no|off|0)$|autocrlf (?!false|no|off|0)", settings, re.M | re.I)
            self._overlays = by_index is None
        return self._overlays

    # -- the whole tree ----------------------------------------------------------------------------------------

    async def _drop_ignored(self, environment: dict[str, str]) -> None:
        """Take what never counts out of an index that was made from the user's, where it may be committed."""
        if self._work_tree.ignored:
            names = [f":(top,literal){self._work_tree.path_of(path)}" for path in self._work_tree.ignored]
            arguments = ("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", *names)
            await self._work_tree.run(*arguments, environment=environment)

    async def _add_new(self, environment: dict[str, str]) -> bool:
        """Take up files that our index does not know yet, but for large ones; whether there were any."""
        arguments = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--")
        listed = await self._work_tree.run(*arguments, *self._work_tree.pathspecs, environment=environment)
        names = [name for name in listed.split("\0") if name]
        self.nested.paths |= {name.rstrip("/") for name in names if name.endswith("/")}
        small = await asyncio.to_thread(self._small, [name for name in names if not name.endswith("/")])
        if not small:
            return False
        await self._work_tree.run(
            *("--literal-pathspecs", *AS_IS, "add", "--ignore-errors"),
            *("--pathspec-from-file=-", "--pathspec-file-nul"),
            environment=environment,
            accepted=(0, 1),
            stdin="\0".join(f"{self._work_tree.up}{name}" for name in small).encode(errors="surrogateescape"),
        )
        return True

    def _small(self, new: list[str]) -> list[str]:
        """Return those of the untracked files that snapshots hold. Blocks on the disk."""
        small = self._work_tree.at_most(UNTRACKED_MAX_BYTES, new)
        self.left_out = {os.fsencode(name).decode("utf-8", "replace") for name in set(new) - set(small)}
        return small

    # -- places ------------------------------------------------------------------------------------------------

    async def _find_places(self) -> tuple[Path, Path]:
        if self._places is None:
            root = self._work_tree.root
            paths = await run_git(root, ("rev-parse", "--git-path", "objects", "--git-path", "index"))
            objects, index = (root / path for path in paths.splitlines())
            self._places = (objects.resolve(), index)
        return self._places

    def _seed(self, index: Path) -> bool:
        """Begin with the user's index: it knows what has not changed, so that nothing is hashed again."""
        self._tidy()
        if self._path.exists() or not index.is_file():
            return False
        with replacing(self._path) as copy, index.open("rb") as source:
            shutil.copyfileobj(source, copy)
            copy.flush()
            # With its time: git decides by it which files may have changed within its second.
            times = os.fstat(source.fileno())
            os.utime(copy.fileno(), ns=(times.st_atime_ns, times.st_mtime_ns))
        return True

    def _tidy(self) -> None:
        self._path.with_suffix(".lock").unlink(missing_ok=True)  # of a call that was ended; this folder is ours alone
        self._objects.mkdir(parents=True, exist_ok=True)
