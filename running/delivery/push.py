"""The push of a delivery's branch: the remote is asked first, and a branch that has moved on is left as it is."""

from __future__ import annotations

from typing import Any

from git.process import GitError
from git.worktrees import Repository
from running.delivery.local_branch import take_branch
from running.delivery.place import put_away, worktree_of
from running.delivery.record import fail, record
from running.delivery.remote import SAFE_NAME, BranchMoved, Remote, RemoteHeads
from running.workspace import Workspace
from store.deliveries import OPEN, PUSHED, REQUEST, REQUESTED, REQUESTING, DeliveryRow


class PushStep:
    """The step that brings a commit to the remote's branch."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def run(self, row: DeliveryRow) -> DeliveryRow:
        """Push what is wanted. Raises `RemoteRefused`, `GitError`."""
        remote = Remote(self._workspace, row.remote)
        heads = await remote.look(row.branch)
        base = row.base or heads.default
        if (why := self._unfit(row, heads, base)) is not None:
            return await fail(self._workspace, row, why)
        if heads.branch != row.wanted:
            if (why := await moved(self._repository, row, heads.branch)) is not None:
                return await fail(self._workspace, row, why)
            await put_away(await worktree_of(self._workspace, row))
            await take_branch(self._repository, row.branch, row.wanted)
            try:
                await remote.push(row.wanted, row.branch)
            except BranchMoved:
                found = (await remote.look(row.branch)).branch
                return await fail(self._workspace, row, words_moved(row, found))
        return await self._pushed(row, base)

    async def _pushed(self, row: DeliveryRow, base: str | None) -> DeliveryRow:
        state = PUSHED if row.kind != REQUEST else with_request(self._workspace) if row.url else REQUESTING
        message = f"{row.branch} is at {row.wanted[:10]} at {row.remote}"
        columns: dict[str, Any] = {"head": row.wanted, "base": base, "failures": 0, "next_at": 0}
        columns |= {"checks": None, "looks": 0}
        return await record(self._workspace, row, message, state=state, **columns)

    def _unfit(self, row: DeliveryRow, heads: RemoteHeads, base: str | None) -> str | None:
        """Return why nothing may be pushed."""
        if row.branch in (base, heads.default):
            return f"{row.branch} is the branch that requests are made for: change deliver_branch"
        if row.kind == REQUEST and (base is None or SAFE_NAME.fullmatch(base) is None):
            return f"{row.remote} has no default branch with a plain name: set deliver_base"
        if row.head is not None and heads.branch is None:
            return (
                f"{row.branch} was at {row.head[:10]} and is gone from {row.remote}: retry pushes it again at"
                f" {row.wanted[:10]}, stop gives the delivery up"
            )
        return None

    @property
    def _repository(self) -> Repository:
        return repository_of(self._workspace)


def with_request(workspace: Workspace) -> str:
    """Return the state of a delivery whose request is there and whose branch is pushed."""
    return REQUESTED if workspace.settings().checks_command is None else OPEN


def repository_of(workspace: Workspace) -> Repository:
    """Return the project's repository. Raises `GitError` where it is gone."""
    if workspace.git is None:
        raise GitError("the project is no git repository any more")
    return Repository.of(workspace.git)


async def moved(repository: Repository, row: DeliveryRow, found: str | None) -> str | None:
    """Return that the remote's branch holds what this delivery does not, None where it does not."""
    if found is None or await repository.is_ancestor(found, row.wanted):
        return None
    return words_moved(row, found)


def words_moved(row: DeliveryRow, found: str | None) -> str:
    """Return the sentence about a branch that another program has moved, with both heads."""
    return (
        f"{row.branch} has moved on: {row.remote} is at {(found or 'nothing')[:10]}, and {row.wanted[:10]} is to be"
        f" pushed. Nothing is forced: merge both (`git fetch {row.remote} {row.branch}`, then merge FETCH_HEAD into"
        f" {row.branch} here), then retry"
    )
