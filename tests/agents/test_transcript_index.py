"""The index of a recording gives what the whole recording gives, however it grows."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import msgspec
import pytest

from agents import TranscriptIndex
from agents.transcript import TranscriptEntry, read_transcript
from tests.agents.test_transcript import answer, call, text


def entries(index: TranscriptIndex) -> list[TranscriptEntry]:
    return [msgspec.json.decode(entry, type=TranscriptEntry) for entry in index.ends()]


def test_it_grows_with_the_recording(tmp_path: Path) -> None:
    lines = [text("I begin"), call("a", "sleep"), call("b", "ls"), answer("b", "x"), text("on"), answer("a", "y")]
    path = tmp_path / "1.ndjson"
    path.touch()
    index = TranscriptIndex(path, "claude", lambda value: value)
    written = b""
    for line in lines:
        for piece in (line[:20], line[20:] + b"\n"):
            written += piece
            path.write_bytes(written)
            index.update(ended=False)
        assert entries(index) == read_transcript(path, "claude")
    archive = path.with_name("1.ndjson.gz")
    archive.write_bytes(gzip.compress(written + text("the end") + b"\n"))
    path.unlink()
    index.update(ended=True)
    assert entries(index) == read_transcript(archive, "claude")
    assert not index.is_behind
    index.close()


def test_pages_reach_every_entry(tmp_path: Path) -> None:
    path = tmp_path / "1.ndjson"
    path.write_bytes(b"".join(text(str(number)) + b"\n" for number in range(3000)))
    index = TranscriptIndex(path, "claude", lambda value: value)
    index.update(ended=True)
    assert len(index) == 3000
    assert entries(index) == read_transcript(path, "claude")
    page = [msgspec.json.decode(entry, type=TranscriptEntry).text for entry in index.page(1000, 1003)]
    assert page == ["1000", "1001", "1002"]
    assert index.page(2999, 4000) == index.page(2999, 3000)
    index.close()


def test_entries_are_masked_before_they_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "1.ndjson"
    path.write_bytes(text("my word") + b"\n")
    index = TranscriptIndex(path, "claude", lambda value: {**value, "text": "[masked]"})
    index.update(ended=True)
    assert [entry.text for entry in entries(index)] == ["[masked]"]
    assert list(tmp_path.iterdir()) == [path]
    index.close()


@pytest.mark.parametrize("archived", [False, True])
def test_reading_in_slices_gives_the_same(tmp_path: Path, archived: bool) -> None:
    """Every slice ends after the first chunk, and each continues where the one before has ended."""
    content = b"".join(text(f"{number} " * 500) + b"\n" for number in range(2000))
    path = tmp_path / ("1.ndjson.gz" if archived else "1.ndjson")
    path.write_bytes(gzip.compress(content) if archived else content)
    index = TranscriptIndex(tmp_path / "1.ndjson", "claude", lambda value: value)
    counts = []
    while not index.update(ended=True, limit_s=0):
        assert index.is_behind
        counts.append(len(index))
    assert len(counts) > 5
    assert counts == sorted(counts)
    assert not index.is_behind
    assert entries(index) == read_transcript(path, "claude")
    index.close()


def test_an_index_that_is_closed_in_between_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "1.ndjson.gz").write_bytes(gzip.compress(b"".join(text("x" * 999) + b"\n" for _ in range(1000))))
    before = len(os.listdir("/proc/self/fd"))
    index = TranscriptIndex(tmp_path / "1.ndjson", "claude", lambda value: value)
    assert not index.update(ended=True, limit_s=0)
    index.close()
    assert len(os.listdir("/proc/self/fd")) == before
