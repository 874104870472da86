"""A lane that was left unfinished before the project's plan became another one, as after a migration to tickets.

The lane lacks the new plan, so it takes in what the user's branch has since; what agents left in it uncommitted is
committed before that. Where the two disagree the lane stays as it was, and its stories are blocked with the reason.
Every step may happen twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sprint
from git.commits import commit_paths
from git.process import GitError, run_git
from running.lanes.worktree import Worktree, named
from running.plan_pin import pin_name
from running.workspace import Workspace
from store.lanes import get_first_batch
from store.meta import get_meta


async def catch_up(worktree: Worktree, lane: Workspace, keys: Sequence[str]) -> str | None:
    """Bring the plan of the user's branch into a lane that lacks these stories; return why that cannot be.

    Raises `GitError` where git fails; nothing of the lane's work is lost then.
    """
    if not await asyncio.to_thread(_lacks, worktree.workspace.project, lane.project, keys):
        return None
    await _keep_work(worktree, keys)
    conflicts = await _take_in(worktree)
    if lane.git is not None:
        lane.git.outdate()
    if conflicts:
        return _refusal(worktree, f"it cannot take in {worktree.names.target}: conflicts in {named(conflicts)}")
    await worktree.untracked.load(worktree.repository, worktree.workspace.data_dir, more=True)
    if await asyncio.to_thread(_lacks, worktree.workspace.project, lane.project, keys):
        return _refusal(worktree, f"{worktree.names.target} does not hold the new plan: commit it there")
    return None


def _lacks(project: sprint.Project, copy: sprint.Project, keys: Sequence[str]) -> bool:
    """Whether the copy of the plan is without stories that the plan has. Blocks on the disk."""
    plan, copied = sprint.read(project), sprint.read(copy)
    return any(plan.story(key) is not None and copied.story(key) is None for key in keys)


async def _keep_work(worktree: Worktree, keys: Sequence[str]) -> None:
    """Commit what agents left uncommitted in the lane, but not its copy of the old plan, which is the user's file."""
    await _restore_old_plan(worktree)
    if left := await worktree.uncommitted():
        message = f"wip: keep the unfinished work on {', '.join(keys)} from before the migration"
        await commit_paths(worktree.untracked.copy.root, worktree.top, left, message)


async def _restore_old_plan(worktree: Worktree) -> None:
    """Set the copy of the plan that the lane began with back to the lane's last commit."""
    database = worktree.workspace.database
    first = await database.read(get_first_batch, worktree.names.worktree)
    name = None if first is None else await database.read(get_meta, pin_name(first))
    lane = await worktree.lane()
    path = None if name is None else f"{worktree.prefix}{name}"
    if path is not None and path in await lane.uncommitted(tracked=True):
        await run_git(worktree.top, ("checkout", "--quiet", "HEAD", "--", path))


async def _take_in(worktree: Worktree) -> list[str]:
    """Merge the user's branch into the lane's; return the files about which they disagree, and change nothing then."""
    repository, names = worktree.repository, worktree.names
    ours, theirs = await repository.tip(names.branch), await repository.tip(names.target)
    if ours is None or theirs is None:
        raise GitError(f"git merge: the branch {names.target if ours else names.branch} is gone")
    if await repository.is_ancestor(theirs, ours):
        return []
    tree, conflicts = await repository.merged(ours, theirs)
    if conflicts:
        return conflicts
    commit = await repository.commit_tree(tree, [ours, theirs], f"merge: take {names.target} into {names.branch}")
    await run_git(worktree.top, ("merge", "--ff-only", "--no-overwrite-ignore", "--no-stat", "--quiet", commit))
    return []


def _refusal(worktree: Worktree, why: str) -> str:
    branch, target = worktree.names.branch, worktree.names.target
    return (
        f"its unfinished work from before the migration is on the branch {branch}, and {why}. Merge {branch} into"
        f" {target}, or delete it to give the work up; then try the story again"
    )
