"""Comparisons of snapshots and commits: which files differ, and by how much. Nothing is read of the work tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.differ import Differ
from git.process import alternates, run_git

_AS_IT_IS: Final = ("--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative")


@dataclass(frozen=True, slots=True)
class Diff:
    """The size of a change."""

    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0


class TreeReader:
    """A repository as far as its trees go. `objects` is the folder of the snapshots' objects, beside its own."""

    def __init__(self, root: Path, objects: Path) -> None:
        self.root = root
        self.objects = objects
        self._differs: dict[str, Differ] = {}  # by the form of their output

    async def diff(self, old_tree: str, new_tree: str) -> Diff:
        """The size of the change between two snapshots."""
        if old_tree == new_tree:
            return Diff()
        rows = await self._numstat(old_tree, new_tree)
        numbers = [(int(added), int(removed)) for added, removed, _ in rows if added.isdigit()]
        return Diff(len(rows), sum(added for added, _ in numbers), sum(removed for _, removed in numbers))

    async def line_counts(self, old_tree: str, new_tree: str) -> dict[str, tuple[int, int]]:
        """The lines added and removed in each file that differs between two trees; binary files are left out."""
        rows = await self._numstat(old_tree, new_tree)
        return {path: (int(added), int(removed)) for added, removed, path in rows if added.isdigit()}

    async def _numstat(self, old_tree: str, new_tree: str) -> list[list[str]]:
        """Lines added, lines removed and the path of each file that differs; `-` for the lines of a binary one."""
        rows = (await self._compare_by("--numstat", old_tree, new_tree)).split("\0")
        return [row.split("\t", 2) for row in rows if row]

    async def changed_paths(self, old_tree: str, new_tree: str) -> list[str]:
        """The files that differ between two snapshots or commits, relative to the repository's top."""
        if old_tree == new_tree:
            return []
        return [path for path in (await self._compare_by("--name-only", old_tree, new_tree)).split("\0") if path]

    async def changed_contents(self, old_tree: str, new_tree: str) -> str:
        """The files that differ between two snapshots, as `--raw -z` prints them: modes, objects and paths."""
        return "" if old_tree == new_tree else await self._compare_by("--raw", old_tree, new_tree)

    async def has_renames(self, old_tree: str, new_tree: str) -> bool:
        """Whether a file of the old tree is in the new one under another name, changed a little at most."""
        return bool(await self._compare("--find-renames", "--diff-filter=R", "--name-only", old_tree, new_tree))

    async def existing(self, tree: str, paths: Sequence[str]) -> list[str]:
        """Those of the paths that a snapshot has."""
        listed = await self._read("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        known = set(listed.split("\0"))
        return [path for path in paths if path in known]

    async def _compare_by(self, form: str, old_tree: str, new_tree: str) -> str:
        """Compare two trees by a process that stays, or by one of its own, which says why it cannot be done."""
        if form not in self._differs:
            environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
            self._differs[form] = Differ(self.root, (*_AS_IT_IS, form), environment)
        output = await self._differs[form].compare(old_tree, new_tree)
        return await self._compare(form, "-z", old_tree, new_tree) if output is None else output

    async def _compare(self, *arguments: str) -> str:
        return await self._read("diff-tree", "-r", *_AS_IT_IS, *arguments)

    async def _read(self, *arguments: str) -> str:
        return await run_git(
            self.root, arguments, environment={"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
        )
