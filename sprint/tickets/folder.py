"""One folder of a ticket tree: its list, leaf files and plans joined into tickets."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from sprint.tickets.frontmatter import TreeError
from sprint.tickets.leaves import STATUSES, LeafFile, Leaves, PlanFile, stamps
from sprint.tickets.lists import EntryTable, Id, TicketList, id_of

_STATES = {
    **dict.fromkeys(("draft", "ready-for-dev"), "backlog"),
    **dict.fromkeys(("in-progress", "blocked"), "in-progress"),
    **dict.fromkeys(("in-review", "built"), "review"),
    "done": "done",
    "dropped": "dropped",
}


class Ticket(msgspec.Struct, frozen=True, eq=False):
    """A ticket as its entry, leaf file and plan say together; `after` as written.

    `status` is the build's word, `state` the board's.
    """

    folder: str
    id: Id | None
    type: str
    title: str
    file: str | None = None
    plan: str | None = None
    entry: EntryTable | None = None
    status: str = ""
    tracker_id: str = ""
    tracker_status: str = ""
    assignee: str = ""
    hitl: bool = False
    risk: str = ""
    covers: tuple[Any, ...] = ()
    estimate: Any = ""
    refine: bool = False
    refined: bool = False
    blocked_at: str = ""
    blocked_reason: str = ""
    unknown: str = ""
    after: tuple[Any, ...] = ()
    plan_checkpoint: bool = False
    done_checkpoint: bool = False

    @property
    def handle(self) -> Id:
        """What identifies it among the others of its folder: the id, else the file."""
        return self.id if self.id is not None else (self.file or "")

    @property
    def label(self) -> str:
        return f"{self.folder}/{self.handle}"

    @property
    def state(self) -> str:
        if not self.file and not self.plan:
            return "planned"
        # Where a tracker keeps the tickets, the card's column overrides the plan.
        if self.tracker_status:
            return self.tracker_status
        # A file without a status, such as a leaf that was only pulled, has not begun.
        return _STATES.get(self.status, "backlog")

    @property
    def finished(self) -> bool:
        return self.state in ("done", "dropped")


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """A folder as read."""

    path: Path
    list: TicketList
    tickets: tuple[Ticket, ...]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def next_id(self) -> int:
        """The lowest number that no ticket of the folder has had."""
        numbers = [_number(ticket.id) for ticket in self.tickets if ticket.id is not None]
        return max([*(number + 1 for number in numbers), self.list.next_id, 1])


def _number(ident: Id) -> int:
    if isinstance(ident, int):
        return ident
    # `6a` counts as 6, so that a split ticket does not free its number.
    digits = len(ident) - len(ident.lstrip("0123456789"))
    return int(ident[:digits] or 0)


def read_folder(path: Path, leaves: Leaves) -> Folder:
    """The folder's tickets in build order. Raises TreeError."""
    listed = leaves.read_list(path)
    records = [leaves.read(stamp, path.name) for stamp in stamps(str(path))]
    files = [record for record in records if isinstance(record, LeafFile)]
    plans = [record for record in records if isinstance(record, PlanFile)]
    tickets = list(_joined(path.name, listed.entries, files))
    tickets, problems = _with_plans(path.name, tickets, plans)
    return Folder(path, listed, tuple(tickets), tuple(problems))


def _joined(folder: str, entries: Iterable[EntryTable], files: list[LeafFile]) -> Iterable[Ticket]:
    by_id: dict[Id, LeafFile] = {}
    for file in files:
        if file.id is None:
            continue
        if file.id in by_id:
            raise TreeError(f"{by_id[file.id].file} and {file.file} share the id {file.id}")
        by_id[file.id] = file
    known = set()
    for entry in entries:
        known.add(entry.id)
        ticket = _planned(folder, entry)
        yield _with_file(ticket, by_id[entry.id]) if entry.id in by_id else ticket
    # Files without an entry come last: by id, then those without an id, in the tool's order.
    loose = sorted((ident for ident in by_id if ident not in known), key=_id_order)
    for file in [*(by_id[ident] for ident in loose), *(file for file in files if file.id is None)]:
        # What has no entry has to be refined before a build may start it.
        yield _with_file(Ticket(folder, file.id, file.type, "", refine=True), file)


