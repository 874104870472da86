"""The state of a repository: its branch, its last commit, its stash, and an unfinished operation of the user.

The run remembers this before a command and compares it afterwards, since an agent or a person may switch the branch,
begin a rebase or stash work away, and commits would go where they are not looked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.process import ask_git, run_git

# Files of the git folder that exist during an operation which the user has not finished.
OPERATIONS: Final[Mapping[str, str]] = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
}


@dataclass(frozen=True, slots=True)
class HeadState:
    """One look at a work tree. `branch` is None for a detached HEAD, `commit` before the first commit."""

    branch: str | None
    commit: str | None
    stash: str | None
    operation: str | None

    @property
    def place(self) -> str:
        """The branch, or the commit of a detached HEAD, in words."""
        if self.branch is not None:
            return f"branch {self.branch}"
        return f"a detached HEAD at {(self.commit or 'no commit')[:10]}"


async def head_state(root: Path) -> HeadState:
    """Return the state of the work tree of a folder. Raises `GitError`."""
    names = ("--git-path", *[word for name in OPERATIONS for word in ("--git-path", name)][1:])
    paths, branch, commit, stash = await asyncio.gather(
        run_git(root, ("rev-parse", *names)),
        ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD"),
        ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
        stash_tip(root),
    )
    operation = await asyncio.to_thread(_operation, [root / path for path in paths.splitlines()])
    return HeadState(branch, commit, stash, operation)


async def stash_tip(root: Path) -> str | None:
    """Return the newest entry of the stash, which all worktrees of a repository share."""
    return await ask_git(root, "rev-parse", "--verify", "--quiet", "refs/stash")


def moved(before: HeadState, now: HeadState) -> str | None:
    """Return what happened to HEAD in words; None where the branch is the same and nothing is half done."""
    if now.operation is not None:
        return f"{now.operation} is under way in the work tree: finish or abort it"
    if now.branch != before.branch:
        return f"the work tree was on {before.place} and is on {now.place} now: check out {before.branch or 'it'} again"
    return None


def _operation(paths: list[Path]) -> str | None:
    return next((words for path, words in zip(paths, OPERATIONS.values(), strict=True) if path.exists()), None)
