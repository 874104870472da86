"""Statuses of tickets and epics set by the rest of the program, in the words of a ticket tree."""

import os
from datetime import datetime
from functools import partial
from pathlib import Path

from base.files import atomic_write
from base.regular import read_regular
from sprint.edit import Conflict, Refused, StatusEdit
from sprint.lock import LockTimeout, locked
from sprint.model import Sprint
from sprint.project import Project, inside
from sprint.status import BUILD_WORDS, WRITABLE, Status
from sprint.tickets.closing import DONE, closed_bytes
from sprint.tickets.find import Found, plan_path
from sprint.tickets.folder import Ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import find_root, read_layers
from sprint.tickets.leaves import MAX_FILE_BYTES, Leaves
from sprint.tickets.mark import Mark, mark
from sprint.tickets.reader import Keyed, epic_id, keyed, status_of
from sprint.tickets.tree import Epic
from sprint.tickets.views import BACKLOG, look


def mark_for(new: str, reason: str | None) -> Mark:
    """What a status of ours is in a plan; a reason only where something is blocked. Raises Refused."""
    if new not in {status.value for status in WRITABLE}:
        raise Refused(f"{new!r} is not a status that may be written.")
    status = Status(new)
    return Mark(BUILD_WORDS[status], blocked=reason or None if status is Status.BLOCKED else None)


def set_ticket_status(
    project: Project, key: str, new: str, expected: str | None, reason: str | None, now: datetime
) -> StatusEdit:
    """Marks a ticket. Raises Refused, Conflict; nothing is written then."""
    change = mark_for(new, reason)
    try:
        found = find_key(project, key)
        old = status_of(found.ticket)
        if expected is not None and expected not in (found.ticket.status, old):
            raise Conflict(found.ticket.status or old)
        # Also where the words differ: `built` and `in-review` are one status, and neither is replaced by the other.
        if old is Status(new):
            return StatusEdit(old, old, changed=False)
        if not inside(found.folder.path, project.root):
            raise Refused(f"The tickets lie outside the project, in {found.folder.path}.")
        message = mark(read_layers(_root(project)), found, change, now.astimezone().date())
    except TreeError as error:
        raise Refused(f"The ticket cannot be marked: {error}") from error
    except OSError as error:
        raise Refused(f"The plan cannot be written: {error.strerror or error}") from error
    # The editor replaces the first `status:`, every reader takes the last.
    if message.status != change.status:
        raise Refused(f"{message.plan.name} still says {message.status!r}: it has the key `status` twice.")
    return StatusEdit(old, Status(new), changed=True)


def find_key(project: Project, key: str) -> Found:
    """The ticket of a key, with where its plan is or goes. Raises TreeError, Refused."""
    for part in parts_of(project):
        for name, ticket in part.tickets:
            if name == key:
                return _found(part, ticket)
    raise Refused(f"There is no ticket {key!r}.")


def parts_of(project: Project) -> list[Keyed]:
    """The initiative, and the backlog beside it where there is one. Raises TreeError."""
    folder = project.tracker.parent
    # One key may be in both; the initiative's is found first, as the reader shows it.
    loose = folder.parent / BACKLOG
    leaves = Leaves()
    folders = [folder, loose] if loose.is_dir() and loose != folder else [folder]
    return [keyed(look(path, leaves)) for path in folders]


def _found(part: Keyed, ticket: Ticket) -> Found:
    folder = next(item for item in part.view.scope.tree.folders if item.name == ticket.folder)
    story_file = folder.path / ticket.file if ticket.file else None
    return Found(part.view.scope, part.view.needs, folder, ticket, plan_path(folder, ticket), story_file, None)


def _root(project: Project) -> Path:
    return find_root(project.tracker.parent) or project.root


def close_ticket_epic(project: Project, epic: str, sprint: Sprint, *, finished: bool) -> StatusEdit:
    """Writes `done` into an epic's own file. Raises Refused.

    finished: refuse while a ticket of it is neither done nor dropped.
    """
    if sprint.store:
        raise Refused(f"The epics are kept in {sprint.store}: close the epic there, and sync.")
    entry = next((entry for entry in sprint.epics if entry.epic == epic), None)
    if entry is None or entry.gate is None:
        raise Refused(f"There is no epic {epic!r} that can be closed.")
    if finished and entry.gate.missing:
        raise Refused(f"The epic {entry.key} is not finished: open are {', '.join(entry.gate.missing)}.")
    if entry.raw_status == DONE:
        return StatusEdit(Status.DONE, Status.DONE, changed=False)
    path = _epic_file(project, epic)
    try:
        with locked(path):
            before = read_regular(path, MAX_FILE_BYTES)
            atomic_write(path, closed_bytes(before), before_replacing=partial(_check_unchanged, path, before))
    except LockTimeout:
        raise Refused("Another program is writing the epic's file and does not finish.") from None
    except OSError as error:
        raise Refused(f"{path.name} cannot be written: {error.strerror or error}") from error
    return StatusEdit(entry.status, Status.DONE, changed=True)


def _epic_file(project: Project, epic: str) -> Path:
    try:
        epics: list[Epic] = [found for part in parts_of(project) for found in part.view.scope.tree.epics or ()]
    except TreeError as error:
        raise Refused(f"The epic cannot be closed: {error}") from error
    folder = next(found.folder for found in epics if epic_id(found) == epic)
    path = folder.path / f"{folder.name}.md"
    if not path.is_file() or not inside(path, project.root) or not os.access(path, os.W_OK):
        raise Refused(f"{folder.name}/{path.name} is missing, or lies outside the project, or cannot be written.")
    # Resolved, because the write replaces the file: a symbolic link would become a copy.
    return path.resolve()


def _check_unchanged(path: Path, before: bytes) -> None:
    if read_regular(path, MAX_FILE_BYTES) != before:
        raise Refused(f"{path.name} was changed by another program meanwhile; nothing was written.")
