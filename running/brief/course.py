"""The course of a batch: its forecast, what it waited for, and what went another way than planned. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from running.brief.text import WAITS, clock, one_line, span
from running.brief.views import Incident
from store.brief import BatchRecords
from store.log import StoredEvent

# Warnings that report what the operator did, and calls that other parts of a brief list.
QUIET: Final = frozenset({"pausing", "stopping", "answered", "decided"})
LISTED: Final = frozenset({"blocked", "question", "gate", "commit"})
INCIDENTS_MAX: Final = 20


class Forecast(msgspec.Struct, frozen=True):
    """What was said at the start of a batch: ranges of the cost in US dollars and of the time in seconds."""

    cost_usd: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None


@dataclass(slots=True)
class Course:
    """`paused` is the reason of the pause that lasts, `calls` are the calls for the operator since the last resume."""

    forecast: Forecast = field(default_factory=Forecast)
    waited_ms: int = 0
    paused: str = ""
    paused_until: int | None = None
    calls: list[Incident] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    left_out: int = 0


def course_of(records: BatchRecords, end: int, now: int) -> Course:
    """Return the course up to `end`, which is the batch's end or the last that is known of it."""
    course, since = Course(_forecast(records.batch.forecast)), 0
    for event in records.course:
        payload = msgspec.json.decode(event.payload)
        match event.type:
            case "batch:pause":
                since = since or records.before.get(event.seq, event.timestamp)
                course.paused, course.paused_until = str(payload["reason"]), payload.get("until")
                _add_pause(course, records, event, now)
            case "batch:resume":
                _add_wait(course, event.timestamp - since if since else 0)
                since, course.paused, course.paused_until, course.calls = 0, "", None, []
            case "batch:end":
                course.paused = ""
            case _:
                _add_call(course, event, payload)
    course.waited_ms += max(0, end - since) if since else 0
    course.left_out = max(0, len(course.incidents) - INCIDENTS_MAX)
    course.incidents = course.incidents[-INCIDENTS_MAX:]
    return course


def _forecast(stored: str | None) -> Forecast:
    """Return the ranges that are kept with a batch; none for one without."""
    try:
        return Forecast() if stored is None else msgspec.json.decode(stored, type=Forecast)
    except msgspec.MsgspecError:  # of another version
        return Forecast()


def _add_pause(course: Course, records: BatchRecords, event: StoredEvent, now: int) -> None:
    reason = course.paused
    if reason in ("operator", "retry", "gate", "question"):
        return
    at = records.before.get(event.seq, event.timestamp)
    message = WAITS.get(reason, reason)
    if reason == "interrupted":
        message = f"the server ended about {clock(at, now)}"
    course.incidents.append(Incident(at, reason, message))


def _add_wait(course: Course, waited_ms: int) -> None:
    course.waited_ms += max(0, waited_ms)
    if waited_ms >= 60_000 and course.incidents and course.paused not in ("operator", "retry", "gate", "question"):
        last = course.incidents[-1]
        message = f"{last.message}, and {span(waited_ms / 1000)} passed before it went on"
        course.incidents[-1] = msgspec.structs.replace(last, message=message)


def _add_call(course: Course, event: StoredEvent, payload: dict[str, Any]) -> None:
    """Add a warning, a fault or a call for the operator."""
    # In the protocol each of these events has its kind under another key.
    kind = str(payload.get("warning_type") or payload.get("kind") or payload.get("type") or event.type)
    if kind in QUIET or kind in LISTED:
        return
    found = Incident(event.timestamp, kind, one_line(str(payload.get("message", ""))))
    course.incidents.append(found)
    if event.type == "attention":
        course.calls.append(found)
