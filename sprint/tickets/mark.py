"""Setting a ticket's status in its plan, byte for byte as the project's own tool does.

Beyond that tool: under a lock, all at once, and refused where the file is no longer what was read.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from base.files import atomic_write, create_file
from base.regular import read_regular
from sprint.lock import LockTimeout, locked
from sprint.tickets.find import Found
from sprint.tickets.folder import Ticket
from sprint.tickets.frontmatter import TreeError, decoded, parse_front, split_front
from sprint.tickets.layers import REPO, TicketConfig
from sprint.tickets.leaves import MAX_FILE_BYTES, STATUSES
from sprint.tickets.views import StoreError

_BOM = b"\xef\xbb\xbf"
_BLOCKED = ("blocked_at", "blocked_reason")


@dataclass(frozen=True, slots=True)
class Marked:
    """What the plan says after the change, as read back."""

    plan: Path
    created: bool
    status: str
    assignee: str
    blocked_at: str
    blocked_reason: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What to write. `assignee` None leaves the line alone; `blocked` None removes both blocked lines."""

    status: str
    assignee: str | None = None
    blocked: str | None = None


def mark(config: TicketConfig, found: Found, change: Mark, today: date) -> Marked:
    """Writes the change into the ticket's plan, a new one if it has none. Raises TreeError, OSError."""
    if config.store != REPO:
        raise StoreError(f"the tickets are kept in {config.store}; only its own skill marks them")
    if change.status not in STATUSES:
        raise TreeError(f"status {change.status!r} is not one of {', '.join(STATUSES)}")
    try:
        # This lock is held against runners only; the tool takes none, and `_unchanged` detects its writes.
        with locked(found.plan):
            created = not found.ticket.plan
            if created:
                _create(found, change, today)
            else:
                _edit(found.plan, change, today)
            return _read_back(found.plan, created)
    except LockTimeout:
        raise TreeError("another program is writing the plan and does not finish") from None


def _create(found: Found, change: Mark, today: date) -> None:
    try:
        create_file(found.plan, new_plan(found.ticket, change, today).encode())
    except FileExistsError:
        raise TreeError(f"{found.plan.name} exists already and is not this ticket's plan") from None


def new_plan(ticket: Ticket, change: Mark, today: date) -> str:
    """The text of a plan that holds nothing but its frontmatter."""
    ident = quoted((ticket.file or "")[:-3]) if ticket.id is None else str(ticket.id)
    assignee = ticket.assignee if change.assignee is None else change.assignee
    lines = [f"title: {quoted(ticket.title)}", f"ticket: {ident}", f"status: {change.status}"]
    if assignee:  # an empty one is a line only where it replaces another
        lines.append(f"assignee: {quoted(assignee)}")
    lines += [f"{key}: {value}" for key, value in _blocked(change, today)]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _blocked(change: Mark, today: date) -> list[tuple[str, str]]:
    if change.blocked is None:
        return []
    return [("blocked_at", quoted(today.isoformat())), ("blocked_reason", quoted(change.blocked))]


def _edit(path: Path, change: Mark, today: date) -> None:
    before = read_regular(path, MAX_FILE_BYTES + 1)
    if len(before) > MAX_FILE_BYTES:
        raise TreeError(f"{path.name} is too large to be edited")
    after = marked_bytes(before, change, today)
    if after != before:
        atomic_write(path, after, before_replacing=partial(_unchanged, path, before))


def _unchanged(path: Path, before: bytes) -> None:
    if read_regular(path, MAX_FILE_BYTES + 1) != before:
        raise TreeError(f"{path.name} was changed by another program meanwhile; nothing was written")


def marked_bytes(data: bytes, change: Mark, today: date) -> bytes:
    """A plan's bytes with the change in them. One CRLF makes all line ends CRLF, as the tool does."""
    text = data.removeprefix(_BOM).decode()
    # Remembered for the end: the lines are edited with plain newlines.
    crlf = "\r\n" in text
    text = text.replace("\r\n", "\n")
    found = split_front(text)
    if found is None or not found[2]:
        raise TreeError("ticket has no frontmatter")
    lines = _changed(found[0], change, today)
    # An empty block has no line before its closing fence, so the newline is part of the rest.
    rest = text[len("---\n" + "\n".join(found[0])) :] if found[0] else "\n" + text[len("---\n") :]
    text = "---\n" + "\n".join(lines) + rest
    if crlf:
        text = text.replace("\n", "\r\n")
    return (_BOM if data.startswith(_BOM) else b"") + text.encode()


def _changed(lines: list[str], change: Mark, today: date) -> list[str]:
    # With the key twice the first is replaced and the last is read: callers compare what was read back.
    lines = _put(lines, "status", change.status)
    if change.blocked is None:
        # The tool removes both lines too, so that an unblocked plan keeps no old reason.
        lines = [line for line in lines if line.split(":")[0] not in _BLOCKED]
    for key, value in _blocked(change, today):
        lines = _put(lines, key, value)
    # Last, as the tool has it: the order counts where a line is new.
    return lines if change.assignee is None else _put(lines, "assignee", quoted(change.assignee))


def _put(lines: list[str], key: str, value: str) -> list[str]:
    """The lines with the first one of this key replaced, or with one more."""
    changed = f"{key}: {value}"
    for place, line in enumerate(lines):
        if line.startswith(f"{key}:"):
            return [*lines[:place], changed, *lines[place + 1 :]]
    return [*lines, changed]


def quoted(text: str) -> str:
    """Text in the grammar's double quotes: nothing in it can end the line or begin a comment."""
    shown = json.dumps(text, ensure_ascii=False)
    # Three blanks and `#` begin a comment in this grammar, also inside of quotes.
    shown = re.sub(r"(?<=\s{3})#", r"\\u0023", shown)
    # Readers that use `str.splitlines` would end the line at U+0085, U+2028 and U+2029.
    return re.sub(r"[\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", shown)


def _read_back(path: Path, created: bool) -> Marked:
    front = parse_front(decoded(read_regular(path, MAX_FILE_BYTES)), strict=False)
    if front is None:
        raise TreeError(f"{path.name} has no frontmatter after the change")
    values = (front.text(key) for key in ("status", "assignee", *_BLOCKED))
    return Marked(path, created, *values)
