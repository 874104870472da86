"""Tests of task announcements in both forms, and of the task that a tool implies."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import Announcement, announcements, infer_task
from workflow.presets import KINDS
from workflow.progress import MESSAGE_MAX

CSV = '2026-02-01T10:00:00,2a,2a-1,dev-story,implement,start,"Writing, and ""testing"""'
LINES = [
    ("::task implement start Writing tests", ("implement", False, "Writing tests")),
    ("::task implement end", ("implement", True, "")),
    ("::task implement end\r", ("implement", True, "")),
    ("  ::task tests start: running pytest  ", ("tests", False, "running pytest")),
    ("`::task lint start ruff`", ("lint", False, "ruff")),
    ("**::task lint end clean**", ("lint", True, "clean")),
    ("::TASK Validate START — last look", ("validate", False, "last look")),
    ("::task\tsetup\tstart\treading", ("setup", False, "reading")),
    ("::task fix end - two fixed", ("fix", True, "two fixed")),
    (CSV, ("implement", False, 'Writing, and "testing"')),
    (CSV + "\r", ("implement", False, 'Writing, and "testing"')),
    ("2026-02-01T10:00:00,2,2-1,dev-story,Tests,END,green", ("tests", True, "green")),
    ("  2026-02-01 10:00,2,2-1,x,lint,start,a,b", ("lint", False, "a")),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_that_announces(line: str, expected: tuple[str, bool, str]) -> None:
    (found,) = announcements(f"before\n{line}\nafter")
    assert (found.task_id, found.ends, found.message.strip()) == expected


QUIET = [
    "",
    "I will write ::task implement start when I begin",
    "task implement start",
    "::task implement",
    "::task implement begin now",
    "::task implement started",
    "::task  start now",
    "::task ../../etc start x",
    "::task " + "x" * 65 + " start too long a name",
    "a,b,c,d,implement,start",
    "2026,2a,2a-1,dev-story,implement,begin,x",
    "2026-02-01,2a,2a-1,dev-story,implement,start",
    "2026-02-01,2a,2a-1,dev story,implement task,start,x",
]


@pytest.mark.parametrize("line", QUIET)
def test_a_line_that_does_not(line: str) -> None:
    assert list(announcements(line)) == []


LOOKS_LIKE = [
    "2026-02-01T10:00:00,2,2-1,dev-story,tests,start,half\rof a progress bar",
    "2026-02-01T10:00:00,2,2-1,dev-story,tests,start," + "x" * 200_000,
]


@pytest.mark.parametrize("line", LOOKS_LIKE, ids=["carriage return", "too long a field"])
def test_what_csv_cannot_be_read_is_no_announcement_and_no_fault(line: str) -> None:
    assert list(announcements(f"{line}\n::task lint end")) == [Announcement("lint", True, "")]


def test_several_are_reported_in_order() -> None:
    text = f"::task setup start\nreading\n::task setup end read\n{CSV}"
    assert [(each.task_id, each.ends) for each in announcements(text)] == [
        ("setup", False),
        ("setup", True),
        ("implement", False),
    ]


def test_messages_are_bounded() -> None:
    (found,) = announcements("::task setup start " + "x" * 10_000)
    assert len(found.message) == MESSAGE_MAX


def test_long_lines_cost_no_more_than_their_length() -> None:
    text = "::task setup start " + "` " * 100_000 + "x" + " " * 100_000 + "y"
    started = time.process_time()
    assert len(list(announcements(text))) == 1
    assert time.process_time() - started < 1.0


@settings(deadline=None, max_examples=100)
@given(st.text(st.sampled_from(':task setup start,end"\r\n`*2é\x00'), max_size=80))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    for found in announcements(f"::task a start {text}\n1234,,,,a,end,{text}\n{text}"):
        assert found.task_id
        assert "\n" not in found.message


INFERRED = [
    ("Edit", "Edit src/app.py", "dev-story", "implement"),
    ("Write", "Write src/app.py", "dev-story", "implement"),
    ("Write", "Write 2-1-tea.md", "create-story", "write"),
    ("Edit", "Edit src/app.py", "code-review", "fix"),
    ("Edit", "Edit 2-1-tea.md", "story-review", "fix"),
    ("Read", "Read src/app.py", "code-review", "analyze"),
    ("Grep", "Grep tea", "story-discovery", "explore"),
    ("Glob", "Glob **/*.py", "create-tech-spec", "discover"),
    ("Read", "Read src/app.py", "dev-story", None),
    ("Bash", "Bash: pytest -q", "dev-story", "tests"),
    ("Bash", "Bash: python -m unittest", "code-review", "test"),
    ("Bash", "Bash: npm run test", "dev-story", "tests"),
    ("Bash", "Bash: cargo test --all", "create-story", "validate"),
    ("Bash", "Bash: ruff check .", "dev-story", "lint"),
    ("Bash", "Bash: mypy", "story-review", "validate"),
    ("Bash", "Bash: ls", "dev-story", None),
    ("Bash", "Bash: pytest", "story-discovery", None),
    ("WebSearch", "tea", "dev-story", None),
    ("", "", "commit", None),
]


@pytest.mark.parametrize(("tool", "summary", "command", "task"), INFERRED)
def test_a_tool_suggests_one_of_the_commands_own_tasks(tool: str, summary: str, command: str, task: str | None) -> None:
    assert infer_task(tool, summary, KINDS[command].tasks) == task


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=20), st.text(max_size=30), st.sampled_from(sorted(KINDS)))
def test_a_task_is_never_invented(tool: str, summary: str, command: str) -> None:
    assert infer_task(tool, summary, KINDS[command].tasks) in {None, *KINDS[command].tasks}
