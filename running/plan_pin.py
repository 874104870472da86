"""The plan that a batch was started on: a user's configuration may name another initiative while the batch is open."""

from __future__ import annotations

from running.preflight import NotNow
from running.workspace import Workspace
from store.meta import get_meta


def pin_name(batch_id: int) -> str:
    """Return the name under which the plan of a batch is kept."""
    return f"plan:{batch_id}"


async def check_plan(workspace: Workspace, batch_id: int) -> None:
    """A batch continues only with the plan that it was started on. Raises `NotNow`."""
    pinned = await workspace.database.read(get_meta, pin_name(batch_id))
    shown = workspace.relative(workspace.project.tracker)
    if pinned is not None and pinned != shown:
        raise NotNow(
            "plan",
            f"the batch was started on {pinned}, and the project shows {shown} now: name {pinned} in the setting "
            "tracker and start the server again, or start a new batch",
        )