def _id_order(ident: Id) -> tuple[bool, int, str]:
    return (isinstance(ident, str), ident if isinstance(ident, int) else 0, str(ident))


def _planned(folder: str, entry: EntryTable) -> Ticket:
    return Ticket(
        folder,
        entry.id,
        entry.type,
        entry.title,
        entry=entry,
        hitl=entry.hitl,
        risk=entry.risk,
        covers=entry.covers,
        estimate=entry.estimate,
        refine=entry.refine,
        unknown=entry.unknown,
        after=entry.after,
        plan_checkpoint=entry.plan_checkpoint,
        done_checkpoint=entry.done_checkpoint,
    )


def _with_file(ticket: Ticket, file: LeafFile) -> Ticket:
    """A leaf file counts before its entry, also where it says nothing of `after` and `hitl`."""
    return replace(
        ticket,
        file=file.file,
        type=file.type,
        # Every bug is refined with a person first, also one whose entry calls it a story.
        refine=ticket.refine or file.type == "bug",
        title=file.title or ticket.title,
        status=file.status,
        tracker_id=file.tracker_id,
        tracker_status=file.tracker_status,
        assignee=file.assignee,
        hitl=file.hitl,
        after=file.after,
        unknown=file.unknown,
        refined=file.refined,
        covers=ticket.covers if file.covers is None else file.covers,
        estimate=ticket.estimate if file.estimate is None else file.estimate,
        risk=ticket.risk if file.risk is None else file.risk,
    )


def _with_plans(folder: str, tickets: list[Ticket], plans: list[PlanFile]) -> tuple[list[Ticket], list[str]]:
    places: dict[Id, int] = {ticket.id: place for place, ticket in enumerate(tickets) if ticket.id is not None}
    stems = {ticket.file[:-3]: place for place, ticket in enumerate(tickets) if ticket.file}
    joined: dict[int, PlanFile] = {}
    problems = []
    for plan in plans:
        place = _place(plan, places, stems)
        if place is None:
            shown = list(plan.ticket) if isinstance(plan.ticket, tuple) else plan.ticket
            problems.append(f"{folder}/{plan.file}: ticket {shown!r} names no entry or leaf file in {folder}; skipped")
        # Two plans of one ticket make the tree unusable, since either may be true; a plan without a ticket is reported.
        elif place in joined:
            names = f"{joined[place].file} and {plan.file}"
            raise TreeError(f"{folder}/{names} are both plans for ticket {tickets[place].handle}")
        else:
            joined[place] = plan
            if plan.status and plan.status not in STATUSES:
                problems.append(_odd_status(folder, plan))
    return [_with_plan(ticket, joined.get(place)) for place, ticket in enumerate(tickets)], problems


def _place(plan: PlanFile, places: dict[Id, int], stems: dict[str, int]) -> int | None:
    if isinstance(plan.ticket, tuple):
        return None
    # `ticket: 01` is the entry 1: ids of digits are compared as numbers.
    ident = id_of(plan.ticket)
    if ident is not None and ident in places:
        return places[ident]
    return stems.get(str(plan.ticket))


def _odd_status(folder: str, plan: PlanFile) -> str:
    return (
        f"{folder}/{plan.file}: status {plan.status!r} is not one of {', '.join(STATUSES)}; "
        "the ticket reads as blocked until the plan is fixed"
    )


def _with_plan(ticket: Ticket, plan: PlanFile | None) -> Ticket:
    if plan is None:
        return ticket
    # It occurs: `built # note` has one blank before `#`, so the note is part of the status.
    odd = bool(plan.status) and plan.status not in STATUSES
    return replace(
        ticket,
        plan=plan.file,
        status="blocked" if odd else plan.status,
        # `assignee:` without a value removes the leaf's name, an absent key keeps it.
        assignee=ticket.assignee if plan.assignee is None else plan.assignee,
        blocked_at=plan.blocked_at,
        blocked_reason=f"{plan.file} has an unknown status {plan.status!r}" if odd else plan.blocked_reason,
    )
