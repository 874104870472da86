"""A call from its start to its outcome, with real child processes."""

from __future__ import annotations

import asyncio
import gzip
import os
import stat

import pytest

from agents import Final, Note, OutcomeKind, Started, Usage, start
from agents.identity import start_time
from tests.agents.children import QUICK, AgentBench, ended


async def test_a_good_run(bench: AgentBench) -> None:
    outcome = await bench.run("init(); text(sys.stdin.read()); result()", prompt="héllo \u2028 wörld")
    assert (outcome.kind, outcome.reason, outcome.exit_code) == (OutcomeKind.SUCCESS, "", 0)
    assert outcome.text == "héllo \u2028 wörld"
    assert outcome.usage == Usage(100, 50)
    assert outcome.cost_usd == 0.5
    assert (outcome.session_id, outcome.model, outcome.turns) == ("s-1", "claude-sonnet-4-5", 1)
    assert [type(record).__name__ for record in bench.records] == ["Started", "Text", "UsageSeen", "Final"]


async def test_identity_of_the_process(bench: AgentBench) -> None:
    process = await bench.start("init(); time.sleep(60)")
    await bench.until(Started)
    assert process.pid is not None
    assert process.start_time == start_time(process.pid)
    assert os.getsid(process.pid) == process.pid
    assert bench.living() == [process.pid]
    process.stop()
    assert (await process.wait()).kind is OutcomeKind.STOPPED


async def test_success_needs_exit_0(bench: AgentBench) -> None:
    outcome = await bench.run("init(); result(); sys.stdout.flush(); os._exit(4)")
    assert outcome.kind is OutcomeKind.FAILED
    assert "exit code 4" in outcome.reason


async def test_success_needs_no_error(bench: AgentBench) -> None:
    outcome = await bench.run("init(); result(ok=False, result='API Error: 500', api_error_status=500); sys.exit(1)")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.TRANSIENT, "API Error: 500.")


async def test_another_turn_after_a_result(bench: AgentBench) -> None:
    """The second turn begins in the same write as the first one ends, and takes longer than an agent may linger."""
    outcome = await bench.run(
        """
        pieces, written = [], sys.stdout.write
        sys.stdout.write = pieces.append
        init(); text('one'); result(); init(); text('two', 'm-2')
        written("".join(pieces)); sys.stdout.flush()
        sys.stdout.write = written
        time.sleep(1); result()
        """
    )
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "one\ntwo")
    assert outcome.usage == Usage(200, 100)
    assert outcome.cost_usd == 1.0


async def test_a_failing_receiver_ends_the_agent(bench: AgentBench) -> None:
    def receive(_: object) -> None:
        raise RuntimeError("disk full")

    process = await start(bench.spec("init(); time.sleep(60)"), bench.call(), receive, QUICK)
    with pytest.raises(RuntimeError, match="disk full"):
        await process.wait()
    assert bench.living() == []


async def test_a_failing_parser_ends_the_agent(bench: AgentBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(*_: object) -> None:
        raise KeyError("an adapter's fault")

    monkeypatch.setattr("agents.claude.ClaudeParser.feed", feed)
    process = await bench.start("init()\nwhile True: text('x' * 100_000)")
    with pytest.raises(KeyError, match="an adapter's fault"):
        await ended(process)


async def test_a_cancelled_waiter_does_not_end_the_agent(bench: AgentBench) -> None:
    process = await bench.start("init()\nwhile not os.path.exists('go'): time.sleep(.01)\nresult()")
    waiter = asyncio.create_task(process.wait())
    await bench.until(Started)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    (bench.folder / "go").touch()
    assert (await ended(process)).kind is OutcomeKind.SUCCESS


async def test_the_raw_stream_is_kept(bench: AgentBench) -> None:
    outcome = await bench.run("sys.stdout.buffer.write(b'raw \\xff bytes\\n'); sys.stdout.flush(); init(); result()")
    archive = bench.folder / "streams" / "1.ndjson.gz"
    assert outcome.kind is OutcomeKind.SUCCESS
    assert gzip.decompress(archive.read_bytes()).startswith(b"raw \xff bytes\n")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert os.listdir(archive.parent) == [archive.name]


async def test_a_recording_that_fails_does_not_fail_the_run(bench: AgentBench) -> None:
    (bench.folder / "streams").write_text("a file where the folder should be")
    outcome = await bench.run("init(); result()")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert any(isinstance(record, Note) and "could not be recorded" in record.text for record in bench.records)


async def test_plain_text(bench: AgentBench) -> None:
    outcome = await bench.run("print(sys.stdin.read().upper()); print('[DONE]')", kind="text", prompt="shout")
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "SHOUT\n[DONE]")
    assert (outcome.usage, outcome.cost_usd) == (Usage(), None)
    assert not any(isinstance(record, Final) for record in bench.records)


async def test_plain_text_failure(bench: AgentBench) -> None:
    outcome = await bench.run("print('half'); print('boom', file=sys.stderr); sys.exit(2)", kind="text")
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason == "The agent ended with exit code 2: boom."
