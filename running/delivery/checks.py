"""What the checks program prints about a request, as one report. Pure, without I/O.

Lines of JSON say it in full: `{"check": "build", "state": "red", "log": "…"}`, `{"comment": "…", "id": "7"}`,
`{"head": "…"}`, `{"approved": true}`, `{"merged": true}`, `{"closed": true}`. Without any such line the exit code does:
0 is green, 8 pending, 1 red with the output as its log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from security.controls import visible

PENDING: Final = "pending"
GREEN: Final = "green"
RED: Final = "red"
STATES: Final = (PENDING, GREEN, RED)
EXITS: Final = {0: GREEN, 1: RED, 8: PENDING}  # 8 is what `gh pr checks` ends with while checks run
KEYS: Final = frozenset({"state", "comment", "head", "approved", "merged", "closed"})
LOG_MAX: Final = 16 * 1024  # bytes of a log, and of a comment, that an agent gets
COMMENTS_MAX: Final = 200  # of one report


class UnreadableReport(ValueError):
    """The program printed nothing that can be understood; the message says what was wrong."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a reviewer. `id` is the forge's, or of its text; `text` begins with its place where it has one."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is known of a request. `state` is pending until a check says otherwise; `head` the commit it is about."""

    state: str
    log: str = ""
    comments: tuple[Comment, ...] = ()
    head: str | None = None
    approved: bool = False
    merged: bool = False
    closed: bool = False

    def is_about(self, commit: str) -> bool:
        """Whether it speaks of this commit; a report that names none does."""
        return self.head is None or commit.startswith(self.head)


@dataclass(slots=True)
class _Lines:
    """The lines of a report as they are read."""

    states: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def read_report(code: int | None, output: str, errors: str = "") -> CheckReport:
    """Return the report of a program that ended with `code`. Raises `UnreadableReport`."""
    records = [record for line in output.splitlines() if (record := _record(line)) is not None]
    if code not in EXITS:
        raise UnreadableReport("it took too long" if code is None else f"it ended with {code}; known are 0, 1 and 8")
    if not records:
        state = EXITS[code]
        return CheckReport(state, log_of("\n".join((output, errors)).strip()) if state == RED else "")
    lines = _Lines()
    for record in records:
        _take(lines, record)
    return CheckReport(
        state=_worst(lines.states),
        log=log_of("\n\n".join(lines.logs)),
        comments=tuple(lines.comments[-COMMENTS_MAX:]),
        head=lines.facts.get("head"),
        approved=lines.facts.get("approved") is True,
        merged=lines.facts.get("merged") is True,
        closed=lines.facts.get("closed") is True,
    )


def log_of(text: str) -> str:
    """Return the end of a log, where failures are summed up, in at most `LOG_MAX` bytes and without control codes."""
    text = visible(text)
    data = text.encode("utf-8", "replace")
    if len(data) <= LOG_MAX:
        return text
    return "… " + data[4 - LOG_MAX :].decode("utf-8", "ignore")


def _record(line: str) -> Mapping[str, Any] | None:
    """The record of a line, None where it is no JSON of ours: programs print other lines as well."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and KEYS.intersection(record) else None


def _take(lines: _Lines, record: Mapping[str, Any]) -> None:
    if "state" in record:
        _take_state(lines, record)
    if isinstance(record.get("comment"), str) and record["comment"].strip():
        lines.comments.append(_comment(record))
    lines.facts.update({name: record[name] for name in ("approved", "merged", "closed") if name in record})
    if isinstance(record.get("head"), str) and record["head"]:
        lines.facts["head"] = record["head"]


def _take_state(lines: _Lines, record: Mapping[str, Any]) -> None:
    state = record["state"]
    if state not in STATES:
        raise UnreadableReport(f"a state must be one of {', '.join(STATES)}, not {str(state)[:40]!r}")
    lines.states.append(state)
    if state == RED:
        parts = (str(record.get("check") or "a check"), str(record.get("log") or "").strip())
        lines.logs.append(":\n".join(part for part in parts if part))


def _comment(record: Mapping[str, Any]) -> Comment:
    text = log_of(str(record["comment"]).strip())
    path, line, author = (record.get(name) for name in ("path", "line", "author"))
    place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
    whole = f"{place}{text}{f' ({author})' if author else ''}"
    return Comment(str(record.get("id") or hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:16]), whole)


def _worst(states: Sequence[str]) -> str:
    """Pending as long as one is, and where no check is there yet: a round gets the logs of all that failed."""
    if not states or PENDING in states:
        return PENDING
    return RED if RED in states else GREEN
