"""From bytes to the model."""

import gc
import time

import pytest

from sprint.document import MAX_BYTES
from sprint.model import Entry, Shape, Sprint
from sprint.status import Status
from sprint.tracker import COMMENT_CHARS, MAX_PROBLEMS, analyse, sprint_of
from tests.sprint.conftest import TRACKER


def sprint(text: str | bytes) -> Sprint:
    return sprint_of(analyse(text.encode() if isinstance(text, str) else text))


def block(*lines: str) -> str:
    return "development_status:\n" + "".join(f"  {line}\n" for line in lines)


def test_a_canonical_file() -> None:
    found = sprint(TRACKER)
    assert (found.shape, found.writable, found.problems, found.name) == (Shape.FLAT, True, (), "Lantern")
    assert [entry.key for entry in found.entries()] == [
        "epic-1",
        "1-1-light-the-lamp",
        "1-2-carry-the-oil",
        "1-10-trim-the-wick",
        "epic-1-retrospective",
        "epic-2",
        "2-1-open-the-shutter",
        "2a-1-close-the-shutter",
    ]
    first = found.stories[0]
    assert (first.epic, first.number, first.status, first.line, first.comment) == (
        "1",
        "1",
        "backlog",
        10,
        "the first one",
    )
    assert first.runnable
    assert found.retros[0].epic == "1"


def test_numeric_order_and_file_order_for_the_rest() -> None:
    keys = [
        "10-1-x",
        "2a-2-x",
        "2-1-x",
        "1-10-x",
        "zz-epic-3",
        "zz-3-1-x",
        "aa-epic-1",
        "aa-1-1-x",
        "2a-1-x",
        "1-2-x",
        "1-1-x",
    ]
    found = sprint(block(*(f"{key}: backlog" for key in keys)))
    assert [story.key.removesuffix("-x") for story in found.stories] == [
        *("1-1", "1-2", "1-10", "2-1", "2a-1", "2a-2", "10-1", "zz-3-1", "aa-1-1"),
    ]


def test_two_keys_with_one_number_stay_in_file_order() -> None:
    found = sprint(block("1-8-second: done", "1-8-first: done"))
    assert [story.key for story in found.stories] == ["1-8-second", "1-8-first"]


def test_lookup_by_key_then_by_number() -> None:
    found = sprint(block("1-10-ten: done", "1-1-one: done", "2-1-a: done", "2-1-b: done"))
    assert found.story("1-1") is not None
    assert found.story("1-1").key == "1-1-one"  # type: ignore[union-attr]
    assert found.story("1-10-other-words").key == "1-10-ten"  # type: ignore[union-attr]
    assert found.story("2-1") is None
    assert found.story("2-1-b").key == "2-1-b"  # type: ignore[union-attr]


def test_unknown_keys_stay_visible_under_their_epic() -> None:
    found = sprint(block("intro: x", "epic-2: done", "STORY-7: done", "batch-1: contexted"))
    assert [(extra.key, extra.epic, extra.raw_status) for extra in found.extras] == [
        ("intro", "", "x"),
        ("STORY-7", "2", "done"),
        ("batch-1", "2", "contexted"),
    ]


def test_unknown_statuses_are_shown_and_not_run() -> None:
    story = sprint(block("1-1-a: docs/old.yaml", "1-2-b: [x]")).stories[0]
    assert (story.status, story.raw_status, story.runnable, story.editable) == (
        Status.UNKNOWN,
        "docs/old.yaml",
        False,
        False,
    )


def test_of_duplicates_the_last_counts_and_none_is_edited() -> None:
    found = sprint(block("epic-8: in-progress", "1-1-a: done", "epic-8: done"))
    assert [(epic.key, epic.status, epic.editable, epic.line) for epic in found.epics] == [("epic-8", "done", False, 4)]
    assert found.problems[0].line == 4
    assert "lines 2, 4" in found.problems[0].message
    assert found.writable


def test_a_broken_file_is_read_by_lines() -> None:
    found = sprint(block("1-1-a: done", " 1-2-b: backlog", "1-3-c: review"))
    assert [story.key for story in found.stories] == ["1-1-a", "1-2-b", "1-3-c"]
    assert found.problems[0].line == 3
    assert (found.broken, found.writable) == (True, False)
    assert not any(story.runnable for story in found.stories)


