"""Notices: the events that cause a notification, and one sentence about each."""

from __future__ import annotations

from typing import Any, Final

import msgspec

WARNINGS: Final = ("budget", "disk")  # warning types that cause a notification; the others appear on the page only
TEST: Final = "test"  # the type of a notification that was asked for, of no event
TYPES: Final = ("attention", "batch:end", "batch:pause", "batch:warning")
# Pauses made by the operator, reported at the next start, or over within minutes.
EXPECTED_PAUSES: Final = ("operator", "interrupted", "retry", "program")


class NoticeLink(msgspec.Struct, frozen=True):
    """A link that does one thing once, such as approve a gate; `label` says what."""

    label: str
    url: str


class Notice(msgspec.Struct, frozen=True):
    """A notification: the `seq` and type of its event, a sentence, the event's envelope as JSON, links to answer it."""

    seq: int
    type: str
    sentence: str
    event: msgspec.Raw
    links: list[NoticeLink] = []

    @property
    def text(self) -> str:
        """The sentence, with a line for each link."""
        return "\n".join([self.sentence, *(f"{link.label}: {link.url}" for link in self.links)])


def causes_notice(type: str, payload: dict[str, Any]) -> bool:
    """Whether the event causes a notification."""
    if type == "batch:pause":
        return payload["reason"] not in EXPECTED_PAUSES
    if type == "batch:warning":
        return payload["warning_type"] in WARNINGS
    return type in TYPES


def sentence(project: str, type: str, payload: dict[str, Any]) -> str:
    """Return one sentence about the event, beginning with the project's name."""
    if type == "batch:end":
        reason = f": {payload['reason']}" if payload.get("reason") else ""
        cycles = payload["cycles_completed"]
        how = {"completed": "is complete", "stopped": "was stopped", "error": "ended with an error"}[payload["status"]]
        return f"{project}: batch {payload['batch_id']} {how} after {cycles} {_plural(cycles, 'group')}{reason}"
    if type == "batch:pause":
        return f"{project}: batch {payload['batch_id']} is paused ({payload['reason']})"
    return f"{project}: {payload['message']}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
