"""Recordings as entries for display."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from agents import transcript
from agents.transcript import EntryKind, TranscriptEntry, read_transcript, sniff
from tests.agents.children import line
from tests.agents.streams import files


def text(words: str, **fields: object) -> bytes:
    return line(type="assistant", message={"id": "m", "content": [{"type": "text", "text": words}]}, **fields)


def call(id_: str, command: str) -> bytes:
    block = {"type": "tool_use", "id": id_, "name": "Bash", "input": {"command": command}}
    return line(type="assistant", message={"id": "m", "content": [block]})


def answer(id_: str, words: str, failed: bool = False) -> bytes:
    block = {"type": "tool_result", "tool_use_id": id_, "content": words, "is_error": failed}
    return line(type="user", message={"content": [block]})


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    return path


def test_a_run(tmp_path: Path) -> None:
    path = write(
        tmp_path / "1.ndjson",
        line(type="system", subtype="init", model="opus"),
        text("I begin."),
        call("a", "sleep 1"),
        call("b", "pytest"),
        answer("b", "E" * 5000, failed=True),
        answer("a", ""),
        b"npm notice",
        line(type="system", subtype="api_retry", attempt=1, max_retries=10, retry_delay_ms=500, error="overloaded"),
        line(type="system", subtype="permission_denied", tool_name="Write", tool_use_id="c", message="no"),
        text("sub", parent_tool_use_id="a"),
        line(type="result", subtype="success", is_error=False, num_turns=3, total_cost_usd=0.5),
    )
    assert read_transcript(path) == [
        TranscriptEntry(EntryKind.STARTED, "opus · s-1"),
        TranscriptEntry(EntryKind.TEXT, "I begin.", size=8),
        TranscriptEntry(EntryKind.TOOL, "Bash: sleep 1", ok=True),
        TranscriptEntry(EntryKind.TOOL, "Bash: pytest", ok=False, result="E" * 2048 + "…", size=5000),
        TranscriptEntry(EntryKind.NOISE, "npm notice", size=10),
        TranscriptEntry(EntryKind.RETRY, "Trying again: overloaded, attempt 1 of 10, in 0.5 s"),
        TranscriptEntry(EntryKind.DENIED, "Write: no"),
        TranscriptEntry(EntryKind.TEXT, "sub", size=3, subagent="a"),
        TranscriptEntry(EntryKind.FINAL, "success · 3 turns · $0.5000", ok=True),
    ]


def test_a_tool_that_has_not_answered(tmp_path: Path) -> None:
    (entry,) = read_transcript(write(tmp_path / "1", call("a", "sleep")))
    assert entry.ok is None


def test_the_archive_is_found_by_the_plain_name(tmp_path: Path) -> None:
    (tmp_path / "1.ndjson.gz").write_bytes(gzip.compress(text("hello") + b"\n"))
    assert read_transcript(tmp_path / "1.ndjson")[0].text == "hello"
    assert read_transcript(tmp_path / "1.ndjson.gz")[0].text == "hello"
    with pytest.raises(FileNotFoundError):
        read_transcript(tmp_path / "2.ndjson")


def test_a_damaged_archive_shows_what_is_there(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(text(f"line {n * 7919}") + b"\n" for n in range(2000)))
    (tmp_path / "1.gz").write_bytes(data[: len(data) // 2])
    entries = read_transcript(tmp_path / "1.gz", "claude")
    assert entries[0].text == "line 0"
    assert any(entry.kind is EntryKind.NOISE and "damaged" in entry.text for entry in entries)


def test_plain_text_is_one_entry(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("one\ntwo\nthree")
    assert [entry.text for entry in read_transcript(path)] == ["one\ntwo\nthree"]


def test_a_long_run_keeps_its_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "FIRST_ENTRIES", 3)
    monkeypatch.setattr(transcript, "LAST_ENTRIES", 2)
    path = write(tmp_path / "1", *(text(str(n)) for n in range(100)))
    assert [transcript.steady(count) for count in (0, 5, 6)] == [0, 5, 3]
    assert [entry.text for entry in read_transcript(path)] == [
        *("0", "1", "2"),
        "95 entries are left out here.",
        *("98", "99"),
    ]


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path / "1", *(answer(str(n), "r" * 100_000) for n in range(300)))  # 30 MB
    tracemalloc.start()
    entries = read_transcript(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(entries) == 300
    assert peak < 8_000_000


@pytest.mark.parametrize("kind", ["claude", "codex", "gemini", "opencode", "qwen"])
def test_every_recording(kind: str) -> None:
    recognised = 0
    for path in files(kind):
        entries = read_transcript(path)
        assert all(len(entry.text) <= transcript.TEXT_CHARS + 1 for entry in entries)
        assert entries == read_transcript(path, kind) or path.stat().st_size == 0
        recognised += sniff(path.read_bytes().splitlines()) == kind
    assert recognised >= 20


def test_nothing_at_all(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"")
    assert read_transcript(tmp_path / "1") == []
