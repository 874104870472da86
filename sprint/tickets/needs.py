"""What a ticket waits for: `after`, the gates of epics, and cycles through both.

A prerequisite ticket is met from review on; a gate, and an epic that a ticket waits for, only when
the epic's own file says done, or the ticket named there is done.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sprint.tickets.folder import Ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.lists import TICKETS_FILE, Id, id_of
from sprint.tickets.tree import Epic, Tree

Target = Ticket | Epic

_DOTTED = re.compile(r"([0-9A-Za-z]+)\.([0-9A-Za-z]+)")
# Review is enough for `after`, so that the next build can start before a person has closed the last one.
MET_STATES = frozenset({"done", "review"})


@dataclass(frozen=True, slots=True)
class Needs:
    """The resolved needs of a tree, by label of the ticket and by slug of the epic."""

    tree: Tree
    after: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    gates: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    listed: dict[str, tuple[Target, ...]] = field(default_factory=dict)  # where a leaf file replaces its entry

    def gate_of(self, ticket: Ticket) -> tuple[Target, ...]:
        return self.gates.get(ticket.folder, ())

    def waiting_on(self, ticket: Ticket) -> list[Target]:
        """The needs that are not met: those of its own first, then its gate's, also where both name one."""
        unmet = [target for target in self.after[ticket.label] if not is_met(target)]
        return unmet + [target for target in self.gate_of(ticket) if not opens(target)]

    def shown(self, target: Target, beside: str) -> Id:
        """A target as a ticket of the folder `beside` would write it."""
        if isinstance(target, Epic):
            return target.slug
        if target.folder == beside and target.id is not None:
            return target.id
        epic = self.tree.epic(target.folder)
        if target.id is None or epic is None or epic.id is None:
            return target.label
        return f"{epic.id}.{target.id}"


def is_met(target: Target) -> bool:
    return target.status == "done" if isinstance(target, Epic) else target.state in MET_STATES


def opens(target: Target) -> bool:
    """Whether an item of a gate no longer holds."""
    return target.status == "done" if isinstance(target, Epic) else target.state == "done"


def name_of(target: Target) -> str:
    return target.slug if isinstance(target, Epic) else target.label


def resolve(tree: Tree) -> Needs:
    """The needs of every ticket and epic. Raises TreeError for one that names nothing, and for a cycle."""
    finder = _Finder(tree)
    after = {}
    listed = {}
    for folder in tree.folders:
        for ticket in folder.tickets:
            where = f"{ticket.folder}/{ticket.file}" if ticket.file else _entry_of(ticket)
            # A leaf file's `after` replaces that of its entry, so a fault is reported at the file.
            found = [finder.target(item, ticket.folder, where) for item in ticket.after]
            after[ticket.label] = _unique(found)
            if ticket.file and ticket.entry:
                # Resolved only to be compared: a difference is shown as drift.
                entry = [finder.target(item, ticket.folder, _entry_of(ticket)) for item in ticket.entry.after]
                listed[ticket.label] = _unique(entry)
    gates = {}
    for epic in tree.epics or ():
        where = f"{epic.slug}/{epic.slug}.md"
        gates[epic.slug] = _unique(finder.gate(item, where) for item in epic.gate)
    needs = Needs(tree, after, gates, listed)
    _check_cycles(needs)
    return needs


def _entry_of(ticket: Ticket) -> str:
    return f"{ticket.folder}/{TICKETS_FILE} entry {ticket.id}"


