"""Reading the recordings that lie beside the repository, where they do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from agents.adapter import Cause, Ending, Judgement
from agents.lines import LineSplitter, Oversize
from agents.records import Record
from agents.registry import adapter_for
from agents.usage import Tally

STREAMS = Path(__file__).parents[2] / "../shared/streams"


@dataclass(frozen=True, slots=True)
class Recording:
    """One case: its stream and what the recorder noted."""

    kind: str
    case: str
    stream: bytes
    exit_code: int | None
    stderr: str
    signals: tuple[str, ...]
    timed_out: bool
    resumed: bool


def cases(kind: str) -> list[str]:
    """The names of all cases of an agent; empty where there are no recordings."""
    return sorted(path.name.removesuffix(".meta.json") for path in (STREAMS / kind).glob("*.meta.json"))


@cache
def recording(kind: str, case: str) -> Recording:
    """A case by name; skips the test where there are no recordings."""
    meta_path = STREAMS / kind / f"{case}.meta.json"
    if not meta_path.exists():
        pytest.skip("the recordings are not beside this repository")
    meta = json.loads(meta_path.read_text())
    stream = next((path for path in meta_path.parent.glob(f"{case}.*") if not path.name.endswith(".meta.json")), None)
    return Recording(
        kind,
        case,
        stream.read_bytes() if stream else b"",
        meta["exit_code"],
        meta.get("stderr") or "",
        tuple(sent["sig"] for sent in meta.get("signals") or ()),
        bool(meta.get("timed_out")),
        "resume" in " ".join(meta["argv"]) or "--continue" in meta["argv"] or "--session" in meta["argv"],
    )


def read(recorded: Recording, chunks: list[bytes] | None = None) -> tuple[list[Record], Tally]:
    """All records of a recording (in the given chunks), and their tally."""
    parser = adapter_for(recorded.kind).parser("/project")
    records: list[Record] = []
    splitter, tally = LineSplitter(), Tally(resumed=recorded.resumed)
    for chunk in chunks if chunks is not None else [recorded.stream]:
        for line in splitter.feed(chunk):
            assert not isinstance(line, Oversize)
            records += parser.feed(line)
    for line in splitter.close():
        assert not isinstance(line, Oversize)
        records += parser.feed(line)
    for complaint in recorded.stderr.encode().split(b"\n"):
        records += parser.feed_stderr(complaint)
    records += parser.close()
    for record in records:
        tally.add(record)
    return records, tally


def judge(recorded: Recording, tally: Tally, cause: Cause | None = None) -> Judgement:
    """The outcome as the process supervisor would find it."""
    return adapter_for(recorded.kind).judge(tally, Ending(recorded.exit_code, cause, "", recorded.stderr))
