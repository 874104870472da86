"""`next` and `status` of a ticket tree, equal to what the project's own tool answers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sprint.tickets.folder import Ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import REPO, TicketConfig
from sprint.tickets.leaves import Leaves
from sprint.tickets.lists import Id
from sprint.tickets.needs import Needs, name_of, resolve
from sprint.tickets.reports import OrderConflict, Reports, Undeclared, Unpinned, report
from sprint.tickets.rows import Row, gate_names, group_of, label_of, row_of
from sprint.tickets.tree import Epic, Scope, read_scope

GROUPS = ("ready_to_refine", "ready_to_start", "in_progress", "blocked")
BACKLOG = "backlog"


class NextTicket(msgspec.Struct, frozen=True, kw_only=True):
    """The tickets that are not finished, by what can be done with them."""

    store: str | UnsetType = UNSET
    folder: str
    ready_to_refine: list[Row]
    ready_to_start: list[Row]
    in_progress: list[Row]
    blocked: list[Row]
    unpinned_after: list[Unpinned]
    undeclared_after: list[Undeclared]
    order_conflict: list[OrderConflict]
    problems: list[str] | UnsetType = UNSET
    backlog: Any = UNSET


class EpicRow(msgspec.Struct, frozen=True, kw_only=True):
    """An epic of an initiative; `id` is null for one that the list does not name."""

    slug: str
    id: Id | None
    status: str
    after: list[dict[str, str]]
    gated_by: list[Id]
    blocks: list[Id]
    next_id: int


class TicketStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All tickets, how many there are of each state, and the longest chain that is left."""

    store: str | UnsetType = UNSET
    folder: str
    tickets: list[Row]
    counts: dict[str, int]
    longest_remaining_chain: list[str]
    unpinned_after: list[Unpinned]
    undeclared_after: list[Undeclared]
    order_conflict: list[OrderConflict]
    problems: list[str] | UnsetType = UNSET
    epics: list[EpicRow] | UnsetType = UNSET
    next_id: int | UnsetType = UNSET
    backlog: Any = UNSET


class BrokenBacklog(msgspec.Struct, frozen=True):
    """A backlog that cannot be read; the initiative can."""

    folder: str
    error: str


@dataclass(frozen=True, slots=True)
class View:
    """A scope with its needs and reports."""

    scope: Scope
    needs: Needs
    reports: Reports
    problems: list[str]


def look(path: Path, leaves: Leaves, *, by_file: bool = False) -> View:
    """What lies in a folder. Raises TreeError for a tree that the project's tool refuses. `by_file` as in `Scope`."""
    scope = replace(read_scope(path, leaves), by_file=by_file)
    needs = resolve(scope.tree)
    # Refused here and not by the reader: with an unknown epic in `after`, `find` and `mark` of the tool still work.
    unknown = next((epic.unknown for epic in scope.tree.listed if epic.unknown), None)
    if unknown:
        raise TreeError(unknown)
    return View(scope, needs, report(scope, needs), scope.tree.problems)


def next_view(config: TicketConfig, folder: Path | None, leaves: Leaves, synced: bool = False) -> NextTicket:
    """The answer to `next`; `folder` None is the active initiative with the backlog beside it."""
    # A mirror of a tracker is as old as its last sync: the tool refuses `next` on it too, unless called with --synced.
    if config.store != REPO and not synced:
        raise StoreError(f"the tickets are kept in {config.store}; sync them first")
    path = folder or active(config)
    # The tool adds the backlog only where it was called without a folder.
    backlog = _backlog(config, leaves, _next) if folder is None else UNSET
    return msgspec.structs.replace(_next(look(path, leaves)), store=config.store, backlog=backlog)


def status_view(config: TicketConfig, folder: Path | None, leaves: Leaves) -> TicketStatus:
    """The answer to `status`; `folder` as in `next_view`."""
    path = folder or active(config)
    backlog = _backlog(config, leaves, _status) if folder is None else UNSET
    return msgspec.structs.replace(_status(look(path, leaves)), store=config.store, backlog=backlog)


class StoreError(TreeError):
    """The tickets live in a tracker; the tree is a copy that is not written and not dispatched from."""


def active(config: TicketConfig) -> Path:
    """The folder of the active initiative. Raises TreeError."""
    if config.initiative is None:
        raise TreeError(
            "no active initiative: set core.active_initiative in _bmad/custom/config.user.toml, or pass a folder"
        )
    if not config.initiative.is_dir():
        raise TreeError(f"active initiative folder not found: {config.initiative}")
    return config.initiative


