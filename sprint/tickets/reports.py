"""What is odd about an initiative's needs without stopping anything."""

from collections.abc import Iterator

import msgspec

from sprint.tickets.needs import Needs, Target
from sprint.tickets.rows import label_of
from sprint.tickets.tree import Epic, Scope


class Unpinned(msgspec.Struct, frozen=True):
    """A need that an epic declares, and that no ticket or gate of it uses."""

    epic: str
    after: str
    needs: str


class Undeclared(msgspec.Struct, frozen=True):
    """A ticket that waits for another epic, which its own epic does not declare."""

    epic: str
    after: str
    ref: str
    names: str


class OrderConflict(msgspec.Struct, frozen=True):
    """An epic that waits for one that comes later in the list."""

    epic: str
    after: str


class Reports(msgspec.Struct, frozen=True):
    """All three, in build order."""

    unpinned_after: list[Unpinned] = []
    undeclared_after: list[Undeclared] = []
    order_conflict: list[OrderConflict] = []


def report(scope: Scope, needs: Needs) -> Reports:
    """The reports of the epics that the scope shows; empty for a folder of tickets alone."""
    if scope.tree.epics is None:
        return Reports()
    epics = [scope.only] if scope.only else list(scope.tree.epics)
    return Reports(
        [found for epic in epics for found in _unpinned(epic, needs)],
        [found for epic in epics for found in _undeclared(epic, needs)],
        list(_conflicts(scope, epics, needs)),
    )


def _slug(target: Target) -> str:
    return target.slug if isinstance(target, Epic) else target.folder


def _used(epic: Epic, needs: Needs) -> list[str]:
    """The other epics that tickets and gate of this one name, in order."""
    targets = [target for ticket in epic.folder.tickets for target in needs.after[ticket.label]]
    targets += needs.gates.get(epic.slug, ())
    return list(dict.fromkeys(slug for target in targets if (slug := _slug(target)) != epic.slug))


def _unpinned(epic: Epic, needs: Needs) -> Iterator[Unpinned]:
    used = _used(epic, needs)
    for declared in epic.declared if epic.folder.tickets else ():
        if declared.epic not in used:
            yield Unpinned(epic.slug, declared.epic, declared.needs)


def _undeclared(epic: Epic, needs: Needs) -> Iterator[Undeclared]:
    if epic.id is None:
        return
    known = {declared.epic for declared in epic.declared}
    for ticket in epic.folder.tickets:
        for target in needs.after[ticket.label]:
            slug = _slug(target)
            if slug != epic.slug and slug not in known:
                names = str(needs.shown(target, epic.slug))
                yield Undeclared(epic.slug, slug, label_of(needs, ticket), names)


def _conflicts(scope: Scope, epics: list[Epic], needs: Needs) -> Iterator[OrderConflict]:
    places = {epic.slug: place for place, epic in enumerate(scope.tree.listed)}
    for epic in epics:
        named = dict.fromkeys([*(declared.epic for declared in epic.declared), *_used(epic, needs)])
        for other in named:
            if epic.slug in places and other in places and places[other] > places[epic.slug]:
                yield OrderConflict(epic.slug, other)
