"""A ticket tree as the one model of all plans."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sprint.model import Conditions, EpicEntry, EpicGate, PlanKind, Problem, Shape, Sprint, StoryEntry
from sprint.status import Status, canonical
from sprint.tickets.folder import Folder, Ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import REPO, find_root, read_layers
from sprint.tickets.leaves import Leaves
from sprint.tickets.needs import Needs, Target
from sprint.tickets.rows import group_of, is_blocked, ref_of
from sprint.tickets.tree import Epic, Scope
from sprint.tickets.views import BACKLOG, View, look

_STATUSES = {
    "ready-for-dev": Status.READY_FOR_DEV,
    "in-progress": Status.IN_PROGRESS,
    "in-review": Status.REVIEW,
    "built": Status.REVIEW,
    "done": Status.DONE,
    "blocked": Status.BLOCKED,
    # Parked stories are never run and are counted neither as done nor as open.
    "dropped": Status.PARKED,
}
_EPIC_STATUSES = {"in-progress": Status.IN_PROGRESS, "done": Status.DONE, "dropped": Status.PARKED}


@dataclass(frozen=True, slots=True)
class Keyed:
    """The tickets of a view with the keys that the rest of the program knows them by."""

    view: View
    keys: dict[str, str]
    holds: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by slug: who waits for the epic

    @property
    def tickets(self) -> list[tuple[str, Ticket]]:
        return [(self.keys[ticket.label], ticket) for ticket in self.view.scope.tree.tickets]

    def named(self, targets: Iterable[Target]) -> tuple[str, ...]:
        """Targets as keys of stories and ids of epics."""
        return tuple(epic_id(target) if isinstance(target, Epic) else self.keys[target.label] for target in targets)


def epic_id(epic: Epic) -> str:
    return epic.slug if epic.id is None else str(epic.id)


def keyed(view: View) -> Keyed:
    """Keys: what the official program calls a ticket, with its folder before it where that would not be unique."""
    names = {ticket.label: _name(view.scope, ticket) for ticket in view.scope.tree.tickets}
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    tickets = view.scope.tree.tickets
    keys = {ticket.label: name if counts[name := names[ticket.label]] == 1 else _long(ticket) for ticket in tickets}
    return Keyed(view, keys, _holds(view, keys))


def _holds(view: View, keys: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for epic in view.scope.tree.epics or ():
        for target in view.needs.gates.get(epic.slug, ()):
            if isinstance(target, Epic):
                found.setdefault(target.slug, []).append(epic_id(epic))
    for ticket in view.scope.tree.tickets:
        for target in view.needs.after[ticket.label]:
            if isinstance(target, Epic):
                found.setdefault(target.slug, []).append(keys[ticket.label])
    return {slug: tuple(names) for slug, names in found.items()}


def _name(scope: Scope, ticket: Ticket) -> str:
    ref = ref_of(scope, ticket)
    return ref.removesuffix(".md") if ref else _long(ticket)


def _long(ticket: Ticket) -> str:
    return f"{ticket.folder}.{str(ticket.handle).removesuffix('.md')}"


def read_initiative(folder: Path, leaves: Leaves) -> Sprint:
    """The initiative in a folder and the backlog beside it. Never raises for what is on the disk."""
    try:
        views = [look(folder, leaves)]
        store = _store(folder)
    except TreeError as error:
        return Sprint(problems=(Problem(None, str(error)),), shape=Shape.TICKETS, broken=True, kind=PlanKind.TICKETS)
    problems = [*views[0].scope.tree.notes, *views[0].problems, *_odd(views[0])]
    loose = folder.parent / BACKLOG
    if loose.is_dir() and loose != folder:
        try:
            views.append(look(loose, leaves))
            problems += views[-1].problems
        except TreeError as error:
            problems.append(f"The backlog cannot be read: {error}")
    if store != REPO:
        problems.append(f"The tickets are kept in {store}; this copy is as old as its last sync, and never written.")
    return _sprint([keyed(view) for view in views], problems, "" if store == REPO else store)


def _store(folder: Path) -> str:
    root = find_root(folder)
    return REPO if root is None else read_layers(root).store


def _odd(view: View) -> list[str]:
    reports = view.reports
    found = [
        f"{item.epic} is after {item.after} ({item.needs or 'no reason'}), which none of its tickets uses."
        for item in reports.unpinned_after
    ]
    found += [
        f"Ticket {item.ref} waits for {item.names}, which {item.epic} does not declare."
        for item in reports.undeclared_after
    ]
    return found + [f"{item.epic} waits for {item.after}, which comes later." for item in reports.order_conflict]


def _sprint(parts: list[Keyed], problems: list[str], store: str) -> Sprint:
    epics: list[EpicEntry] = []
    stories: list[StoryEntry] = []
    taken: set[str] = set()
    for part in parts:
        for folder in part.view.scope.tree.folders:
            epic = part.view.scope.tree.epic(folder.name)
            if epic is not None:
                epics.append(_epic(part, epic, len(epics) + len(stories)))
            for ticket in folder.tickets:
                story = _story(part, folder, ticket, len(epics) + len(stories), store)
                # The backlog may use a key of the initiative; that of the initiative was added first.
                if story.key not in taken:
                    taken.add(story.key)
                    stories.append(story)
    return Sprint(
        tuple(epics),
        tuple(stories),
        problems=tuple(Problem(None, problem) for problem in problems),
        shape=Shape.TICKETS,
        writable=not store,
        kind=PlanKind.TICKETS,
        broken=False,
        store=store,
    )


def _epic(part: Keyed, epic: Epic, position: int) -> EpicEntry:
    # No command of the tool writes an epic's status, so it is often absent: its tickets show whether it has begun.
    status = _EPIC_STATUSES.get(epic.status) or _begun(epic.folder)
    return EpicEntry(
        key=epic.slug,
        epic=epic_id(epic),
        status=status,
        raw_status=epic.status,
        line=None,
        position=position,
        title=epic.title,
        editable=epic.status not in ("done", "dropped"),
        gate=gate_of(part, epic),
    )


def _begun(folder: Folder) -> Status:
    begun = any(ticket.state not in ("planned", "backlog") for ticket in folder.tickets)
    return Status.IN_PROGRESS if begun else Status.BACKLOG


def gate_of(part: Keyed, epic: Epic) -> EpicGate:
    """What is finished of an epic, what is missing, and what waits for it."""
    needs = part.view.needs
    own = epic.folder.tickets
    return EpicGate(
        closed=epic.status == "done",
        finished=part.named(ticket for ticket in own if ticket.finished),
        missing=part.named(ticket for ticket in own if not ticket.finished),
        holds=part.holds.get(epic.slug, ()),
        waits_for=part.named(target for target in needs.gates.get(epic.slug, ())),
        retrospective=(epic.folder.path / f"{epic.slug}-retrospective.md").is_file(),
    )


def _story(part: Keyed, folder: Folder, ticket: Ticket, position: int, store: str) -> StoryEntry:
    epic = part.view.scope.tree.epic(folder.name)
    files = [f"{folder.path}/{name}" for name in (ticket.plan, ticket.file) if name]
    entry = ticket.entry
    return StoryEntry(
        key=part.keys[ticket.label],
        epic=epic_id(epic) if epic else folder.name,
        status=status_of(ticket),
        raw_status=ticket.status or ticket.tracker_status,
        line=None,
        position=position,
        title=ticket.title,
        editable=True,
        number=str(ticket.handle).removesuffix(".md"),
        paths=tuple(files),
        # A leaf file replaces the texts of its entry, also where it has none itself.
        description=entry.description if entry and not ticket.file else "",
        conditions=_conditions(part, ticket, store),
    )


def status_of(ticket: Ticket) -> Status:
    """The build's word as one of ours; a card's column where a tracker keeps the tickets."""
    # A plan that a person marked `done` by hand may still hold `blocked_at`.
    if is_blocked(ticket) and not ticket.finished:
        return Status.BLOCKED
    if ticket.tracker_status:
        return canonical(ticket.tracker_status)
    return _STATUSES.get(ticket.status, Status.BACKLOG)


def _conditions(part: Keyed, ticket: Ticket, store: str) -> Conditions:
    needs = part.view.needs
    # The tool does not hold back work that has begun, whatever it needs.
    waiting = [] if group_of(ticket, False) in (None, "in_progress") else needs.waiting_on(ticket)
    entry = ticket.entry
    return Conditions(
        ref=ref_of(part.view.scope, ticket) or "",
        alias=entry.v6_key if entry else "",
        after=part.named([*needs.after[ticket.label], *needs.gate_of(ticket)]),
        waiting_for=part.named(waiting),
        hold=hold_of(part.view.needs, ticket) or (_hold_by_store(ticket, store) if store else ""),
        plan_checkpoint=ticket.plan_checkpoint,
        done_checkpoint=ticket.done_checkpoint,
        hitl=ticket.hitl,
        risk=ticket.risk,
        refine=ticket.refine and not ticket.refined,
        unknown=ticket.unknown,
        assignee=ticket.assignee,
        blocked_reason=ticket.blocked_reason,
        verify=entry.verify if entry and not ticket.file else "",
    )


def hold_of(needs: Needs, ticket: Ticket) -> str:
    """Why a run must not start this ticket by itself; "" if it may."""
    if ticket.folder == BACKLOG and needs.tree.path.name == BACKLOG:
        return "It lies in the backlog, which belongs to no initiative."
    if ticket.hitl:
        return "A person has to take part in it (hitl)."
    if ticket.refine and not ticket.refined:
        return "It has to be refined with a person first."
    if ticket.unknown:
        return f"A question is open: {ticket.unknown}"
    # The program does not know the operator's name in the plan, so every assignee is another person.
    if ticket.assignee:
        return f"It is assigned to {ticket.assignee}."
    return ""


def _hold_by_store(ticket: Ticket, store: str) -> str:
    """Why a ticket that a tracker keeps must not be started, by its card and its plan together; "" if it may.

    The card wins over the plan, so that a ticket that is built already is offered again until its card is moved.
    """
    if ticket.finished:
        return ""
    if ticket.status in ("built", "done"):
        return f"Its plan says {ticket.status} already: move its card in {store}, and sync."
    if not ticket.status and ticket.state in ("in-progress", "review"):
        return f"Its card in {store} says {ticket.tracker_status}, and it was not begun here."
    return ""
