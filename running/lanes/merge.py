"""The merge of a lane into the user's branch: tried without a tree, checked in a tree of its own, then taken.

Promises: the user's branch is before the merge or after it, never in between, and only a merge that the project's
check has passed is taken. A file of the user's that is in its way is not written over: the merge waits for it.
No file of the user's is written here that a lane has as a copy: of the tracker the merge records what is on the disk
now, and a planning file that the lane was the first to commit is brought back later.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from git.obstacles import Obstacles, find_obstacles
from git.process import GitError
from git.worktrees import Repository, TreeEntry
from running.gate import Gate
from running.lanes.worktree import Worktree, named, set_up
from running.runner_task import TaskRefused
from running.surroundings import SurroundingsFailed
from running.untracked import copy_of
from running.verify import VerifyContext, verify_failure
from running.workspace import Workspace

TRIES: Final = 5  # times that the user's branch may move on while a merge is being checked
MERGE: Final = "merge"  # the reason of a pause
NAMED: Final = 10  # files that are in the way, in a message


class NotMerged(TaskRefused):
    """The branch could not be merged; the message says why. Nothing of the user's has changed."""


class MovedOn(TaskRefused):
    """The user's branch moved on while the merge was checked, and nothing may start now: to be merged again later."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A merge to take: its commit, and the files that stay on disk, as it has them and as they were (None: not)."""

    commit: str
    standing: dict[str, TreeEntry]
    before: dict[str, TreeEntry | None]


