"""A ticket tree that is the copy of a tracker: dispatched from after a sync, and never marked.

The tracker's cards say what is open, and only BMAD's own skill, or a person, moves them. So the operator says that the
copy is fresh, and the run keeps what is done in its own records.
"""

from __future__ import annotations

import asyncio

import sprint
from payloads import BatchWarning
from running.preflight import NotNow
from running.workspace import Workspace, emit_durable

UNSYNCED = "unsynced"  # the code of the refusal that asks for a sync


async def check_synced(workspace: Workspace, *, synced: bool) -> None:
    """Raise `NotNow` where the tickets are kept in a tracker and the operator has not said that they are synced."""
    plan = await asyncio.to_thread(sprint.read, workspace.project)
    if plan.store and not synced:
        raise NotNow(
            UNSYNCED,
            f"the tickets are kept in {plan.store}, and this copy is as old as its last sync: sync it with BMAD's skill"
            " bmad-ticket, then say so (`run --synced`, or synced with the start)",
        )


async def warn_of_store(workspace: Workspace, batch_id: int) -> None:
    """Say once, at the batch's start, who moves the cards of tickets that are done."""
    plan = await asyncio.to_thread(sprint.read, workspace.project)
    if plan.store:
        message = f"No ticket is marked, since {plan.store} keeps them: move the cards of those that are done there"
        await emit_durable(BatchWarning(batch_id=batch_id, warning_type="store", message=message))
