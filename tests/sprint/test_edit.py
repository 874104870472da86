"""The surgical edit, on bytes."""

import hashlib
from datetime import UTC, datetime

import pytest

from sprint.edit import Conflict, Edit, Refused, StatusEdit, edit_status
from sprint.status import Status
from tests.sprint.conftest import TRACKER

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def edit(data: str | bytes, key: str = "1-1-a", new: str = "done", **more: str) -> Edit:
    return edit_status(data.encode() if isinstance(data, str) else data, key, new, now=NOW, **more)


def text(data: str, key: str = "1-1-a", new: str = "done") -> str:
    return edit(data, key, new).data.decode()


def block(*lines: str) -> str:
    return "development_status:\n" + "".join(f"  {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("1-1-a: review", "1-1-a: done"),
        ("1-1-a: review   # so it is — ✅", "1-1-a: done   # so it is — ✅"),
        ("1-1-a: 'review'", "1-1-a: 'done'"),
        ('1-1-a:    "In Review"  # x', '1-1-a:    "done"  # x'),
        ("1-1-a : review", "1-1-a : done"),
        ("'1-1-a': review", "'1-1-a': done"),
        ("1-1-a: {status: review, owner: me}", "1-1-a: {status: done, owner: me}"),
        (
            "1-1-a: {owner: me, status: 'review'} # status: review",
            "1-1-a: {owner: me, status: 'done'} # status: review",
        ),
        ("1-1-a: in progress", "1-1-a: done"),
        ("1-1-a: done-ish", None),
        ("1-1-a: docs/old.yaml", None),
        ("1-1-a:", None),
        ("1-1-a: ''", None),
        ("1-1-a: &x review", None),
        ("1-1-a: !!str review", None),
        ("1-1-a: |\n    review", None),
        ("1-1-a: >-\n    review", None),
        ("1-1-a: in\n    progress", None),
        ("1-1-a: 'in\n    progress'", None),
        ("1-1-a: [review]", None),
        ("1-1-a: {owner: me}", None),
        ("1-1-a: review\n  1-1-a: review", None),
        ("1-1-a:\n    status: review\n    status: review", None),
        ("<<: {1-1-a: review}", None),
    ],
)
def test_only_the_value_token_changes_or_nothing(line: str, after: str | None) -> None:
    before = block("epic-1: in-progress", line, "1-2-b: review")
    if after is None:
        with pytest.raises(Refused):
            edit(before)
    else:
        assert text(before) == block("epic-1: in-progress", after, "1-2-b: review")


@pytest.mark.parametrize("key", ["4-1-mark-content-status", "x" * 150 + "-1"])
def test_odd_keys_are_edited_by_place(key: str) -> None:
    before = f"other:\n  {key}: review\ndevelopment_status:\n  {key}: review\n"
    assert text(before, key) == f"other:\n  {key}: review\ndevelopment_status:\n  {key}: done\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_bom_and_the_final_newline_are_kept(end: str, bom: bytes) -> None:
    newline = end or "\n"
    before = f"# é{newline}{newline}development_status:{newline}  1-1-a: review{newline}  1-2-b: done{end}"
    after = before.replace("review", "done")
    assert edit(bom + before.encode()).data == bom + after.encode()


def test_a_block_nested_deep_and_flow_style() -> None:
    assert text("{development_status: {1-1-a: review, epic-1: done}}") == (
        "{development_status: {1-1-a: done, epic-1: done}}"
    )


def test_the_epic_is_lifted_with_its_first_story() -> None:
    before = block("epic-1: backlog # e", "1-1-a: backlog", "epic-10: backlog", "10-1-b: backlog")
    found = edit(before, "1-1-a", "ready-for-dev")
    assert found.change == StatusEdit(Status.BACKLOG, Status.READY_FOR_DEV, True, "epic-1")
    assert found.data.decode() == block(
        "epic-1: in-progress # e", "1-1-a: ready-for-dev", "epic-10: backlog", "10-1-b: backlog"
    )


