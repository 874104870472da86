"""The plan that a batch was started on: a user's configuration may name another initiative while the batch is open."""

from __future__ import annotations

from running.preflight import NotNow
from running.workspace import Workspace
from sprint.tickets.lists import TICKETS_FILE
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
            f"the batch was started on {pinned}, and the project shows {shown} now: {_remedy(pinned, shown)}, or "
            "start a new batch",
        )


def is_other_initiative(one: str | None, other: str | None) -> bool:
    """Whether two plans are the ticket lists of different initiatives; unlike a migration, these share no story."""
    both = one is not None and other is not None and one != other
    return both and str(one).endswith(TICKETS_FILE) and str(other).endswith(TICKETS_FILE)


def _remedy(pinned: str, shown: str) -> str:
    if is_other_initiative(pinned, shown):
        return "choose that initiative again"
    return f"name {pinned} in the setting tracker and start the server again"
