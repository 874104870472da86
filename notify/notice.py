"""What is told: which events are worth a notification, and one sentence about each."""

from __future__ import annotations

from typing import Any, Final

import msgspec

WARNINGS: Final = ("budget", "disk")  # of the warnings; the others are for who looks at the page anyway
TYPES: Final = ("attention", "batch:end", "batch:pause", "batch:warning")
# Pauses that the operator made, that the next start will tell of, or that are over in minutes.
ASKED: Final = ("operator", "interrupted", "retry", "program")


class Notice(msgspec.Struct, frozen=True):
    """One notification: the event's envelope as JSON, its place in the log, and a sentence for people."""

    seq: int
    type: str
    text: str
    event: msgspec.Raw


def worth_telling(type: str, payload: dict[str, Any]) -> bool:
    """Whether somebody who does not look at the page should hear of it."""
    if type == "batch:pause":
        return payload["reason"] not in ASKED
    if type == "batch:warning":
        return payload["warning_type"] in WARNINGS
    return type in TYPES


def sentence(project: str, type: str, payload: dict[str, Any]) -> str:
    """The event in words, beginning with the project's name."""
    if type == "batch:end":
        reason = f": {payload['reason']}" if payload.get("reason") else ""
        cycles = payload["cycles_completed"]
        how = {"completed": "is complete", "stopped": "was stopped", "error": "ended with an error"}[payload["status"]]
        return f"{project}: batch {payload['batch_id']} {how} after {cycles} {_plural(cycles, 'cycle')}{reason}"
    if type == "batch:pause":
        return f"{project}: batch {payload['batch_id']} is paused ({payload['reason']})"
    return f"{project}: {payload['message']}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
