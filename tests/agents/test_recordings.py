"""Every recording of every program, read by its adapter: outcome, tokens, cost, turns.

The tables in expected/ were checked by hand against the recorder's notes: exit code, signals, stderr, scripted replies.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from agents.adapter import Cause
from agents.registry import ADAPTERS
from agents.spec import OutcomeKind
from tests.agents.streams import cases, judge, read, recording

EXPECTED = Path(__file__).parent / "expected"


@cache
def expected(kind: str) -> dict[str, dict[str, str]]:
    with open(EXPECTED / f"{kind}.tsv", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file, delimiter="\t")}


ALL = [
    (path.stem, case)
    for path in sorted(EXPECTED.glob("*.tsv"))
    for case in expected(path.stem)
    if case in cases(path.stem)  # the large ones are not in every clone
]


@pytest.mark.parametrize(("kind", "case"), ALL)
def test_recording(kind: str, case: str) -> None:
    recorded, row = recording(kind, case), expected(kind)[case]
    _, tally = read(recorded)
    verdict = judge(recorded, tally)
    usage = tally.usage
    cost = "-" if tally.cost_usd is None else f"{tally.cost_usd:.6f}"
    tokens = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    assert verdict.kind == row["kind"], verdict.reason
    assert [str(count) for count in tokens] == [row[name] for name in ("input", "output", "cache_read", "cache_write")]
    assert cost == row["cost_usd"]
    assert ("-" if tally.turns is None else str(tally.turns)) == row["turns"]
    assert bool(verdict.reason) == (verdict.kind is not OutcomeKind.SUCCESS)


@pytest.mark.parametrize("kind", sorted(set(ADAPTERS) - {"text"}))
def test_no_recording_is_left_out(kind: str) -> None:
    assert set(cases(kind)) <= expected(kind).keys()
    assert len(cases(kind)) >= 20


@pytest.mark.parametrize(("kind", "case"), [pair for pair in ALL if "sig" in pair[1]])
def test_what_we_stopped_is_stopped(kind: str, case: str) -> None:
    recorded = recording(kind, case)
    _, tally = read(recorded)
    assert judge(recorded, tally, Cause.STOP).kind is OutcomeKind.STOPPED


# Not a stream of JSON lines, or cut off by its program.
BROKEN = {
    ("claude", "text_format_text"),
    ("codex", "text_no_json"),
    ("gemini", "text_format_json"),
    ("gemini", "huge_text"),
    ("gemini", "huge_shell_output"),
    ("qwen", "huge_text"),
}


@pytest.mark.parametrize(("kind", "case"), [pair for pair in ALL if pair not in BROKEN])
def test_a_good_stream_has_no_noise(kind: str, case: str) -> None:
    _, tally = read(recording(kind, case))
    assert tally.malformed == 0
