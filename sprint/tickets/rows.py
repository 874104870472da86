"""A ticket as `next` and `status` show it, with the keys and the omissions of the project's own tool."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sprint.tickets.folder import Ticket
from sprint.tickets.lists import Id
from sprint.tickets.needs import Needs, Target, name_of
from sprint.tickets.tree import Epic, Scope


class FieldDrift(msgspec.Struct, frozen=True):
    """What a leaf file and its entry say differently; the file counts."""

    file: Any
    entry: Any


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket. Ids in `after`, `blocks`, `waiting_on` are bare for siblings, else `2.6`, a slug for an epic."""

    epic: str
    id: Id | None
    file: str | None
    type: str
    tracker_id: str
    title: str
    status: str
    tracker_status: str
    state: str
    assignee: str
    hitl: bool
    risk: str
    covers: list[Any]
    estimate: Any
    refine: bool
    refined: bool
    blocked_at: str
    blocked_reason: str
    ref: str | None
    after: list[Id]
    blocks: list[Id] | UnsetType = UNSET
    gated_by: list[Id] | UnsetType = UNSET
    drift: dict[str, FieldDrift] | UnsetType = UNSET
    waiting_on: list[Id] | UnsetType = UNSET
    unknown: str | UnsetType = UNSET
    plan_checkpoint: bool | UnsetType = UNSET
    done_checkpoint: bool | UnsetType = UNSET


def ref_of(scope: Scope, ticket: Ticket) -> str | None:
    """What the ticket is called on a command line; None where only its title or folder would name it."""
    epic = scope.tree.epic(ticket.folder)
    if scope.by_file and ticket.file:
        return ticket.file
    if ticket.id is not None:
        if epic is not None and epic.id is not None:
            return f"{epic.id}.{ticket.id}"
        if scope.flat:  # a bare id is unique in one folder only
            return str(ticket.id)
    return ticket.file


def label_of(needs: Needs, ticket: Ticket) -> str:
    """The ticket's name within the whole tree."""
    return str(needs.shown(ticket, ""))


def gate_names(targets: tuple[Target, ...]) -> list[Id]:
    return [target.slug if isinstance(target, Epic) else target.label for target in targets]


def drift_of(needs: Needs, ticket: Ticket) -> dict[str, FieldDrift]:
    """Where a leaf file and its entry differ in what they need of others."""
    if ticket.entry is None or ticket.file is None:
        return {}
    file, entry = needs.after[ticket.label], needs.listed[ticket.label]
    found = {}
    if sorted(map(name_of, file)) != sorted(map(name_of, entry)):
        shown = ([needs.shown(target, ticket.folder) for target in targets] for targets in (file, entry))
        found["after"] = FieldDrift(*shown)
    if ticket.hitl != ticket.entry.hitl:
        found["hitl"] = FieldDrift(ticket.hitl, ticket.entry.hitl)
    return found


def is_blocked(ticket: Ticket) -> bool:
    """Whether its own plan says that it waits for a person."""
    return ticket.status == "blocked" or bool(ticket.blocked_at)


def is_under_way(ticket: Ticket) -> bool:
    return not is_blocked(ticket) and ticket.state in ("in-progress", "review")


def group_of(ticket: Ticket, waiting: bool) -> str | None:
    """Which group of `next` a ticket is in; None for a finished one. `waiting`: it has needs that are not met."""
    if ticket.finished:
        return None
    # Before needs are compared: the tool lists begun work as in progress, also with needs that are open.
    if is_under_way(ticket):
        return "in_progress"
    if is_blocked(ticket) or waiting:
        return "blocked"
    if ticket.refine and not ticket.refined:
        return "ready_to_refine"
    return "blocked" if ticket.unknown else "ready_to_start"


def row_of(scope: Scope, needs: Needs, ticket: Ticket, *, blocks: list[Id] | UnsetType = UNSET) -> Row:
    # Only the rows of `next` have `waiting_on`; those of `status` have `blocks` instead.
    waits = blocks is UNSET and not ticket.finished and not is_under_way(ticket)
    waiting = needs.waiting_on(ticket) if waits else []
    gate = gate_names(needs.gate_of(ticket))
    return Row(
        epic=ticket.folder,
        id=ticket.id,
        file=ticket.file,
        type=ticket.type,
        tracker_id=ticket.tracker_id,
        title=ticket.title,
        status=ticket.status,
        tracker_status=ticket.tracker_status,
        state=ticket.state,
        assignee=ticket.assignee,
        hitl=ticket.hitl,
        risk=ticket.risk,
        covers=[str(item) for item in ticket.covers],
        estimate=ticket.estimate,
        refine=ticket.refine,
        refined=ticket.refined,
        blocked_at=ticket.blocked_at,
        blocked_reason=ticket.blocked_reason,
        ref=ref_of(scope, ticket),
        after=[needs.shown(target, ticket.folder) for target in needs.after[ticket.label]],
        blocks=blocks,
        gated_by=gate or UNSET,
        drift=drift_of(needs, ticket) or UNSET,
        waiting_on=[needs.shown(target, ticket.folder) for target in waiting] or UNSET,
        unknown=ticket.unknown or UNSET,
        plan_checkpoint=ticket.plan_checkpoint or UNSET,
        done_checkpoint=ticket.done_checkpoint or UNSET,
    )
