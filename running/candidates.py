"""The stories of a plan as the workflow sees them: which may run, and in which order."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import sprint
from workflow import Candidate
from workflow.picking import FILE_ORDER

_FILE_NAME: Final = re.compile(r"(?!.*\.\.)\w[\w.+-]{0,199}")  # letters of any script; nothing that leads elsewhere


def candidates(tracker: sprint.Sprint, skipped: Collection[str] = ()) -> list[Candidate]:
    """The tracker's stories as the workflow sees them, with those that the operator has skipped.

    One whose status cannot be written must not run, nor one whose key could not be a file name.
    """
    leftovers = tracker.leftovers
    fit = {entry.key: entry.editable and _FILE_NAME.fullmatch(entry.key) is not None for entry in tracker.stories}
    return [
        Candidate(
            entry.key,
            entry.epic,
            entry.status.value if fit[entry.key] else "unknown",
            entry.position,
            leftover=entry.key in leftovers,
            held=bool(entry.conditions.waiting_for or entry.conditions.hold or entry.key in skipped),
        )
        for entry in tracker.stories
    ]


def order_of(setting: str, tracker: sprint.Sprint) -> str:
    """The order in which stories run: as set for a tracker; every other kind of plan says it itself."""
    return setting if tracker.kind is sprint.PlanKind.TRACKER else FILE_ORDER
