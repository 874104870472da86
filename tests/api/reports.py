"""A dossier in which every word means no good, for tests of what is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents import EntryKind, TranscriptEntry
from api.commands import CommandView
from api.dossier import Dossier
from api.dossier_parts import CheckLine, TaskLine
from api.reviews import Review, ReviewFinding, Round
from api.status_evidence import Sentence
from git.history import CommitInfo, FileChange, Hunk, TreeChange

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "</title><svg onload=alert(4)>",
    "<iframe src=//localhost/x></iframe>",
    '<meta http-equiv="refresh" content="0;url=//localhost/y">',
    "<link rel=stylesheet href=//localhost/z>",
)
ALL = " ".join(HOSTILE)


def hostile_dossier() -> Dossier:
    blank: dict[str, Any] = dict.fromkeys(CommandView.__struct_fields__)
    command = {**blank, "id": 1, "attempt": 1, "started_at": 0, "verdict": ALL}
    command |= dict.fromkeys(("story_key", "command", "status", "agent", "model", "reason"), ALL)
    finding = ReviewFinding(ALL, "")
    review = Round(
        command_id=1,
        command=ALL,
        batch_id=1,
        attempt=1,
        status=ALL,
        readable=True,
        verdict=ALL,
        reason=ALL,
        background=False,
        ended_at=None,
        counts=None,
        findings=[finding],
        gone=[finding],
    )
    return Dossier(
        key="1-1-a",
        epic="1",
        title=HOSTILE[0],
        status=ALL,
        raw_status=ALL,
        runnable=False,
        writable=True,
        description=ALL,
        statement=ALL,
        criteria=[ALL],
        tasks=[TaskLine(ALL, True, 0)],
        drift=None,
        files=[ALL],
        file_list=[ALL],
        change_log=[ALL],
        reason=ALL,
        standing=None,
        evidence=[Sentence("bad", ALL)],
        checks=[CheckLine(id=1, command=ALL, ok=False, exit_code=1, duration_ms=1, at=0, tail=ALL, machine=None)],
        reviews=[Review("code-review", [review])],
        commands=[CommandView(**command)],
        artifacts=[ALL],
        commits=[CommitInfo("a" * 40, ALL, 0, ALL, 1, 1, 0)],
        diff=None,
        hints=[],
        problems=[ALL],
    )


def hostile_entries() -> Mapping[int, Sequence[TranscriptEntry]]:
    return {1: [TranscriptEntry(EntryKind.TOOL, ALL, True, ALL, len(ALL)), TranscriptEntry(EntryKind.TEXT, ALL)]}


def hostile_changes() -> Mapping[str, TreeChange | None]:
    hunks = [Hunk(0, 1, ALL, [f"+{ALL}"])]
    file = FileChange(path=ALL, status="added", added=1, removed=0, binary=False, hunks=hunks)
    return {"a" * 40: TreeChange([file])}
