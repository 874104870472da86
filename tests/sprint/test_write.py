"""Setting a status on disk."""

from datetime import UTC, datetime

import pytest

from sprint import Change, Conflict, Refused, Status, read, set_status
from tests.sprint.conftest import TRACKER, MakeProject

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_one_line_changes_and_the_epic_is_lifted(make_project: MakeProject) -> None:
    project = make_project()
    change = set_status(project, "1-1-light-the-lamp", "ready-for-dev", now=NOW)
    assert change == Change(Status.BACKLOG, Status.READY_FOR_DEV, True, "epic-1")
    expected = TRACKER.replace("epic-1: backlog", "epic-1: in-progress")
    expected = expected.replace("lamp: backlog  #", "lamp: ready-for-dev  #")
    assert project.tracker.read_text() == expected


def test_the_same_status_writes_nothing(make_project: MakeProject) -> None:
    project = make_project()
    before = project.tracker.stat()
    assert not set_status(project, "2-1-open-the-shutter", "review").changed
    assert project.tracker.stat().st_ino == before.st_ino


def test_an_unexpected_status_is_a_conflict(make_project: MakeProject) -> None:
    project = make_project()
    with pytest.raises(Conflict) as caught:
        set_status(project, "2-1-open-the-shutter", "done", expected="in-progress")
    assert caught.value.found == "review"
    assert project.tracker.read_text() == TRACKER


def test_an_unknown_key_is_refused(make_project: MakeProject) -> None:
    project = make_project()
    with pytest.raises(Refused, match="no entry '1-1'"):
        set_status(project, "1-1", "done")


def test_stories_are_in_numeric_order(make_project: MakeProject) -> None:
    keys = [story.key.split("-", 2)[:2] for story in read(make_project()).stories]
    assert ["-".join(key) for key in keys] == ["1-1", "1-2", "1-10", "2-1", "2a-1"]
