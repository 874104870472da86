"""The git operations of lanes: worktrees, merges without a work tree, the fast-forward of the user's branch.

Promises: the user's work tree and index are changed by `forward` alone, which moves the branch on to a finished
commit or does nothing; nothing is reset, checked out or cleaned there, and no branch goes whose work is not merged.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.process import GitError, ask_git, clean_environment
from git.snapshots import Git

LOCK_TRIES: Final = 20  # a git of the user may hold the index for a moment
LOCK_WAIT_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file in a tree of git: its mode and the name of its content."""

    mode: str
    blob: str


class Repository(Git):
    """The user's repository. Paths are relative to its top, not to the project's root, unless stated otherwise."""

    @classmethod
    def of(cls, git: Git) -> Repository:
        """Return a repository that shares all state of `git`: both remember what the index of its snapshots holds."""
        made = cls.__new__(cls)
        made.__dict__ = git.__dict__
        return made

    async def beside(self, root: Path, store: Path) -> Repository:
        """The same repository as seen from another worktree; its snapshots are kept with those of this one."""
        if store not in self.others:
            self.others[store] = Git(root, store, self._work_tree.ignored, self.prefix, self.objects)
        await asyncio.to_thread(store.mkdir, parents=True, exist_ok=True)
        return Repository.of(self.others[store])

    async def ask(self, *arguments: str) -> str | None:
        """Return the output of a git command, None if it fails."""
        return await ask_git(self.root, *arguments)

    async def branch(self) -> str | None:
        """The branch that is checked out, None for a detached HEAD."""
        return await self.ask("symbolic-ref", "--quiet", "--short", "HEAD")

    async def tip(self, branch: str) -> str | None:
        return await self.commit(f"refs/heads/{branch}")

    async def version(self) -> tuple[int, ...]:
        """Of git itself."""
        found = re.search(r"(\d+)\.(\d+)", await self.ask("version") or "")
        return (int(found[1]), int(found[2])) if found else (0, 0)

    async def has_submodules(self) -> bool:
        staged = await self._run("ls-files", "--stage", "-z", "--", ":/")
        return any(row.startswith("160000 ") for row in staged.split("\0"))

    # -- worktrees ---------------------------------------------------------------------------------------------

    async def add_worktree(self, path: Path, branch: str | None, start: str, mark: str) -> None:
        """A worktree of a branch, made at `start` where it does not exist, or of no branch. Raises `GitError`.

        `mark` is in the environment, so that a git which outlives us is found.
        """
        if branch is None:
            named = ["--detach", str(path), start]
        else:
            named = [str(path), branch] if await self.tip(branch) else ["-b", branch, str(path), start]
        await self._run("worktree", "add", "--quiet", *named, environment={"SPRINT_RUNNER_MARK": mark})

    async def remove_worktree(self, path: Path) -> None:
        """Remove a worktree of ours with all that is in it, finished or not. Raises `GitError`.

        Twice: of one that is half made or half gone, git forgets the name when the folder is not there any more.
        """
        for _ in range(2):
            await self._run("worktree", "remove", "--force", "--force", str(path), accepted=(0, 128))
            await asyncio.to_thread(_remove, path)

    async def delete_branch(self, branch: str, into: str) -> bool:
        """Delete a branch of ours whose commits are all part of `into`; whether it is gone."""
        tip = await self.tip(branch)
        if tip is not None and await self.is_ancestor(tip, into):
            await self._run("update-ref", "-d", f"refs/heads/{branch}", tip)
            return True
        return tip is None

    # -- merges without a tree ---------------------------------------------------------------------------------

    async def merged(self, ours: str, theirs: str) -> tuple[str, list[str]]:
        """The tree in which two commits meet, and the files about which they disagree."""
        names = await self._run(  # at the top: git names conflicts relative to the folder in which it runs
            "-C",
            str(self.top),
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--no-messages",
            ours,
            theirs,
            accepted=(0, 1),
        )
        tree, *conflicts = [name for name in names.split("\0") if name]
        return tree, list(dict.fromkeys(conflicts))

    async def entries(self, commit: str, paths: Sequence[str]) -> dict[str, TreeEntry]:
        """Those of the files that are in a commit."""
        if not paths:
            return {}
        rows = (await self._run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)).split("\0")
        parts = [(row.partition("\t")[0].split(), row.partition("\t")[2]) for row in rows if row]
        return {path: TreeEntry(mode, blob) for (mode, _, blob), path in parts}

    async def blob(self, path: str) -> str:
        """Store the content of a file as it would be committed; its name. `path` is relative to the project's root."""
        return (await self._run("hash-object", "-w", "--", path)).strip()

    async def tree_with(self, tree: str, entries: Mapping[str, TreeEntry | None], index: Path) -> str:
        """The tree with some entries set or left out; `index` is a file of this call alone."""
        environment = {"GIT_INDEX_FILE": str(index)}
        await asyncio.to_thread(index.parent.mkdir, parents=True, exist_ok=True)  # it may have been removed meanwhile
        await self._run("read-tree", tree, environment=environment)
        await self._stage(entries, environment)
        return (await self._run("write-tree", environment=environment)).strip()

    async def _stage(self, entries: Mapping[str, TreeEntry | None], environment: dict[str, str] | None = None) -> None:
        top = await self.ask("rev-parse", "--show-toplevel") or str(self.root)
        for words in _changes(entries, top):
            await self._run("update-index", *words, environment=environment)

    async def commit_tree(self, tree: str, parents: Sequence[str], message: str) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        return (await self._run("commit-tree", tree, *named, "-m", message)).strip()

    # -- the user's branch -------------------------------------------------------------------------------------

    async def forward(
        self, branch: str, commit: str, standing: Mapping[str, TreeEntry], before: Mapping[str, TreeEntry | None]
    ) -> None:
        """Move the branch on to a commit that comes after it; raises `GitError`, then nothing is.

        It has to be checked out; git itself takes whatever branch is, so this is looked at immediately before.

        Files named in `standing` stay as they are on disk: the index learns their new entries first, and their old
        ones again where git refuses, as it does where the user's own changes would be written over.
        """
        top = await self.ask("rev-parse", "--show-toplevel") or str(self.root)
        await asyncio.to_thread(self._forward, branch, commit, _changes(standing, top), _changes(before, top))

    def _forward(self, branch: str, commit: str, standing: list[list[str]], before: list[list[str]]) -> None:
        """In a thread, without a limit of time: nothing of ours may end a git that writes the user's tree."""
        for words in standing:
            self._to_its_end("update-index", *words)
        try:
            if self._to_its_end("symbolic-ref", "--quiet", "HEAD") != f"refs/heads/{branch}":
                raise GitError(f"git merge: {branch} is not checked out any more")
            # Ignored files are the user's, too: by default git writes over them.
            self._to_its_end("merge", "--ff-only", "--no-overwrite-ignore", "--no-stat", "--quiet", commit)
        except GitError:
            for words in before:
                self._to_its_end("update-index", *words)
            raise

    def _to_its_end(self, *arguments: str) -> str:
        """Run git and return its output; once more while another git holds the lock of the index."""
        command = ("git", "-c", f"core.hooksPath={os.devnull}", *arguments)
        tries = 0
        while True:
            tries += 1
            done = subprocess.run(
                command,
                cwd=self.root,
                env={**clean_environment(), "LC_ALL": "C", "SPRINT_RUNNER_MARK": "to-its-end"},  # outlives us, and ends
                stdin=subprocess.DEVNULL,
                capture_output=True,
                start_new_session=True,
                check=False,
            )
            errors = done.stderr.decode(errors="replace").strip()
            if not done.returncode:
                return done.stdout.decode(errors="replace").strip()
            if "index.lock" not in errors or tries == LOCK_TRIES:
                raise GitError(f"git {arguments[0]}: {errors}")
            time.sleep(LOCK_WAIT_S)


def _changes(entries: Mapping[str, TreeEntry | None], top: str) -> list[list[str]]:
    """Arguments for the calls of `git update-index` that set entries of an index, and that take out others."""
    kept = [
        ("--cacheinfo", f"{entry.mode},{entry.blob},{path}") for path, entry in entries.items() if entry is not None
    ]
    gone = [f"{top}/{path}" for path, entry in entries.items() if entry is None]
    calls = [["--add", *(word for words in kept for word in words)]] if kept else []
    return [*calls, ["--force-remove", "--", *gone]] if gone else calls


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
