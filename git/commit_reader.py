"""The commits of a repository: whether one exists, what lies behind it, which of them name a story."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from git.process import GitError, ask_git, run_git


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as the dossier lists it; `at` in ms since the epoch."""

    hash: str
    subject: str
    at: int


class CommitReader:
    """A repository as far as its commits go, seen from a folder of its work tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def has_commit(self, commit: str) -> bool:
        """Whether the hash, whole or abbreviated, names exactly one commit."""
        return await self.full_hash(commit) is not None

    async def full_hash(self, commit: str) -> str | None:
        """The whole hash of a commit that is named by a hash; None where there is none, or more than one."""
        found = await self.commit(commit)
        return found if found is not None and found.startswith(commit) else None  # no branch that looks like a hash

    async def commit(self, name: str) -> str | None:
        """The hash of a commit or of a branch's tip, None where there is none."""
        return await ask_git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    async def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether a commit is the other one or lies behind it."""
        return await ask_git(self.root, "merge-base", "--is-ancestor", commit, of) is not None

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

    async def uncommitted(self, *, tracked: bool = False) -> list[str]:
        """The files that differ from the last commit, new ones too unless only `tracked` ones are asked for."""
        untracked = "no" if tracked else "all"
        text = await self._run("status", "--porcelain", "-z", "--no-renames", f"--untracked-files={untracked}")
        return [row[3:] for row in text.split("\0") if len(row) > 3]

    async def _run(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        accepted: tuple[int, ...] = (0,),
        stdin: bytes | None = None,
        undecodable: str = "replace",
    ) -> str:
        return await run_git(
            self.root, arguments, environment=environment, accepted=accepted, stdin=stdin, undecodable=undecodable
        )
