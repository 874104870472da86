"""Edits of each kind of agent become lines with a count, as far as the agent reports them, and within bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.edits import LINES_MOST, file_edit
from agents.records import Edit
from agents.transcript import TranscriptEntry, read_transcript

RECORDINGS = Path(__file__).parent / "recordings"


def edits(tmp_path: Path, kind: str, *lines: dict[str, Any]) -> list[TranscriptEntry]:
    path = tmp_path / "stream.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [entry for entry in read_transcript(path, kind) if entry.edits]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("claude", ["+# Notes", "+", "+first line"]),
        ("gemini", ["+# Notes", "+first line"]),
        ("qwen", ["+# Notes", "+first line"]),
        ("opencode", ["+# Notes", "+first line"]),
    ],
)
def test_a_recorded_agent_writes_a_file_and_changes_a_line_of_it(kind: str, lines: list[str]) -> None:
    for path in sorted((RECORDINGS / kind).glob("*.ndjson*")):
        found = [entry for entry in read_transcript(path, kind) if entry.edits]
        if len(found) >= 2:
            break
    write, change = (entry.edits[0] for entry in found[:2])
    assert write.path.endswith("notes.md")
    assert change.path.endswith("notes.md")
    assert write.hunks is not None
    assert change.hunks is not None
    assert write.hunks[0].lines == lines
    assert (write.added, write.removed) == (len(lines), 0)
    assert (change.added, change.removed) == (1, 1)
    assert change.hunks[0].lines[-2:] == ["-first line", "+second line"]


def test_codex_names_the_files_only(tmp_path: Path) -> None:
    item = {"id": "1", "type": "file_change", "changes": [{"path": "/a.py", "kind": "update"}], "status": "completed"}
    (entry,) = edits(tmp_path, "codex", {"type": "item.completed", "item": item})
    assert (entry.edits[0].path, entry.edits[0].hunks) == ("/a.py", None)


def test_a_diff_of_the_agent_client_protocol(tmp_path: Path) -> None:
    content = [{"type": "diff", "path": "/a.py", "oldText": "a\nb\n", "newText": "a\nc\n"}]
    update = {
        "sessionUpdate": "tool_call",
        "toolCallId": "1",
        "kind": "edit",
        "title": "Edit",
        "status": "completed",
        "content": content,
    }
    line = {"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": update}}
    (entry,) = edits(tmp_path, "acp", line)
    assert entry.edits[0].hunks is not None
    assert entry.edits[0].hunks[0].lines == [" a", "-b", "+c"]


def test_what_is_long_is_counted_in_full_and_shown_up_to_a_bound() -> None:
    edit = file_edit(Edit("a", "", "x\n" * 5000))
    assert (edit.added, edit.cut) == (5000, True)
    assert edit.hunks is not None
    assert sum(len(hunk.lines) for hunk in edit.hunks) == LINES_MOST
    wide = file_edit(Edit("a", None, "y" * 10_000))
    assert wide.hunks is not None
    assert len(wide.hunks[0].lines[0]) < 1_000
