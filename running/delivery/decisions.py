"""What the operator decides about a delivery that waits, and what a batch says of deliveries at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from git.process import ask_git
from git.worktrees import Repository
from running.delivery.record import RETRY, record
from running.preflight import NotNow
from running.workspace import Workspace
from store.deliveries import (
    PLANNED,
    STOPPED,
    WAITING,
    DeliveryChanged,
    DeliveryRow,
    get_delivery,
    get_open_deliveries,
)
from store.job import NotWritten


class NoSuchDelivery(LookupError):
    """There is no delivery with this id."""


async def decide_delivery(workspace: Workspace, delivery_id: int, decision: str) -> DeliveryRow:
    """Try a delivery again, or give it up. Raises `NoSuchDelivery`, `NotNow`."""
    row = await workspace.database.read(get_delivery, delivery_id)
    if row is None:
        raise NoSuchDelivery(f"there is no delivery {delivery_id}")
    if row.ended:
        raise NotNow("ended", f"the delivery of {row.subject} is at its end: {words_of(row)}")
    try:
        if decision != RETRY:
            message = f"the delivery of {row.subject} is given up"
            return await record(workspace, row, message, state=STOPPED, problem=None)
        if row.problem is None:
            raise NotNow("not_waiting", f"the delivery of {row.subject} does not wait for you: {words_of(row)}")
        return await _retry(workspace, row)
    except (DeliveryChanged, NotWritten):
        raise NotNow("changed", f"the delivery of {row.subject} has changed meanwhile: look again") from None


async def _retry(workspace: Workspace, row: DeliveryRow) -> DeliveryRow:
    """Take the step again: a branch that the operator has moved forward here is what is pushed then."""
    name = f"refs/heads/{row.branch}^{{commit}}"
    tip = await ask_git(workspace.project.root, "rev-parse", "--verify", "--quiet", name)
    columns: dict[str, Any] = {"problem": None, "failures": 0, "next_at": 0, "requested_at": None}
    repository = None if workspace.git is None else Repository.of(workspace.git)
    ahead = tip is not None and repository is not None and await repository.is_ancestor(row.wanted, tip)
    if ahead and tip != row.wanted:
        columns |= {"wanted": tip, "state": PLANNED}
    elif row.state == PLANNED:
        columns["head"] = None  # a branch that is gone from the remote is pushed anew
    return await record(workspace, row, f"the delivery of {row.subject} is tried again", **columns)


def words_of(row: DeliveryRow) -> str:
    """Return the state of a delivery in a few words."""
    if row.problem is not None:
        return "waits for you"
    checks = f", checks {row.checks}" if row.checks and row.state in ("open", WAITING) else ""
    rounds = f", round {row.round}" if row.round else ""
    return f"{WORDS[row.state]}{checks}{rounds}"


WORDS: Final = {
    "planned": "to be pushed",
    "pushed": "pushed",
    "requesting": "request to be made",
    "requested": "request open",
    "open": "request open",
    "waiting": "to be mended",
    "mending": "being mended",
    "merging": "being merged",
    "merged": "merged",
    "closed": "closed without a merge",
    "stopped": "given up",
}


async def sentence_of_open(workspace: Workspace) -> str | None:
    """Return which deliveries are open when a batch ends; None where none is."""
    rows: Sequence[DeliveryRow] = await workspace.database.read(get_open_deliveries)
    if not rows:
        return None
    return "deliveries open: " + ", ".join(f"{row.subject} ({words_of(row)})" for row in rows)
