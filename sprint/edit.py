"""The one surgical edit: the same bytes with another status.

Pure: bytes in, bytes out. Replaces value tokens where the parser found them, then parses the
result again and proves that nothing else changed. What cannot be edited safely is refused with the
reason in words.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sprint.document import Mapping, Node, Scalar, Sequence
from sprint.model import Entry, EpicEntry, Sprint, SprintError, StoryEntry
from sprint.shapes import Raw
from sprint.stamp import restamp
from sprint.status import WRITABLE, Status
from sprint.tracker import Analysis, analyse, model_of

# A story with one of these has left the backlog.
_STARTED = WRITABLE - {Status.BACKLOG}


class Refused(SprintError):
    """The edit is not safe, or not meant to be made; nothing was written. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Conflict(SprintError):
    """The file has another status than the caller expected; nothing was written. `found` is the one in the file."""

    def __init__(self, found: str, message: str = "") -> None:
        super().__init__(message or f"Somebody else has set the status to {found!r}.")
        self.found = found


@dataclass(frozen=True, slots=True)
class StatusEdit:
    """The result of an edit: the statuses before and after, and the key of the epic that was changed with it."""

    old: Status
    new: Status
    changed: bool
    epic_lifted: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """The new bytes and what is different in them."""

    data: bytes
    change: StatusEdit


@dataclass(frozen=True, slots=True)
class _Replacement:
    """A token and the text that takes its place, inside its quotes."""

    token: Scalar
    text: str


def edit_status(
    data: bytes,
    key: str,
    new: str,
    *,
    now: datetime,
    expected: str | None = None,
    expected_sha: str | None = None,
) -> Edit:
    """The bytes with `key` set to `new`; the same bytes if it already has that status.

    `expected` is the status (raw or canonical) that the caller has seen, `expected_sha` the sha256
    of the bytes. `now` is aware. Raises Refused, Conflict.
    """
    if expected_sha is not None and (found := hashlib.sha256(data).hexdigest()) != expected_sha:
        raise Conflict(found, "The file has changed since it was read.")
    status = _wanted(new)
    analysis = analyse(data)
    sprint = _sound(analysis)
    entry = _entry(analysis, sprint, key)
    if expected is not None and expected not in (entry.raw_status, entry.status):
        raise Conflict(entry.raw_status)
    # Before the value is checked: a repeated request succeeds also where the value could not be edited.
    if entry.status is status:
        return Edit(data, StatusEdit(status, status, changed=False))
    _check_editable(entry)
    lifted = _epic_to_lift(sprint, entry, status)
    replacements = [_Replacement(_token(analysis, key), status)]
    if lifted:
        replacements.append(_Replacement(_token(analysis, lifted), Status.IN_PROGRESS))
    replacements += _timestamp(analysis, now)
    text = _replaced(analysis.source.text, replacements)
    _prove(analysis, text, replacements)
    return Edit(analysis.source.encode(text), StatusEdit(entry.status, status, changed=True, epic_lifted=lifted))


def _wanted(new: str) -> Status:
    if new not in {status.value for status in WRITABLE}:
        raise Refused(f"{new!r} is not a status that may be written.")
    return Status(new)


def _sound(analysis: Analysis) -> Sprint:
    if analysis.broken:
        problem = analysis.problems[0]
        where = f" (line {problem.line})" if problem.line else ""
        raise Refused(f"The file is not safe to edit: {problem.message}{where}")
    if analysis.document.several:
        raise Refused("The file holds several YAML documents.")
    if not analysis.sound:
        raise Refused(f"Files of this schema ({analysis.table.shape}) are only read, never written.")
    return model_of(analysis.data, True)


def _entry(analysis: Analysis, sprint: Sprint, key: str) -> Entry:
    count = sum(raw.key == key for raw in analysis.table.raws)
    entry = sprint.entry(key)
    if entry is None:
        raise Refused(f"There is no entry {key!r} in the file.")
    if count > 1:
        raise Refused(f"The key {key!r} occurs {count} times; remove all but one.")
    return entry


def _check_editable(entry: Entry) -> None:
    if entry.status is Status.UNKNOWN:
        raise Refused(f"The status {entry.raw_status!r} of {entry.key!r} is not one that is understood.")
    if not entry.editable:
        raise Refused(f"The status of {entry.key!r} is not a simple value on one line.")


def _epic_to_lift(sprint: Sprint, entry: Entry, status: Status) -> str | None:
    """The key of the story's epic if it still says backlog while a story of it is being worked on."""
    if not isinstance(entry, StoryEntry) or status not in _STARTED:
        return None
    epics = [epic for epic in sprint.epics if epic.epic == entry.epic]
    # BMAD's workflows lift an epic with its first story, and leave its `done` to a person.
    if len(epics) == 1 and _liftable(epics[0]):
        return epics[0].key
    return None


def _liftable(epic: EpicEntry) -> bool:
    return epic.status is Status.BACKLOG and epic.editable


def _token(analysis: Analysis, key: str) -> Scalar:
    token = next(raw.token for raw in analysis.table.raws if raw.key == key)
    if token is None:
        raise Refused(f"The status of {key!r} is not a simple value on one line.")
    return token


def _timestamp(analysis: Analysis, now: datetime) -> list[_Replacement]:
    """`last_updated`, only if it is there once at top level in a spelling that is known."""
    root = analysis.document.root
    if not isinstance(root, Mapping):
        return []
    values = [value for name, value in root.pairs if name.text == "last_updated"]
    if len(values) != 1 or not isinstance(values[0], Scalar):
        return []
    token = values[0]
    # A spelling that is not known is kept: a stale time is better than one that BMAD's own scripts refuse.
    text = restamp(token.text, now)
    if text is None or text == token.text or not analysis.editable(Raw("last_updated", token.text, 0, token)):
        return []
    return [_Replacement(token, text)]


def _replaced(text: str, replacements: list[_Replacement]) -> str:
    # From the end of the text, so that the places before it are still right.
    for change in sorted(replacements, key=lambda change: change.token.start, reverse=True):
        quote = len(change.token.style)
        start, end = change.token.start + quote, change.token.end - quote
        text = text[:start] + change.text + text[end:]
    return text


def _prove(analysis: Analysis, text: str, replacements: list[_Replacement]) -> None:
    """Raises Refused unless the new text differs in the intended lines and values, and nowhere else."""
    result = analyse(analysis.source.encode(text))
    before, after = analysis.source.lines(), result.source.lines()
    pairs = enumerate(zip(before, after, strict=False), 1)
    changed = {number for number, (old, new) in pairs if old != new}
    intended = {analysis.source.line(change.token.start) for change in replacements}
    expected = plain(analysis.document.root, {change.token.start: change.text for change in replacements})
    if len(before) != len(after) or not changed <= intended or plain(result.document.root) != expected:
        raise Refused("The edit would change more than the status; nothing was written.")


def plain(node: Node | None, values: dict[int, str] | None = None) -> object:
    """A node tree as lists and strings, with the scalars that start at the given places replaced."""
    if isinstance(node, Scalar):
        return values.get(node.start, node.text) if values else node.text
    if isinstance(node, Sequence):
        return ["-", *(plain(item, values) for item in node.items)]
    if isinstance(node, Mapping):
        return [":", *((key.text, plain(value, values)) for key, value in node.pairs)]
    return None
