"""An agent that prints a gibibyte: memory stays flat, the recording is bounded, the reply is read."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from agents import OutcomeKind, Record, ToolResult, start, stream_file
from tests.agents.children import QUICK, AgentBench, ended

MIB = 1024 * 1024
GROWTH_MIB = 120  # buffers, one slice of lines, a compressor; a gibibyte would be eight times as much
PAGE = os.sysconf("SC_PAGE_SIZE")
FLOOD = """
init()
answer = {"type": "tool_result", "tool_use_id": "t", "content": "y" * 65_000}
line = (json.dumps({"session_id": "s-1", "type": "user", "message": {"content": [answer]}}) + "\\n").encode()
written = 0
while written < 1 << 30:
    written += os.write(1, line * 16)
text("the end of it"); result()
"""


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / MIB


async def test_a_gibibyte(bench: AgentBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_file, "MAX_BYTES", 8 * MIB)
    before, most, results = resident_mib(), 0.0, 0

    def receive(record: Record) -> None:
        nonlocal most, results
        results += isinstance(record, ToolResult)
        if results % 256 == 0:
            most = max(most, resident_mib())

    process = await start(bench.spec(FLOOD), bench.call(), receive, QUICK)
    outcome = await ended(process)
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "the end of it")
    assert results >= (1 << 30) // 66_000
    assert most - before < GROWTH_MIB
    kept = await asyncio.to_thread(lambda: gzip.decompress((bench.folder / "streams" / "1.ndjson.gz").read_bytes()))
    assert len(kept) < 16 * MIB
    assert b"bytes of the stream are left out here]" in kept
    assert b"the end of it" in kept
