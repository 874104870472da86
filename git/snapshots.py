"""What git can prove about a project: what changed since a moment, and which commits exist.

Read-only for the project: snapshots are written with an index and an object folder of our own, so neither the user's
index nor their object store changes. Nothing here resets, checks out or discards.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from running.disk import is_disk_full, retry_while_full

# What git reads of its surroundings to find a repository (`git rev-parse --local-env-vars`): set where the server is
# started by a hook, and never ours.
LOCAL: Final = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
TIMEOUT_S: Final = 120.0  # one git call; hashing a large tree for the first time takes a while
FIRST_BYTES: Final = 200_000  # of the output of one call that are kept in messages


class GitError(RuntimeError):
    """A git call that failed; the message holds what git said."""


@dataclass(frozen=True, slots=True)
class Diff:
    """The size of a change."""

    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as the dossier lists it; `at` in ms since the epoch."""

    hash: str
    subject: str
    at: int


class Git:
    """One repository. `store` is a folder of ours for snapshots; `ignored` paths never count as a change."""

    def __init__(self, root: Path, store: Path, ignored: tuple[str, ...]) -> None:
        self.root = root
        self._store = store
        self.objects = store / "objects"  # of snapshots
        self._ignored = ignored
        self._index_lock = asyncio.Lock()  # one index: snapshots take turns
        self.others: dict[Path, Git] = {}  # the same repository as seen from other worktrees, each once, by its store

    @classmethod
    async def find(cls, root: Path, store: Path, ignored: tuple[str, ...] = ()) -> Git | None:
        """The repository that the folder is in, None when it is in none or git is not installed."""
        probe = cls(root, store, ignored)
        try:
            await probe._run("rev-parse", "--is-inside-work-tree")
        except (GitError, OSError):
            return None
        (store / "objects").mkdir(parents=True, exist_ok=True)
        return probe

    async def snapshot(self) -> str:
        """The tree of the work tree as it is now, ignored files left out: a name that git can compare later.

        A full disk is waited for: it says nothing about anybody's work.
        """
        return await retry_while_full(self._snapshot)

    async def _snapshot(self) -> str:
        paths = await self._run("rev-parse", "--git-path", "objects", "--git-path", "index")
        objects, index = (self.root / path for path in paths.splitlines())
        environment = {
            "GIT_INDEX_FILE": str(self._store / "index"),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(objects.resolve()),
        }
        async with self._index_lock:
            await asyncio.to_thread(self._seed, index)
            # 1: a file that git cannot take, such as a repository in the tree without a commit, is left out.
            await self._run("add", "--all", "--ignore-errors", "--", ".", environment=environment, fine=(0, 1))
            # Left out afterwards: git refuses to exclude by name what is ignored anyway.
            if self._ignored:
                names = [f":(literal){path}" for path in self._ignored]
                await self._run(
                    "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", *names, environment=environment
                )
            return (await self._run("write-tree", environment=environment)).strip()

    def _seed(self, index: Path) -> None:
        """Begin with the user's index: it knows what has not changed, so that nothing is hashed again."""
        own = self._store / "index"
        (self._store / "index.lock").unlink(missing_ok=True)  # of a call that was ended; this folder is ours alone
        if not own.exists() and index.is_file():
            copy = self._store / "index.copy"
            shutil.copy2(index, copy)  # with its time: git tells by it which files may have changed within its second
            copy.replace(own)

    async def diff(self, old_tree: str, new_tree: str) -> Diff:
        """What changed between two snapshots."""
        environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
        text = await self._run("diff", "--numstat", "--no-renames", old_tree, new_tree, environment=environment)
        rows = [line.split("\t") for line in text.split("\n") if line]
        added = sum(int(row[0]) for row in rows if row[0].isdigit())
        removed = sum(int(row[1]) for row in rows if row[1].isdigit())
        return Diff(len(rows), added, removed)

    async def changed_paths(self, old_tree: str, new_tree: str) -> list[str]:
        """The files that differ between two snapshots, relative to the repository's root."""
        environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
        arguments = ("diff", "--name-only", "--no-renames", "-z", old_tree, new_tree)
        return [path for path in (await self._run(*arguments, environment=environment)).split("\0") if path]

    async def uncommitted(self, *, tracked: bool = False) -> list[str]:
        """The files that differ from the last commit, new ones too unless only `tracked` ones are asked for."""
        untracked = "no" if tracked else "all"
        text = await self._run("status", "--porcelain", "-z", "--no-renames", f"--untracked-files={untracked}")
        return [row[3:] for row in text.split("\0") if len(row) > 3]

    async def has_commit(self, commit: str) -> bool:
        """Whether the hash, whole or abbreviated, names exactly one commit."""
        try:
            found = await self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
        except GitError:
            return False
        return found.startswith(commit)  # and not a branch whose name looks like a hash

    async def commits_for(self, story_key: str, most: int = 20) -> list[Commit]:
        """The newest commits whose message names the story, and not only one whose key contains its key."""
        key = re.sub(r"[][\\.+*?^$(){}|]", r"\\\g<0>", story_key)
        pattern = f"(^|[^[:alnum:]._-]){key}($|[^[:alnum:]_-])"
        arguments = ("log", f"--max-count={most}", "--format=%H%x09%ct%x09%s", "--extended-regexp", f"--grep={pattern}")
        try:
            text = await self._run(*arguments)
        except GitError:  # a repository without a commit yet
            return []
        rows = [line.split("\t", 2) for line in text.split("\n")]
        return [Commit(row[0], row[2], int(row[1]) * 1000) for row in rows if len(row) == 3]

    async def _run(
        self, *arguments: str, environment: dict[str, str] | None = None, fine: tuple[int, ...] = (0,)
    ) -> str:
        process = await asyncio.create_subprocess_exec(
            "git",
            "-c",
            "core.quotePath=false",
            "-c",
            f"core.hooksPath={os.devnull}",  # a hook may do anything to the project
            *arguments,
            cwd=self.root,
            env={**surroundings(), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                output, errors = await process.communicate()
        except (TimeoutError, asyncio.CancelledError):
            with suppress(ProcessLookupError):  # it has ended in this very moment
                process.kill()
            await process.wait()
            raise
        message = errors.decode(errors="replace").strip()[:FIRST_BYTES]
        if process.returncode not in fine or (process.returncode and is_disk_full(message)):
            raise GitError(f"git {arguments[0]}: {message or f'exit code {process.returncode}'}")
        return output.decode(errors="replace")


def surroundings() -> dict[str, str]:
    """The environment for git, without what a hook that started us has set."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL}


def alternates(path: Path) -> str:
    """A path in a list that git separates by colons: in quotes, as in C."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