@pytest.mark.parametrize(
    "line",
    [
        "epic-2-retrospective: last_updated: 2026-01-12",
        "notes: ✅ CRITICAL: All: done",
        'story_location: "C:\\Users\\me"',
        "1-2-b: done\n\tx: y",
    ],
)
def test_one_bad_line_hides_nothing_else(line: str) -> None:
    found = sprint(block("epic-1: done", "1-1-a: done", line, "1-3-c: review"))
    assert {"1-1-a", "1-3-c"} <= {story.key for story in found.stories}
    assert found.broken


def test_merge_markers_are_named() -> None:
    found = sprint(block("1-1-a: done") + "<<<<<<< HEAD\n  1-2-b: done\n=======\n  1-2-b: review\n>>>>>>> x\n")
    assert "merge conflict" in found.problems[0].message
    assert found.problems[0].line == 3
    assert not found.writable


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n# only a comment\n", "empty"),
        (b"../other/sprint-status.yaml", "symbolic link"),
        (b"a: b\n", "no development_status"),
        (b"# Story 1.1: Light\n\nStatus: done\n", "no development_status"),
        (b"x" * (MAX_BYTES + 1), "more than"),
        (b"development_status:\n  1-1-a: \xff\n", "not UTF-8"),
        (TRACKER.encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_no_tracker_is_said(data: bytes, words: str) -> None:
    found = sprint(data)
    assert words in found.problems[0].message
    assert (found.broken, found.writable) == (True, False)


def test_bytes_that_are_not_utf8_still_show_the_board() -> None:
    assert len(sprint(b"development_status:\n  1-1-a: done # \xff\n").stories) == 1
    assert len(sprint(TRACKER.encode("utf-16")).stories) == 5


def test_comments_are_cut() -> None:
    story = sprint(block(f"1-1-a: done   ## {'x' * 9000}")).stories[0]
    assert len(story.comment) == COMMENT_CHARS
    assert story.comment.endswith("…")


def test_problems_are_bounded() -> None:
    found = sprint(block(*(f"{n}-1-a: done" for n in range(80)), *(f"{n}-1-a: done" for n in range(80))))
    assert len(found.problems) == MAX_PROBLEMS
    assert "31 more" in found.problems[-1].message


def test_several_documents_are_only_read() -> None:
    found = sprint(block("1-1-a: done") + "---\na: b\n")
    assert len(found.stories) == 1
    assert not found.writable
    assert "several" in found.problems[0].message


def test_the_other_schemas_are_only_read() -> None:
    found = sprint("epics:\n- {id: 1, name: One, status: open, stories: [{id: '1.2', status: todo, title: Two}]}\n")
    story: Entry = found.stories[0]
    assert (story.key, story.epic, story.status, story.title, story.editable) == ("1.2", "1", "backlog", "Two", False)
    assert found.epics[0].title == "One"
    assert not found.writable
    assert "never written" in found.problems[0].message


def test_a_tracker_of_873_kb_reads_in_time() -> None:
    """The size and the schema of the largest one known: flow maps, long titles, lines up to 9,000 characters."""
    lines = [f"# {'x' * 3300}\nsprints:\n- sprint_number: 1\n  stories:\n"]
    for n in range(1300):
        people = 'assigned_to: "a", points: 3, ref: "b", ready: "done", epic: "EPIC-1"'
        lines.append(f'  - {{ id: "ST-{n}", title: "é{"y" * 480}", status: "done", {people} }}  # {"z" * 60}\n')
    lines[7] = lines[7].replace("y" * 480, "y" * 9000)
    data = "".join(lines).encode()
    assert len(data) > 850_000
    assert min(_timed(data, 1300) for _ in range(5)) < 0.2


def test_a_flat_tracker_of_873_kb_reads_in_time() -> None:
    data = block(*(f"{n // 50}-{n % 50}-a-story: done  # {'z' * 180}" for n in range(4300))).encode()
    assert len(data) > 850_000
    assert min(_timed(data, 4300) for _ in range(5)) < 0.2


def _timed(data: bytes, stories: int) -> float:
    """Seconds of processor time: what else the machine does, and what other tests have left, does not count."""
    gc.collect()
    gc.freeze()
    begun = time.process_time()
    found = sprint_of(analyse(data))
    spent = time.process_time() - begun
    gc.unfreeze()
    assert len(found.stories) == stories
    return spent
