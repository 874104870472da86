"""Reading story files and specs."""

from pathlib import Path

import pytest

from sprint import Status, read_story
from sprint.markdown import split
from sprint.story import StoryDocument, clean_title, story_of


def parse_story(data: bytes) -> StoryDocument:
    return story_of(split(data))


STORY = b"""---
baseline_commit: NO_VCS
---
# Story 1.2: Carry the oil

Status: ready-for-dev

<!-- Note: validation is optional. -->

## Story

As a keeper,
I want to carry the oil up the stairs,
so that the lamp never runs dry.

## Acceptance Criteria

1. **Given** a full can **When** I climb **Then** nothing is spilled
2. The can is `returned`

## Tasks / Subtasks

- [x] Task 1: Find the can (AC: 1)
  - [x] Look in the cellar
- [ ] Task 2: Climb (AC: 2)

### Review Follow-ups (AI)

- [ ] [AI-Review] Fix the third step [stairs.py:3]

## Dev Notes

- [ ] a box that is no task

## Dev Agent Record

### File List

- `src/stairs.py` (new)
- tests/test_stairs.py

## Change Log

- 2026-01-02: written

## Senior Developer Review (AI)

Well done.
"""


def test_a_whole_story() -> None:
    story = parse_story(STORY)
    assert story.title == "Carry the oil"
    assert story.statement.startswith("As a keeper,\nI want")
    assert (story.status, story.raw_status) == (Status.READY_FOR_DEV, "ready-for-dev")
    assert len(story.criteria) == 2
    assert [(task.text, task.done, task.depth) for task in story.tasks] == [
        ("Task 1: Find the can (AC: 1)", True, 0),
        ("Look in the cellar", True, 1),
        ("Task 2: Climb (AC: 2)", False, 0),
        ("[AI-Review] Fix the third step [stairs.py:3]", False, 0),
    ]
    assert story.tasks_done == 2
    assert story.file_list == ("src/stairs.py", "tests/test_stairs.py")
    assert story.change_log == ("2026-01-02: written",)
    assert [section.title for section in story.review] == ["Review Follow-ups (AI)", "Senior Developer Review (AI)"]
    assert [section.title for section in story.sections][:3] == ["Story", "Acceptance Criteria", "Tasks / Subtasks"]
    assert story.description == "Carry the oil up the stairs, so that the lamp never runs dry."
    assert story.problems == ()


def test_a_spec() -> None:
    story = parse_story(
        b"---\ntitle: 'Digest delivery'\ntype: feature\nstatus: in-review\n---\n\n<intent-contract>\n\n## Intent\n\n"
        b"**Problem:** Nobody reads the log.\n\n## Tasks & Acceptance\n\n**Execution:**\n- [x] `a.py` -- send it\n"
        b"- [ ] b\n\n**Acceptance Criteria:**\n- Given x, then y\n\n## Auto Run Result\nStatus: done\n"
    )
    assert (story.title, story.status) == ("Digest delivery", Status.REVIEW)
    assert story.description == "Problem: Nobody reads the log."
    assert (story.tasks_done, len(story.tasks)) == (1, 2)


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("Story 1.2: Carry the oil", "Carry the oil"),
        ("Story 5-SR-1: Small repairs", "Small repairs"),
        ("Story 1.2 - Carry", "Carry"),
        ("Story 1.2 — Carry", "Carry"),
        ("User Story #12: Carry", "Carry"),
        ("1.2: Carry", "Carry"),
        ("1-2-carry-the-oil", "1-2-carry-the-oil"),
        ("Carry: the oil", "Carry: the oil"),
        ("Stories of oil: one", "Stories of oil: one"),
        ("72-hour lamp", "72-hour lamp"),
        ("**Story 1.2:** `Carry` ✅", "Carry"),
        ("Story 1.2", ""),
    ],
)
def test_titles_without_their_number(heading: str, title: str) -> None:
    assert clean_title(heading) == title


def test_without_sections_everything_is_empty() -> None:
    story = parse_story(b"just text")
    assert (story.title, story.statement, story.criteria, story.tasks, story.description) == ("", "", (), (), "")
    assert story.status is None


def test_the_description_falls_back() -> None:
    assert parse_story(b"# T\n## Context\n\nIt is dark.\n").description == "It is dark."
    assert parse_story(b"# T\n## Acceptance Criteria\n1. It `shines`\n").description == "It shines"


def test_boxes_anywhere_where_there_is_no_task_section() -> None:
    assert len(parse_story(b"# T\n- [x] a\n## Plan\n- [ ] b\n").tasks) == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in read_story(tmp_path / "x.md").problems[0].message
    assert "cannot be read" in read_story(tmp_path).problems[0].message


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"\0" * 100, b"---\n" * 50, b"#" * 5000, b"\r\r\r", b"---\n\xff: [\n---\n"]
)
def test_any_bytes_are_a_story(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "1-1-a.md"
    path.write_bytes(data)
    assert read_story(path).tasks == ()