class Merge:
    """The merge of one lane."""

    def __init__(self, worktree: Worktree, gate: Gate, message: str) -> None:
        self._worktree = worktree
        self._gate = gate
        self._message = message

    @property
    def _repository(self) -> Repository:
        return self._worktree.repository

    @property
    def _workspace(self) -> Workspace:
        return self._worktree.workspace

    async def needed(self) -> bool:
        """Whether there is anything to take. Raises `GitError`."""
        tip = await self._repository.tip(self._worktree.names.branch)
        target = await self._repository.tip(self._worktree.names.target)
        return tip is not None and (target is None or not await self._repository.is_ancestor(tip, target))

    async def run(self, about: VerifyContext) -> str | None:
        """The commit by which the user's branch took the lane's, None where there is nothing to take.

        Raises `NotMerged`, `SurroundingsFailed` where the user's branch or tree cannot take it now, `GitError`,
        `MovedOn`, and `Stopped` while the merge is being checked. `about` says for whom the check runs.
        """
        target = self._worktree.names.target
        for number in range(TRIES):
            if number and not self._gate.may_start:  # another check would be one more command
                raise MovedOn(
                    f"{target} moved on while the merge was checked: it is made again when the batch continues"
                )
            head, tip = await self._ends()
            if tip is None or await self._repository.is_ancestor(tip, head):
                return None
            plan = await self._plan(head, tip)
            await self._clear_way(plan, head)  # before the check, which may take long
            await self._gate.run_interruptible(self._check(plan.commit, about))
            if await self._take(plan, head):
                return plan.commit
        raise SurroundingsFailed(
            MERGE, f"{target} moved on faster than the merge could be checked: resume the batch when it is quiet"
        )

    async def _ends(self) -> tuple[str, str | None]:
        """The commits of the user's branch and of the lane's."""
        names = self._worktree.names
        await self._check_branch()
        head = await self._repository.commit("HEAD")
        if head is None:
            raise NotMerged(f"{names.target} has no commit")
        return head, await self._repository.tip(names.branch)

    async def _check_branch(self) -> None:
        """Raises `SurroundingsFailed`: no story is judged by what is checked out."""
        target, branch = self._worktree.names.target, await self._repository.branch()
        if branch != target:
            lane = self._worktree.names.branch
            message = f"The branch {lane} belongs into {target}, but the project is on {branch or 'no branch'} now"
            raise SurroundingsFailed("git", f"{message}: check out {target} again, then resume the batch")

    async def _plan(self, head: str, tip: str) -> Plan:
        tree, conflicts = await self._repository.merged(head, tip)
        prefix = self._worktree.prefix
        copies = {f"{prefix}{name}": name for name in await asyncio.to_thread(self._worktree.untracked.left_out)}
        if real := [path for path in conflicts if path not in copies]:
            raise NotMerged(f"conflicts in {named(real)}")
        ours, theirs = [await self._repository.entries(commit, list(copies)) for commit in (head, tip)]
        standing = {}
        for path, name in copies.items():
            entry = await self._standing(name, ours.get(path), theirs.get(path))
            if entry is not None:
                standing[path] = entry
        entries = {path: standing.get(path) or ours.get(path) for path in copies}
        tree = await self._repository.tree_with(tree, entries, self._worktree.records / "index")
        commit = await self._repository.commit_tree(tree, [head, tip], self._message)
        return Plan(commit, standing, {path: ours.get(path) for path in standing})

    async def _standing(self, name: str, ours: TreeEntry | None, theirs: TreeEntry | None) -> TreeEntry | None:
        """What the merge has of a copy while the file on disk stays; None where it has what the user's branch has."""
        untracked = self._worktree.untracked
        known = ours or theirs
        if name in untracked.shared and known is not None and (untracked.project.root / name).is_file():
            return TreeEntry(known.mode, await self._repository.blob(name))
        first = ours is None and name not in untracked.shared and not untracked.one_way(name)
        return theirs if first else None

    async def _check(self, commit: str, about: VerifyContext) -> None:
        """Lay the merge out and run the project's check there."""
        if self._workspace.settings().verify is None:
            return
        worktree = self._worktree
        await self._repository.remove_worktree(worktree.proof)
        try:
            mark = f"{self._workspace.database.epoch}:worktree"
            await self._repository.add_worktree(worktree.proof, None, commit, mark)
            project = copy_of(self._workspace.project, worktree.proof / worktree.prefix)
            await set_up(self._workspace, project.root)
            failure = await verify_failure(replace(self._workspace, project=project), about)
        finally:
            await asyncio.shield(self._repository.remove_worktree(worktree.proof))
        if failure is not None:
            raise NotMerged(f"after the merge {failure}")

    async def _clear_way(self, plan: Plan, head: str) -> Obstacles:
        """Return the user's files that the merge meets, all of the same content; raises `SurroundingsFailed` else."""
        obstacles = await find_obstacles(self._repository.top, head, plan.commit, plan.standing)
        if not obstacles.different:
            return obstacles

        async def is_fixed() -> bool:
            if await self._repository.commit("HEAD") != head:
                return True
            return not (await find_obstacles(self._repository.top, head, plan.commit, plan.standing)).different

        names = self._worktree.names
        listed = ", ".join(f"{path} ({why})" for path, why in list(obstacles.different.items())[:NAMED])
        more = f" and {len(obstacles.different) - NAMED} more" if len(obstacles.different) > NAMED else ""
        raise SurroundingsFailed(
            MERGE,
            f"The branch {names.branch} belongs into {names.target}, but files of yours are in the way: {listed}{more}."
            " Nothing is written over. Commit them, or move them elsewhere: the batch continues by itself then",
            is_fixed,
        )

    async def _take(self, plan: Plan, head: str) -> bool:
        """Whether the user's branch moved on to the merge; not when it has moved elsewhere meanwhile."""
        met = await self._clear_way(plan, head)
        try:
            standing, before = plan.standing | met.same, plan.before | met.before
            await self._repository.forward(self._worktree.names.target, plan.commit, standing, before)
        except GitError as error:
            await self._check_branch()
            if await self._repository.commit("HEAD") != head:
                return False
            raise SurroundingsFailed(MERGE, f"The project's own changes are in the way of a merge: {error}") from None
        if not await self._is_taken(plan.commit):  # HEAD moved since `_ends`, and another branch has taken it
            await self._check_branch()
            return False
        return True

    async def _is_taken(self, commit: str) -> bool:
        target = await self._repository.tip(self._worktree.names.target)
        return target is not None and await self._repository.is_ancestor(commit, target)