def _unique(targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple({name_of(target): target for target in targets}.values())


class _Finder:
    """Looks up what an item of `after` names."""

    def __init__(self, tree: Tree) -> None:
        self._epics = {epic.slug: epic for epic in tree.epics or ()}
        self._listed = {listed.id: listed.slug for listed in tree.listed}
        self._by_id: dict[tuple[str, Id], Ticket] = {}
        self._by_file: dict[tuple[str, str], Ticket] = {}
        self._by_tracker = _by_tracker_id(tree)
        for ticket in tree.tickets:
            if ticket.id is not None:
                self._by_id[ticket.folder, ticket.id] = ticket
            if ticket.file:
                self._by_file[ticket.folder, ticket.file] = ticket

    def target(self, item: object, folder: str, where: str) -> Target:
        if isinstance(item, int) and not isinstance(item, bool):
            sibling = self._by_id.get((folder, item))
            if sibling is None:
                raise TreeError(f"{where}: after {item} names no entry in {folder}")
            return sibling
        # An unquoted `1.10` is a TOML float and arrives as `1.1`; the tool has the same fault.
        if isinstance(item, str | float):
            return self._sibling(str(item), folder) or self._elsewhere(str(item), where)
        raise TreeError(f"{where}: after {item!r} matches no ticket")

    def gate(self, item: object, where: str) -> Target:
        # Ids and files are unique within a folder only, and a gate is not in the folder of its tickets.
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise TreeError(f"{where}: after {item!r} matches no ticket")
        return self._elsewhere(str(item), where)

    def _sibling(self, text: str, folder: str) -> Target | None:
        # A quoted number is a tracker's id, never a sibling.
        own = None if text.isdecimal() else self._by_id.get((folder, text))
        return own or self._by_file.get((folder, text if text.endswith(".md") else f"{text}.md"))

    def _elsewhere(self, text: str, where: str) -> Target:
        """A ticket of another epic, an epic, or what a tracker calls one of both."""
        found = _DOTTED.fullmatch(text)
        epic, ident = (id_of(found[1]), id_of(found[2])) if found else (None, None)
        slug = None if epic is None else self._listed.get(epic)
        if slug is not None:
            if ident is None or (slug, ident) not in self._by_id:
                raise TreeError(f"{where}: after {text!r} names no entry in {slug}")
            return self._by_id[slug, ident]
        named = self._epics.get(text) or self._by_tracker.get(text)
        if named is None and found:
            raise TreeError(f"{where}: after {text!r} names no epic id in this initiative's {TICKETS_FILE}")
        if named is None:
            raise TreeError(f"{where}: after {text!r} matches no ticket")
        return named


def _by_tracker_id(tree: Tree) -> dict[str, Target]:
    """What a tracker knows by its own ids. Raises TreeError for an id, in any case, that two have."""
    carriers: list[Target] = [*(tree.epics or ()), *tree.tickets]
    owners: dict[str, list[Target]] = {}
    for carrier in carriers:
        if carrier.tracker_id:
            owners.setdefault(carrier.tracker_id.lower(), []).append(carrier)
    for ident, several in owners.items():
        if len(several) > 1:
            names = ", ".join(name_of(carrier) for carrier in several)
            raise TreeError(f"tracker_id {ident!r} is on more than one ticket: {names}")
    return {carrier.tracker_id: carrier for carrier in carriers if carrier.tracker_id}


def _check_cycles(needs: Needs) -> None:
    """Raises TreeError with the way round; a loop, since a chain may be longer than Python's stack."""
    names: dict[str, Target] = {ticket.label: ticket for ticket in needs.tree.tickets}
    names.update({epic.slug: epic for epic in needs.tree.epics or ()})
    done: set[str] = set()
    for start in [ticket.label for ticket in needs.tree.tickets]:  # empty epics that gate each other go unnoticed
        path: list[str] = []
        on_path: set[str] = set()
        pending = [(start, False)]
        while pending:
            name, leaving = pending.pop()
            if leaving:
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif name in on_path:
                raise TreeError(f"cycle through {' -> '.join([*path[path.index(name) :], name])}")
            elif name not in done:
                path.append(name)
                on_path.add(name)
                pending.append((name, True))
                pending += [(name_of(target), False) for target in reversed(_edges(needs, names[name]))]


def _edges(needs: Needs, node: Target) -> list[Target]:
    if isinstance(node, Epic):
        # Waiting for an epic is waiting for all its tickets and for its gate, so a cycle may go through them.
        return [*node.folder.tickets, *needs.gates.get(node.slug, ())]
    return [*needs.after[node.label], *needs.gate_of(node)]
