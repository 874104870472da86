"""The Markdown files directly in a ticket folder: leaf files, plans, and what is neither."""

import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.regular import read_regular
from sprint.tickets.frontmatter import Front, Scalar, TreeError, decoded, parse_front
from sprint.tickets.lists import TICKETS_FILE, TYPES, Id, TicketList, id_of, read_list

STATUSES = ("draft", "ready-for-dev", "in-progress", "in-review", "built", "done", "blocked", "dropped")
# A build leaves its whole record in a plan; what comes after this is not looked at.
MAX_FILE_BYTES = 1024 * 1024
# Files that are remembered in parsed form: several trees of the largest kind.
REMEMBERED_FILES = 8_000
REMEMBERED_LISTS = 500

_LEAF_NAME = re.compile(r"(?:story|spike|bug)-.*\.md$")
_HTML = re.compile(r"<!--.*?-->", re.DOTALL)
_UNKNOWN = re.compile(r"^\s*(?:[-*]\s+)?Unknown:[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as listed: enough to know whether it has changed since it was read."""

    path: str
    mtime_ns: int
    size: int
    inode: int

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


@dataclass(frozen=True, slots=True)
class LeafFile:
    """A `story`, `spike` or `bug` file. None is a key that is absent."""

    file: str
    id: Id | None
    type: str
    title: str
    status: str
    tracker_id: str
    tracker_status: str
    assignee: str
    hitl: bool
    after: tuple[Scalar, ...]
    refined: bool
    covers: tuple[Any, ...] | None
    estimate: Any
    risk: str | None
    unknown: str

    @property
    def stem(self) -> str:
        return self.file[:-3]


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A build's file. `ticket` is what it says to belong to, as written."""

    file: str
    ticket: Scalar | tuple[Scalar, ...]
    status: str
    assignee: str | None
    blocked_at: str
    blocked_reason: str


Record = LeafFile | PlanFile | None


class Leaves:
    """Parsed files by stamp; those that did not change are not read again. Not for several threads at once."""

    def __init__(self) -> None:
        self._known: OrderedDict[Stamp, Record] = OrderedDict()
        self._lists: OrderedDict[Stamp, TicketList] = OrderedDict()

    def read_list(self, folder: Path) -> TicketList:
        """The list of a folder, empty where there is none. Raises TreeError."""
        stamp = _stamp_of(f"{folder}/{TICKETS_FILE}")
        if stamp is None:
            return read_list(folder)
        if stamp not in self._lists:
            # A list that cannot be read raises before it is stored, and is read again at the next call.
            self._lists[stamp] = read_list(folder)
            while len(self._lists) > REMEMBERED_LISTS:
                self._lists.popitem(last=False)
        return self._lists[stamp]

    def read(self, stamp: Stamp, folder: str) -> Record:
        """What the file at `stamp` is. Raises TreeError for a leaf that cannot be read as one."""
        if stamp in self._known:
            return self._known[stamp]
        record = read_record(stamp.path, folder)
        self._known[stamp] = record
        while len(self._known) > REMEMBERED_FILES:
            self._known.popitem(last=False)
        return record


def stamps(folder: str) -> list[Stamp]:
    """The Markdown files directly in a folder, by name; only regular ones."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                # Opening a named pipe would block.
                if entry.name.endswith(".md") and entry.is_file():
                    status = entry.stat()
                    found.append(Stamp(entry.path, status.st_mtime_ns, status.st_size, status.st_ino))
    except OSError:
        return []
    return sorted(found, key=lambda stamp: stamp.path)


def _stamp_of(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Stamp(path, status.st_mtime_ns, status.st_size, status.st_ino)


def read_record(path: str, folder: str) -> Record:
    """One file: its `type` makes it a leaf, whatever its name, else the key `ticket` a plan. Raises TreeError."""
    name = os.path.basename(path)
    where = f"{folder}/{name}"
    try:
        text = decoded(read_regular(path, MAX_FILE_BYTES))
    except (OSError, UnicodeDecodeError) as error:
        raise TreeError(f"{where} cannot be read: {error}") from error
    front = parse_front(text, strict=False)
    if front is None:
        return None
    if not front.closed:
        # A note may begin with a horizontal rule; only the name of a leaf shows that a frontmatter was meant.
        if _LEAF_NAME.match(name):
            raise TreeError(f"{where}: frontmatter does not close")
        return None
    # The type counts before `ticket`: a plan that has `type: story` becomes a ticket, in the tool too.
    if front.values.get("type") in TYPES:
        strict = parse_front(text, strict=True)
        return _leaf(name, strict or front, where)
    return _plan(name, front) if "ticket" in front.values else None


def _leaf(name: str, front: Front, where: str) -> LeafFile:
    status = front.text("status")
    if status and status not in STATUSES:
        raise TreeError(f"{where}: status {status!r} is not one of {', '.join(STATUSES)}")
    covers = tuple(front.items("covers")) if "covers" in front.values else None
    return LeafFile(
        file=name,
        id=id_of(front.values.get("id")),
        type=front.text("type"),
        title=front.text("title"),
        status=status,
        tracker_id=front.text("tracker_id"),
        tracker_status=front.text("tracker_status"),
        assignee=front.text("assignee"),
        hitl=front.flag("hitl"),
        after=tuple(front.items("after")),
        refined=front.flag("refined"),
        covers=covers,
        estimate=front.values.get("estimate"),
        risk=front.text("risk") if "risk" in front.values else None,
        unknown=_unknown(front.body),
    )


def _unknown(body: str) -> str:
    if "Unknown:" not in body:
        return ""
    # HTML comments go first: the template's example of such a line is one.
    lines = (found[1].strip() for found in _UNKNOWN.finditer(_HTML.sub("", body)))
    return "; ".join(line for line in lines if line)


def _plan(name: str, front: Front) -> PlanFile:
    ticket = front.values["ticket"]
    return PlanFile(
        file=name,
        ticket=tuple(ticket) if isinstance(ticket, list) else ticket,
        status=front.text("status"),
        assignee=front.text("assignee") if "assignee" in front.values else None,
        blocked_at=front.text("blocked_at"),
        blocked_reason=front.text("blocked_reason"),
    )
