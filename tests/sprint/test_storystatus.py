"""Tests of the status line of story files."""

import pytest

from sprint.markdown import split
from sprint.status import Status
from sprint.storystatus import FileStatus, file_status, find_status


def found(text: str) -> FileStatus:
    return find_status(split(text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "# T\n\nStatus: review\n",
        "# T\nstatus:   review  \n## Story\n",
        "---\nstatus: review\n---\n# T\n",
        "# T\n---\nstatus: review\n---\n",
        "# T\n**Status:** review\n",
        "# T\n**Status**: review\n",
        "# T\n__Status__: `review`\n",
        "# T\n**Epic:** 1 | **Status:** review | **Points:** 3\n",
        "# T\n- **Status:** review\n",
        "# T\n* Status: review\n",
        "# T\n> Status: review\n",
        "# T\n> **Status:** review\n",
        "# T\n| Field | Value |\n|---|---|\n| **Status** | review |\n",
        "# T\n## Status: review\n",
        "# T\n## Status\n\nreview\n\n## Story\n",
        "# T\n## Story\nx\n## Status\n**review**\n",
        "Status: review\n",
    ],
)
def test_all_the_places(text: str) -> None:
    status = found(text)
    assert (status.status, status.raw, status.problems) == (Status.REVIEW, "review", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# T\n",
        "# T\n```\nStatus: done\n```\n",
        "# T\n## Auto Run Result\nStatus: done\n",
        "# T\nThe Status: done\n",
    ],
)
def test_no_status(text: str) -> None:
    assert found(text) == FileStatus()


def test_two_places_that_disagree() -> None:
    status = found("---\nstatus: done\n---\n# T\nStatus: review\n")
    assert status.status is Status.DONE
    assert status.problems[0].line == 5
    assert found("# T\nStatus: done\n**Status:** Completed ✅\n").problems == ()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("Done ✅", Status.DONE),
        ("review (part 1 & 3 complete, rest open)", Status.REVIEW),
        ("Ready for Review - all green", Status.REVIEW),
        ("in progress, half way", Status.IN_PROGRESS),
        ("Complete: shipped", Status.DONE),
        ("absorbed-by-18-8", Status.PARKED),
        ("not done", Status.UNKNOWN),
        ("shipped", Status.UNKNOWN),
        ("", Status.UNKNOWN),
    ],
)
def test_sentences_behind_a_status(raw: str, status: Status) -> None:
    assert file_status(raw) is status
