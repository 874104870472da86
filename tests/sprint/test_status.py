"""The status vocabulary."""

import pytest

from sprint.status import RUNNABLE, WRITABLE, Kind, Status, canonical

SPELLINGS = [
    ("backlog", Status.BACKLOG),
    ("TODO", Status.BACKLOG),
    ("not_started", Status.BACKLOG),
    ("PLANNED", Status.BACKLOG),
    ("optional", Status.BACKLOG),
    ("drafted", Status.READY_FOR_DEV),
    ("Approved", Status.READY_FOR_DEV),
    ("ready for dev", Status.READY_FOR_DEV),
    ("in progress", Status.IN_PROGRESS),
    ("InProgress", Status.IN_PROGRESS),
    ("In_Progress", Status.IN_PROGRESS),
    ("wip", Status.IN_PROGRESS),
    ("Ready for Review", Status.REVIEW),
    ("in-review", Status.REVIEW),
    ("dev-complete", Status.REVIEW),
    ("built", Status.REVIEW),
    ("done ✅", Status.DONE),
    ("✅ DONE", Status.DONE),
    ("done (0 type errors)", Status.DONE),
    ("done(carryover)", Status.DONE),
    ("done — merged yesterday", Status.DONE),
    ('"complete"', Status.DONE),
    ("deployed", Status.DONE),
    ("on-hold", Status.BLOCKED),
    ("blocked-credentials", Status.BLOCKED),
    ("awaiting-operator", Status.BLOCKED),
    ("deferred (300+ type errors)", Status.PARKED),
    ("moved-to-12.8", Status.PARKED),
    ("absorbed-by-18-8", Status.PARKED),
    ("future-backlog", Status.PARKED),
    ("superseded", Status.PARKED),
    ("", Status.UNKNOWN),
    ("docs/archive/old-status.yaml", Status.UNKNOWN),
    ("sprint-2", Status.UNKNOWN),
    ("framework-complete", Status.UNKNOWN),
    ("last_updated: 2026-01-12", Status.UNKNOWN),
    ("not done", Status.UNKNOWN),
    ("{…}", Status.UNKNOWN),
]


@pytest.mark.parametrize(("raw", "status"), SPELLINGS)
def test_every_spelling_has_its_meaning(raw: str, status: Status) -> None:
    assert canonical(raw) is status


def test_contexted_is_a_word_for_epics_only() -> None:
    assert canonical("contexted", Kind.EPIC) is Status.IN_PROGRESS
    assert canonical("contexted", Kind.STORY) is Status.UNKNOWN


def test_what_may_be_run_and_written() -> None:
    assert {Status.DONE, Status.BLOCKED, Status.PARKED, Status.UNKNOWN}.isdisjoint(RUNNABLE)
    assert {Status.DONE, Status.BLOCKED} == WRITABLE - RUNNABLE
