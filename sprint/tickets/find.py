"""Finding one ticket by what a person or a build calls it, and where its files are or go."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sprint.tickets.folder import Folder, Ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import TicketConfig
from sprint.tickets.leaves import Leaves
from sprint.tickets.lists import id_of
from sprint.tickets.needs import Needs, resolve
from sprint.tickets.tree import Scope, read_scope
from sprint.tickets.views import BACKLOG, active

# Of the title in a file's name.
SLUG_CHARS = 60

_DOTTED = re.compile(r"([0-9A-Za-z]+)\.([0-9A-Za-z]+)")


class NoMatchError(TreeError):
    """Nothing is called so, or more than one ticket is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket with its folder and paths; `plan` is where the build's file is or goes."""

    scope: Scope
    needs: Needs
    folder: Folder
    ticket: Ticket
    plan: Path
    story_file: Path | None
    epic_file: Path | None


def find_ticket(config: TicketConfig, folder: Path | None, ref: str, leaves: Leaves) -> Found:
    """The ticket that `ref` names in a folder, else in the active initiative, then the backlog. Raises TreeError."""
    scope = read_scope(folder or active(config), leaves)
    needs = resolve(scope.tree)
    try:
        return _found(scope, needs, ref)
    except NoMatchError as error:
        backlog = config.output / BACKLOG
        # An ambiguous name is an error of the initiative; only an unknown one may be in the backlog.
        if folder is not None or str(error) != _nothing(ref) or not backlog.is_dir():
            raise
        loose = replace(read_scope(backlog, leaves), by_file=True)
        return _found(loose, resolve(loose.tree), ref)


def _found(scope: Scope, needs: Needs, ref: str) -> Found:
    text = ref.strip()
    if not text:
        raise NoMatchError("the ticket reference is empty")
    ticket = _one(_matches(scope, text), text)
    if ticket is None:
        raise NoMatchError(_nothing(ref))
    folder = next(item for item in scope.tree.folders if item.name == ticket.folder)
    own = folder.path / f"{folder.name}.md"
    return Found(
        scope,
        needs,
        folder,
        ticket,
        plan_path(folder, ticket),
        folder.path / ticket.file if ticket.file else None,
        own if own.is_file() else None,
    )


def _nothing(ref: str) -> str:
    return f"no ticket matches {ref.strip()!r}"


def _one(groups: Iterable[list[Ticket]], text: str) -> Ticket | None:
    """The ticket of the first way of naming that fits any. Raises NoMatchError where it fits several."""
    for group in groups:
        if len(group) > 1:
            names = ", ".join(f"{ticket.handle} in {ticket.folder}" for ticket in group)
            raise NoMatchError(f"{text!r} matches more than one ticket: {names}")
        if group:
            return group[0]
    return None


def _matches(scope: Scope, text: str) -> Iterable[list[Ticket]]:
    every = scope.tree.tickets
    own = scope.tickets
    yield _dotted(scope, text)
    ident = id_of(text)
    if ident is not None and scope.flat:
        yield [ticket for ticket in own if ticket.id == ident]
    # An id with letters is rare enough to be found in any epic; a bare number is not.
    if isinstance(ident, str):
        yield [ticket for ticket in every if ticket.id == ident]
    name = text.lower().removesuffix(".md")
    yield from _near(own, every, lambda ticket: bool(ticket.file) and str(ticket.file)[:-3].lower() == name)
    yield [ticket for ticket in every if ticket.tracker_id and ticket.tracker_id.lower() == text.lower()]
    # A number is part of many titles.
    if not text.isdigit():
        yield [ticket for ticket in own if text.lower() in ticket.title.lower()]


def _near(own: list[Ticket], every: list[Ticket], fits: Callable[[Ticket], bool]) -> Iterable[list[Ticket]]:
    yield [ticket for ticket in own if fits(ticket)]
    yield [ticket for ticket in every if fits(ticket)]


def _dotted(scope: Scope, text: str) -> list[Ticket]:
    found = _DOTTED.fullmatch(text)
    if found is None:
        return []
    epic, ident = id_of(found[1]), id_of(found[2])
    slugs = [listed.slug for listed in scope.tree.listed if listed.id == epic]
    return [ticket for ticket in scope.tree.tickets if ticket.folder in slugs and ticket.id == ident]


def plan_path(folder: Folder, ticket: Ticket) -> Path:
    """The plan that is joined, else the name that a new one gets."""
    return folder.path / (ticket.plan or f"{_stem(folder, ticket)}-plan.md")


def _stem(folder: Folder, ticket: Ticket) -> str:
    if ticket.file:
        return ticket.file[:-3]
    stem = entry_stem(ticket)
    for other in folder.tickets:
        earlier = other.entry is not None and not other.file
        if other.file and other.file[:-3] == stem and other is not ticket:
            return f"{stem}-{ticket.id}"
        # Only entries before it count, so that one added at the end does not rename the plans of others.
        if other is ticket:
            break
        if earlier and entry_stem(other) == stem:
            return f"{stem}-{ticket.id}"
    leaf = any(other.file and other.file[:-3] == stem for other in folder.tickets)
    return f"{stem}-{ticket.id}" if leaf else stem


def entry_stem(ticket: Ticket) -> str:
    """`<type>-<title>` in ASCII."""
    # The tool forms the name in this way; another spelling would be a second plan of the ticket.
    plain = unicodedata.normalize("NFKD", ticket.title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_CHARS].strip("-")
    return f"{ticket.type}-{slug or 'untitled'}"
