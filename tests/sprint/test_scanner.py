"""Tests of the scanner on broken trackers."""

from sprint.document import decode
from sprint.scanner import scan


def scanned(text: str) -> list[tuple[str, str]]:
    return [(raw.key, raw.status) for raw in scan(decode(text.encode())).raws]


def test_entries_comments_and_quotes() -> None:
    block = "development_status: # all\n  epic-1: done  # yes\n# col 0\n\n  '1-1-a': \"review\"\n"
    text = f"project: x\n{block}other:\n  z: 1\n"
    assert scanned(text) == [("epic-1", "done"), ("1-1-a", "review")]


def test_one_blank_too_many_or_too_few() -> None:
    text = "development_status:\n  1-1-a: done\n   1-2-b: backlog\n 1-3-c: review\n  1-4-d: done"
    assert [key for key, _ in scanned(text)] == ["1-1-a", "1-2-b", "1-3-c", "1-4-d"]


def test_nested_entries() -> None:
    text = "development_status:\n  1-1-a:\n    title: x\n    status: done\n    by: me\n  1-2-b: review\n"
    assert scanned(text) == [("1-1-a", "done"), ("1-2-b", "review")]


def test_prose_block_scalars_and_merge_markers_are_stepped_over() -> None:
    text = (
        "development_status:\n  1-1-a: done\n<<<<<<< ours\n  1-2-b: review\n=======\n  1-2-b: done\n>>>>>>> theirs\n"
        "Some prose, without a key.\n  notes: |\n    1-9-z: done\n  1-3-c: backlog\n"
    )
    assert scanned(text) == [
        ("1-1-a", "done"),
        ("1-2-b", "review"),
        ("1-2-b", "done"),
        ("notes", ""),
        ("1-3-c", "backlog"),
    ]


def test_a_clobbered_line_keeps_its_text() -> None:
    assert scanned("development_status:\n  epic-2: last_updated: 2026-01-12\n") == [
        ("epic-2", "last_updated: 2026-01-12")
    ]


def test_without_a_block_there_is_nothing() -> None:
    assert scanned("a: b\n") == []
    assert scanned("") == []
    assert scanned("development_status:") == []
