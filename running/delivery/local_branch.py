"""The branch of a delivery in the project's own repository, which only ever moves forward."""

from __future__ import annotations

from git.process import GitError
from git.worktrees import Repository


async def take_branch(repository: Repository, branch: str, commit: str) -> None:
    """Have the branch hold a commit, made where it does not exist. Raises `GitError` where it holds something else."""
    tip = await repository.tip(branch)
    if tip == commit:
        return
    if tip is not None:
        if not await repository.is_ancestor(tip, commit):
            raise GitError(
                f"the branch {branch} here is at {tip[:10]}, which is no part of {commit[:10]}: rename or merge it"
            )
        if place := await repository.ask("for-each-ref", "--format=%(worktreepath)", f"refs/heads/{branch}"):
            raise GitError(f"the branch {branch} is checked out in {place} and cannot move on: check out another one")
    made = await repository.ask("update-ref", f"refs/heads/{branch}", commit, tip or "0" * len(commit))
    if made is None:
        raise GitError(f"the branch {branch} cannot be made here: another one may be in the way of its name")