@pytest.mark.parametrize(
    "epic", ["epic-1: done", "epic-1: deferred", "epic-1: contexted", "epic-1: docs/x.yaml", "e: x"]
)
def test_other_epics_are_left_alone(epic: str) -> None:
    found = edit(block(epic, "1-1-a: backlog"), new="in-progress")
    assert found.change.epic_lifted is None
    assert found.data.decode() == block(epic, "1-1-a: in-progress")


def test_a_story_that_goes_back_lifts_nothing() -> None:
    assert edit(block("epic-1: backlog", "1-1-a: review"), new="backlog").change.epic_lifted is None


def test_epics_and_retrospectives_can_be_set() -> None:
    before = block("epic-1: in-progress", "epic-1-retrospective: optional")
    assert text(before, "epic-1") == block("epic-1: done", "epic-1-retrospective: optional")
    assert text(before, "epic-1-retrospective") == block("epic-1: in-progress", "epic-1-retrospective: done")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("last_updated: '2025-11-11'  # by hand", "last_updated: '2026-03-04'  # by hand"),
        ("last_updated: 2025-11-11T21:21:58.000Z", "last_updated: 2026-03-04T05:06:07.000Z"),
        ("last_updated: some day", "last_updated: some day"),
        ("last_updated: [2025-11-11]", "last_updated: [2025-11-11]"),
        ("last_updated: 2025-11-11\nlast_updated: 2025-11-12", "last_updated: 2025-11-11\nlast_updated: 2025-11-12"),
        ("meta:\n  last_updated: 2025-11-11", "meta:\n  last_updated: 2025-11-11"),
        ("# last_updated: 2025-11-11", "# last_updated: 2025-11-11"),
    ],
)
def test_last_updated_is_renewed_where_it_stands(old: str, new: str) -> None:
    assert text(f"{old}\n" + block("1-1-a: review")) == f"{new}\n" + block("1-1-a: done")


def test_the_same_status_changes_no_byte() -> None:
    before = "last_updated: 2025-11-11\n" + block("1-1-a: drafted")
    found = edit(before, new="ready-for-dev")
    assert found.data.decode() == before
    assert found.change == StatusEdit(Status.READY_FOR_DEV, Status.READY_FOR_DEV, False)


@pytest.mark.parametrize("new", ["parked", "unknown", "", "Done", "done # x", "a\nb", "ready"])
def test_only_known_words_are_written(new: str) -> None:
    with pytest.raises(Refused, match="not a status"):
        edit(TRACKER, "1-2-carry-the-oil", new)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (block("1-1-a: review", " 1-2-b: done"), "line 3"),
        (block("1-1-a: review") + "<<<<<<< HEAD\n=======\n>>>>>>> x\n", "merge conflict"),
        (block("1-1-a: review", "note: |\n<<<<<<< HEAD\n"), "merge conflict"),
        (block("1-1-a: review") + "---\na: b\n", "several"),
        ("development_status:\n  epics:\n    epic-1: {stories: {1-1-a: review}}\n", "grouped"),
        ("stories:\n- {id: 1-1-a, status: review}\n", "stories"),
        ("", "empty"),
        (b"development_status:\n  1-1-a: review # \xff\n", "not UTF-8"),
    ],
)
def test_files_that_are_not_safe_are_refused(data: str | bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        edit(data)


def test_what_the_caller_expects_must_be_there() -> None:
    before = block("1-1-a: drafted")
    assert edit(before, expected="drafted").change.changed
    assert edit(before, expected="ready-for-dev").change.changed
    with pytest.raises(Conflict) as caught:
        edit(before, expected="backlog")
    assert caught.value.found == "drafted"


def test_the_bytes_must_be_those_the_caller_has_read() -> None:
    before = block("1-1-a: review")
    assert edit(before, expected_sha=hashlib.sha256(before.encode()).hexdigest()).change.changed
    with pytest.raises(Conflict, match="has changed since"):
        edit(before, expected_sha="0" * 64)


def test_an_edit_that_would_change_more_is_refused() -> None:
    """Two keys may share one token through an anchor; then one edit would be two."""
    with pytest.raises(Refused):
        edit(block("1-1-a: &s review", "1-2-b: *s"))
