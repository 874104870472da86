"""The worktree in which a round of development mends a delivery."""

from __future__ import annotations

import asyncio
import shutil

from payloads import Attention
from running.lanes.worktree import Worktree
from running.workspace import Workspace, emit_durable
from store.deliveries import DeliveryRow
from store.lanes import Lane


async def worktree_of(workspace: Workspace, row: DeliveryRow) -> Worktree:
    """Return the worktree of a delivery, made or not."""
    names = Lane(
        id=0,
        batch_id=row.batch_id,
        cycle_number=0,
        worktree=f"delivery-{row.id}",
        branch=row.branch,
        target=row.target or row.branch,  # a batch on no branch has nothing that could take the round's commit too
    )
    return await Worktree.of(workspace, names)


async def put_away(worktree: Worktree) -> None:
    """Remove the worktree, not its branch, unless something would be lost with it. Raises `GitError`."""
    if not await asyncio.to_thread((worktree.top / ".git").is_file):
        return
    if (why := await worktree.unsaved_work()) is not None:
        message = f"The worktree {worktree.place} (branch {worktree.names.branch}) stays: {why}"
        await emit_durable(Attention(kind="worktree", message=message))
        return
    for path in (worktree.top, worktree.proof):
        await worktree.repository.remove_worktree(path)
    worktree.repository.others.pop(worktree.records / "snapshots", None)
    await asyncio.to_thread(shutil.rmtree, worktree.records, ignore_errors=True)