def _backlog(config: TicketConfig, leaves: Leaves, view: Any) -> Any:
    folder = config.output / BACKLOG
    # The active initiative may be the backlog itself; it is not listed twice.
    if not folder.is_dir() or config.initiative == folder:
        return UNSET
    try:
        return view(look(folder, leaves, by_file=True))
    except TreeError as error:
        # The tool still ends with 0 then: a broken backlog does not stop the initiative.
        return BrokenBacklog(BACKLOG, str(error))


def _next(view: View) -> NextTicket:
    groups: dict[str, list[Row]] = {name: [] for name in GROUPS}
    for ticket in view.scope.tickets:
        row = row_of(view.scope, view.needs, ticket)
        group = group_of(ticket, row.waiting_on is not UNSET)
        if group:
            groups[group].append(row)
    return NextTicket(
        folder=view.scope.path.name,
        ready_to_refine=groups["ready_to_refine"],
        ready_to_start=groups["ready_to_start"],
        in_progress=groups["in_progress"],
        blocked=groups["blocked"],
        unpinned_after=view.reports.unpinned_after,
        undeclared_after=view.reports.undeclared_after,
        order_conflict=view.reports.order_conflict,
        problems=view.problems or UNSET,
    )


def _status(view: View) -> TicketStatus:
    scope, needs = view.scope, view.needs
    blocks = _blocks(needs)
    tickets = scope.tickets
    # A state that no ticket has is no key of the tool's answer, so nothing is preset.
    counts = {"total": len(tickets)}
    for ticket in tickets:
        counts[ticket.state] = counts.get(ticket.state, 0) + 1
    # `epics` belongs to the view of an initiative, `next_id` to that of a single folder.
    whole = scope.tree.epics is not None and scope.only is None
    return TicketStatus(
        folder=scope.path.name,
        tickets=[row_of(scope, needs, ticket, blocks=blocks.get(ticket.label, [])) for ticket in tickets],
        counts=counts,
        longest_remaining_chain=[label_of(needs, ticket) for ticket in longest_chain(tickets, needs)],
        unpinned_after=view.reports.unpinned_after,
        undeclared_after=view.reports.undeclared_after,
        order_conflict=view.reports.order_conflict,
        problems=view.problems or UNSET,
        epics=[_epic_row(epic, needs, blocks) for epic in scope.tree.epics or ()] if whole else UNSET,
        next_id=UNSET if whole else scope.folders[0].next_id,
    )


def _blocks(needs: Needs) -> dict[str, list[Id]]:
    """By label or slug: the tickets that name it in `after`, as it would write them."""
    found: dict[str, list[Id]] = {}
    for ticket in needs.tree.tickets:
        for target in needs.after[ticket.label]:
            name, beside = (target.slug, "") if isinstance(target, Epic) else (target.label, target.folder)
            found.setdefault(name, []).append(needs.shown(ticket, beside))
    return found


def _epic_row(epic: Epic, needs: Needs, blocks: dict[str, list[Id]]) -> EpicRow:
    return EpicRow(
        slug=epic.slug,
        id=epic.id,
        status=epic.status,
        after=[{"epic": declared.epic, "needs": declared.needs} for declared in epic.declared],
        gated_by=gate_names(needs.gates.get(epic.slug, ())),
        blocks=blocks.get(epic.slug, []),
        next_id=epic.folder.next_id,
    )


def longest_chain(tickets: list[Ticket], needs: Needs) -> list[Ticket]:
    """The longest way to one of `tickets` through tickets that are not finished; the first of several."""
    left = {ticket.label: ticket for ticket in needs.tree.tickets if not ticket.finished}
    before = {label: _before(ticket, needs, left) for label, ticket in left.items()}
    length: dict[str, int] = {}
    came: dict[str, str | None] = {}
    for start in left:
        # An explicit stack, since a chain may be longer than Python's; it ends, because `resolve` refuses cycles.
        pending = [start]
        while pending:
            label = pending[-1]
            missing = [name for name in before[label] if name not in length]
            if missing:
                pending += missing
                continue
            pending.pop()
            # `max` returns the first of equals, as the tool does.
            best = max(before[label], key=lambda name: length[name], default=None)
            length[label] = 1 + (length[best] if best else 0)
            came[label] = best
    ends = [ticket.label for ticket in tickets if ticket.label in length]
    return _way(max(ends, key=lambda name: length[name], default=None), came, left)


def _before(ticket: Ticket, needs: Needs, left: dict[str, Ticket]) -> list[str]:
    targets = (*needs.after[ticket.label], *needs.gate_of(ticket))
    return [label for label in (name_of(target) for target in targets) if label in left]


def _way(end: str | None, came: dict[str, str | None], left: dict[str, Ticket]) -> list[Ticket]:
    way = []
    while end:
        way.append(left[end])
        end = came[end]
    return way[::-1]
