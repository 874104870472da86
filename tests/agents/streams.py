"""Reading the recordings of real programs: a chosen set that comes along, and the large ones where they are at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agents.adapter import Cause, Ending, Judgement
from agents.lines import LineSplitter, Oversize
from agents.records import Record
from agents.registry import adapter_for
from agents.usage import Tally

RECORDINGS = Path(__file__).parent / "recordings"
LARGE = Path(__file__).parents[2] / "../shared/streams"  # long lines and large files, where they are at hand


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


@cache
def _notes(kind: str) -> dict[str, dict[str, Any]]:
    """What the recorder noted of each case that comes with the repository."""
    noted: dict[str, dict[str, Any]] = json.loads((RECORDINGS / kind / "cases.json").read_text())
    return noted


def cases(kind: str) -> list[str]:
    """The names of all cases of an agent that are at hand."""
    large = {path.name.removesuffix(".meta.json") for path in (LARGE / kind).glob("*.meta.json")}
    return sorted(large | _notes(kind).keys())


def files(kind: str) -> list[Path]:
    """The streams of an agent that come with the repository."""
    return sorted((RECORDINGS / kind).glob("*.ndjson"))


@cache
def recording(kind: str, case: str) -> Recording:
    """A case by name."""
    noted = _notes(kind).get(case)
    folder = LARGE if noted is None else RECORDINGS
    if noted is None:
        noted = _large(kind, case)
    stream = next((path for path in (folder / kind).glob(f"{case}.*") if path.stem == case), None)
    return Recording(
        kind,
        case,
        stream.read_bytes() if stream else b"",
        noted["exit_code"],
        noted.get("stderr", ""),
        tuple(noted.get("signals", ())),
        noted.get("timed_out", False),
        noted.get("resumed", False),
    )


def _large(kind: str, case: str) -> dict[str, Any]:
    meta = json.loads((LARGE / kind / f"{case}.meta.json").read_text())
    argv = meta["argv"]
    return {
        "exit_code": meta["exit_code"],
        "stderr": meta.get("stderr") or "",
        "signals": [sent["sig"] for sent in meta.get("signals") or ()],
        "timed_out": bool(meta.get("timed_out")),
        "resumed": "resume" in " ".join(argv) or "--continue" in argv or "--session" in argv,
    }


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
