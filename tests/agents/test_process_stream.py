"""Tests of the output of agents: long lines, invalid lines, too many lines."""

from __future__ import annotations

import asyncio

import pytest

from agents import Noise, OutcomeKind, Record, Text, start
from agents.usage import MAX_TEXT_CHARS
from tests.agents.children import QUICK, AgentBench


async def test_a_line_of_16_mib(bench: AgentBench) -> None:
    outcome = await bench.run("init(); text('x' * (16 << 20)); result()")
    assert outcome.kind is OutcomeKind.SUCCESS
    (said,) = [record for record in bench.records if isinstance(record, Text)]
    assert len(said.text) == 16 << 20
    assert outcome.text == "x" * MAX_TEXT_CHARS  # where a verdict would be


async def test_a_line_over_the_cap_is_skipped_and_said(bench: AgentBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.lines.LineSplitter.__init__.__defaults__", (1 << 20,))
    outcome = await bench.run("init(); text('x' * (2 << 20)); text('after', 'm-2'); result()")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert outcome.text == "after"
    assert outcome.malformed_lines == 1
    (noise,) = [record for record in bench.records if isinstance(record, Noise)]
    assert noise.size > 2 << 20


async def test_stderr_is_drained(bench: AgentBench) -> None:
    outcome = await bench.run("sys.stderr.write('e' * 3_000_000 + '\\nthe end\\n'); sys.exit(3)")
    assert outcome.reason.endswith("the end.")


async def test_bad_lines_are_counted_and_the_run_goes_on(bench: AgentBench) -> None:
    outcome = await bench.run(
        r"""
        init()
        out = sys.stdout.buffer
        out.write(b'{"half": \n')
        out.write(b'npm notice new version\n')
        out.write(b'{"type":"x","session_id":"s"}{"type":"y","session_id":"s"}\n'); out.flush()
        half = b'{"type":"assistant","session_id":"s-1","message":{"id":"m","content":[{"type":"text","text":"a'
        out.write(half + b'{"type":"system","subtype":"init","session_id":"s-2"}\n'); out.flush()
        out.write(half + b'\xff\xfe"}]}}\n'); out.flush()
        result()
        """
    )
    assert outcome.kind is OutcomeKind.SUCCESS
    assert outcome.malformed_lines == 3
    assert outcome.text == "a\ufffd\ufffd"


async def test_no_final_record_is_truncated(bench: AgentBench) -> None:
    outcome = await bench.run("init(); text('all done'); print('{\"type\": \"resu', end='')")
    assert outcome.kind is OutcomeKind.TRUNCATED
    assert (outcome.exit_code, outcome.malformed_lines) == (0, 1)


BURST = """
init()
block = {"type": "text", "text": "w" * 200}
lines = [{"type": "assistant", "session_id": "s", "message": {"id": str(n), "content": [block]}} for n in range(4000)]
sys.stdout.write("".join(json.dumps(line) + "\\n" for line in lines))
result()
"""


async def test_a_burst_does_not_starve_the_loop(bench: AgentBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tasks get their turn while 4,000 lines that came at once are read: after each slice of time."""
    monkeypatch.setattr("agents.record_reader.SLICE_S", 0)
    turns, first, last = 0, None, 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def receive(record: Record) -> None:
        nonlocal first, last
        bench.receive(record)
        if isinstance(record, Text):
            first, last = turns if first is None else first, turns

    running = asyncio.create_task(other())
    outcome = await (await start(bench.spec(BURST), bench.call(), receive, QUICK)).wait()
    running.cancel()
    assert outcome.kind is OutcomeKind.SUCCESS
    assert sum(isinstance(record, Text) for record in bench.records) == 4000
    assert first is not None
    assert last - first >= 3000
