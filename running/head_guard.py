"""The branch on which a batch began: no start on another one or during an operation of git.

An agent or a person may switch the branch, detach HEAD or begin a rebase; commits would land in the wrong place.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from git.discovery import has_repository
from git.head import OPERATIONS, HeadState, head_state, moved
from git.process import GitError, GitUnusable, run_git
from payloads import Attention
from running.gate import Gate
from running.repository import refresh_git
from running.workspace import Workspace, emit_durable

UNREADABLE: Final = ".invalid"  # HEAD of a repository that keeps its references elsewhere, as a reftable does


class HeadGuard:
    """Compares a work tree's HEAD with what it was at the start. `expected` None: what the first look finds."""

    def __init__(self, workspace: Workspace, gate: Gate, expected: HeadState | None) -> None:
        self._workspace = workspace
        self._gate = gate
        self._expected = expected
        self._files: tuple[Path, ...] = ()  # HEAD, then those that mark an unfinished operation
        self._seen: str | None = None  # content of HEAD when it was last found in order

    def for_lane(self, lane: Workspace, branch: str) -> HeadGuard:
        """Return the guard of a worktree, which is on a branch of its own."""
        return HeadGuard(lane, self._gate, HeadState(branch, None, None, None))

    async def hold(self) -> None:
        """Return when HEAD is as it was; else call the operator and pause the batch. Raises `Stopped`."""
        while (why := await self.problem()) is not None:
            message = f"Nothing more runs in {self._workspace.project.root}: {why}, then resume the batch"
            await emit_durable(Attention(kind="git", message=self._workspace.masker.text(message)))
            self._gate.pause("git")
            await self._gate.enter()

    async def problem(self) -> str | None:
        """Return what happened to HEAD and what to do; None when it is as it was."""
        root = self._workspace.project.root
        if self._workspace.git is None and (why := await self._search()) is not None:
            return why
        if self._workspace.git is None or await asyncio.to_thread(self._is_unchanged):
            return None
        try:
            now = await head_state(root)
            if not self._files:
                self._files = await _files(root)
        except (GitError, OSError) as error:
            return f"git cannot say which branch is checked out ({error}): fix that"
        if self._expected is None:
            self._expected = now
        why = moved(self._expected, now)
        self._seen = await asyncio.to_thread(_read, self._files[0]) if why is None else None
        return why

    async def misplaced(self, commit: str) -> str | None:
        """Return why a commit is not where this run commits to, also when HEAD has been put back since."""
        why, git = await self.problem(), self._workspace.git
        if why is not None or git is None or self._expected is None or self._expected.branch is None:
            return why
        branch = self._expected.branch
        return None if await git.is_ancestor(commit, f"refs/heads/{branch}") else f"it is not on branch {branch}"

    async def _search(self) -> str | None:
        """Look for a repository that git could not open before; return why it still cannot."""
        root = self._workspace.project.root
        if not await asyncio.to_thread(has_repository, root):
            return None if self._expected is None else f"the repository of {root} is gone: bring it back"
        try:
            await refresh_git(self._workspace)
        except GitUnusable as unusable:
            return str(unusable)
        return None

    def _is_unchanged(self) -> bool:
        """Whether a look at the files alone says that nothing has moved: no git is started then."""
        if self._seen is None or UNREADABLE in self._seen:
            return False
        head, *operations = self._files
        return _read(head) == self._seen and not any(path.exists() for path in operations)


async def _files(root: Path) -> tuple[Path, ...]:
    names = [word for name in ("HEAD", *OPERATIONS) for word in ("--git-path", name)]
    return tuple(root / line for line in (await run_git(root, ("rev-parse", *names))).splitlines())


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
