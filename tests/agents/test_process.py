"""Real child processes through everything that agents were seen to do."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agents import AgentSpec, Final, Noise, Note, OutcomeKind, Record, Retry, Started, Text, Usage, start
from agents.marks import start_time
from tests.agents.children import QUICK, Bench, gone


async def test_a_good_run(bench: Bench) -> None:
    outcome = await bench.run("init(); text(sys.stdin.read()); result()", prompt="héllo \u2028 wörld")
    assert (outcome.kind, outcome.reason, outcome.exit_code) == (OutcomeKind.SUCCESS, "", 0)
    assert outcome.text == "héllo \u2028 wörld"
    assert outcome.usage == Usage(100, 50)
    assert outcome.cost_usd == 0.5
    assert (outcome.session_id, outcome.model, outcome.turns) == ("s-1", "claude-sonnet-4-5", 1)
    assert [type(record).__name__ for record in bench.records] == ["Started", "Text", "UsageSeen", "Final"]


async def test_identity_of_the_process(bench: Bench) -> None:
    process = await bench.start("init(); time.sleep(60)")
    await bench.until(Started)
    assert process.pid is not None
    assert process.start_time == start_time(process.pid)
    assert os.getsid(process.pid) == process.pid
    assert bench.living() == [process.pid]
    process.stop()
    assert (await process.wait()).kind is OutcomeKind.STOPPED


async def test_a_missing_program(bench: Bench) -> None:
    spec = AgentSpec("ghost", "claude", ("no-such-program-anywhere",))
    process = await start(spec, bench.call(), bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "no-such-program-anywhere" in outcome.reason
    process.stop()
    assert (process.pid, process.start_time) == (None, None)


async def test_a_program_that_is_none(bench: Bench, tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_bytes(b"\x00\x01not a program")
    program.chmod(0o755)
    process = await start(AgentSpec("bad", "text", (str(program),)), bench.call(), bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "cannot start the agent" in outcome.reason.lower()


async def test_no_command_and_impossible_arguments(bench: Bench) -> None:
    for command in ((), (sys.executable, "zero\0byte")):
        process = await start(AgentSpec("odd", "text", command), bench.call(), bench.receive, QUICK)
        outcome = await process.wait()
        assert outcome.kind is OutcomeKind.COULD_NOT_START
        assert "odd" in outcome.reason


async def test_a_missing_folder(bench: Bench) -> None:
    spec = AgentSpec("x", "text", (sys.executable, "-c", "pass"))
    call = replace(bench.call(), cwd=bench.folder / "gone")
    process = await start(spec, call, bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "gone" in outcome.reason


async def test_wrong_flags_show_stderr(bench: Bench) -> None:
    outcome = await bench.run("sys.exit('error: unknown option --nope')")
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "unknown option --nope" in outcome.reason
    assert outcome.exit_code == 1


async def test_a_line_of_16_mib(bench: Bench) -> None:
    outcome = await bench.run("init(); text('x' * (16 << 20)); result()")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert len(outcome.text) == 16 << 20


async def test_a_line_over_the_cap_is_skipped_and_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.lines.LineSplitter.__init__.__defaults__", (1 << 20,))
    outcome = await bench.run("init(); text('x' * (2 << 20)); text('after', 'm-2'); result()")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert outcome.text == "after"
    assert outcome.malformed_lines == 1
    (noise,) = [record for record in bench.records if isinstance(record, Noise)]
    assert noise.size > 2 << 20


async def test_stderr_is_drained(bench: Bench) -> None:
    outcome = await bench.run("sys.stderr.write('e' * 3_000_000 + '\\nthe end\\n'); sys.exit(3)")
    assert outcome.reason.endswith("the end.")


async def test_bad_lines_are_counted_and_the_run_goes_on(bench: Bench) -> None:
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


async def test_no_final_record_is_truncated(bench: Bench) -> None:
    outcome = await bench.run("init(); text('all done'); print('{\"type\": \"resu', end='')")
    assert outcome.kind is OutcomeKind.TRUNCATED
    assert (outcome.exit_code, outcome.malformed_lines) == (0, 1)


async def test_success_needs_exit_0(bench: Bench) -> None:
    outcome = await bench.run("init(); result(); sys.stdout.flush(); os._exit(4)")
    assert outcome.kind is OutcomeKind.FAILED
    assert "exit code 4" in outcome.reason


async def test_success_needs_no_error(bench: Bench) -> None:
    outcome = await bench.run("init(); result(ok=False, result='API Error: 500', api_error_status=500); sys.exit(1)")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.TRANSIENT, "API Error: 500.")


async def test_it_lives_on_after_its_result(bench: Bench) -> None:
    outcome = await bench.run("init(); text('ok'); result(); time.sleep(60)")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert outcome.duration_ms < 10_000


async def test_another_turn_after_a_result(bench: Bench) -> None:
    outcome = await bench.run(
        "init(); text('one'); result(); time.sleep(.1); init(); text('two', 'm-2'); time.sleep(.5); result()"
    )
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "one\ntwo")
    assert outcome.usage == Usage(200, 100)
    assert outcome.cost_usd == 1.0


async def test_a_child_that_never_reads_its_prompt(bench: Bench) -> None:
    outcome = await bench.run("init(); result()", prompt="p" * 5_000_000)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_a_child_that_closes_stdin(bench: Bench) -> None:
    outcome = await bench.run("os.close(0); init(); time.sleep(.1); result()", prompt="p" * 500_000)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_the_prompt_is_not_in_argv(bench: Bench) -> None:
    outcome = await bench.run(
        "prompt = sys.stdin.read(); init(); text(str([len(prompt), 'SECRET' in str(sys.argv)])); result()",
        prompt="SECRET" + "x" * 300_000,
    )
    assert outcome.text == "[300006, False]"


async def test_stdin_can_be_opened_by_name(bench: Bench) -> None:
    outcome = await bench.run("init(); text(open('/dev/stdin').read()); result()", prompt="by name")
    assert outcome.text == "by name"


async def test_silence(bench: Bench) -> None:
    outcome = await bench.run("init(); text('Thinking hard'); time.sleep(60)", silence_s=0.4)
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason == "No output for 0.4 s. Last activity: Thinking hard"
    assert outcome.usage == Usage(100, 10, 1000)  # what was spent until then is booked
    assert outcome.cost_usd == pytest.approx(100 * 3e-6 + 10 * 15e-6 + 1000 * 0.3e-6)


async def test_silence_names_the_open_question(bench: Bench) -> None:
    outcome = await bench.run(
        """
        init()
        asked = {"questions": [{"question": "Delete the database?"}]}
        block = {"type": "tool_use", "id": "t", "name": "AskUserQuestion", "input": asked}
        say(type="assistant", message={"id": "m", "content": [block]})
        time.sleep(60)
        """,
        silence_s=0.4,
    )
    assert outcome.kind is OutcomeKind.STALLED
    assert "Delete the database?" in outcome.reason


async def test_output_postpones_the_silence_limit(bench: Bench) -> None:
    outcome = await bench.run("init()\nfor n in range(8): time.sleep(.1); say(type='ping')\nresult()", silence_s=0.5)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_stderr_is_no_sign_of_progress(bench: Bench) -> None:
    outcome = await bench.run("init()\nwhile True: time.sleep(.05); print('retrying', file=sys.stderr)", silence_s=0.5)
    assert outcome.kind is OutcomeKind.STALLED


async def test_timeout(bench: Bench) -> None:
    outcome = await bench.run("init()\nwhile True: text('more'); time.sleep(.02)", timeout_s=0.5)
    assert outcome.kind is OutcomeKind.TIMEOUT
    assert outcome.reason.startswith("No end after 0.5 s.")
    assert outcome.usage.input_tokens == 100


async def test_stop_is_idempotent_and_first_an_interrupt(bench: Bench) -> None:
    process = await bench.start(
        """
        def interrupted(*_):
            result(ok=False, subtype='error_during_execution', errors=['interrupted']); sys.exit(0)
        signal.signal(signal.SIGINT, interrupted)
        init(); time.sleep(60)
        """
    )
    await bench.until(Started)
    process.stop()
    process.stop()
    first, second = await asyncio.gather(process.wait(), process.wait())
    assert first == second
    assert (first.kind, first.exit_code) == (OutcomeKind.STOPPED, 0)
    process.stop()
    assert (await process.wait()).kind is OutcomeKind.STOPPED


async def test_stop_of_a_stubborn_agent(bench: Bench) -> None:
    process = await bench.start(
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "init()\nwhile True: time.sleep(1)"
    )
    await bench.until(Started)
    process.stop()
    outcome = await process.wait()
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.STOPPED, -signal.SIGKILL)


ORPHAN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
    "\nwhile True: time.sleep(1)"
)


async def test_children_in_other_sessions_are_ended(bench: Bench) -> None:
    process = await bench.start(
        f"""
        argv = [sys.executable, '-S', '-c', "print('up', flush=True)\\n" + {ORPHAN!r}]
        child = subprocess.Popen(argv, start_new_session=True, stdout=subprocess.PIPE)
        child.stdout.readline(); init(); time.sleep(60)
        """
    )
    await bench.until(Started)
    assert len(bench.living()) == 2
    process.stop()
    assert (await process.wait()).kind is OutcomeKind.STOPPED
    assert bench.living() == []


async def test_an_orphan_holds_the_pipe(bench: Bench) -> None:
    outcome = await bench.run(
        f"subprocess.Popen([sys.executable, '-S', '-c', {ORPHAN!r}], start_new_session=True)\ninit(); result()"
    )
    assert outcome.kind is OutcomeKind.SUCCESS
    assert bench.living() == []


async def test_an_orphan_without_mark_cannot_keep_us_waiting(bench: Bench) -> None:
    process = await bench.start(
        "child = subprocess.Popen(['sleep', '30'], start_new_session=True, env={})\n"
        "init(); text(str(child.pid)); result()"
    )
    outcome = await asyncio.wait_for(process.wait(), 10)
    os.kill(int(outcome.text), signal.SIGKILL)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_a_refused_key_ends_the_run_at_once(bench: Bench) -> None:
    outcome = await bench.run(
        "init(); say(type='system', subtype='api_retry', attempt=1, max_retries=10, retry_delay_ms=500,"
        " error_status=401, error='authentication_failed'); time.sleep(60)"
    )
    assert outcome.kind is OutcomeKind.AUTH
    assert outcome.reason == "The agent's key or login was refused (authentication_failed, HTTP 401)."
    assert any(isinstance(record, Retry) and record.fatal for record in bench.records)


async def test_a_failing_receiver_ends_the_agent(bench: Bench) -> None:
    def receive(_: object) -> None:
        raise RuntimeError("disk full")

    process = await start(bench.spec("init(); time.sleep(60)"), bench.call(), receive, QUICK)
    with pytest.raises(RuntimeError, match="disk full"):
        await process.wait()
    assert bench.living() == []


async def test_a_failing_parser_ends_the_agent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(*_: object) -> None:
        raise KeyError("an adapter's fault")

    monkeypatch.setattr("agents.claude.ClaudeParser.feed", feed)
    process = await bench.start("init()\nwhile True: text('x' * 100_000)")
    with pytest.raises(KeyError, match="an adapter's fault"):
        await asyncio.wait_for(process.wait(), 10)


async def test_a_cancelled_waiter_does_not_end_the_agent(bench: Bench) -> None:
    process = await bench.start("init(); time.sleep(.5); result()")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), 0.1)
    assert (await process.wait()).kind is OutcomeKind.SUCCESS


async def test_the_raw_stream_is_kept(bench: Bench) -> None:
    outcome = await bench.run("sys.stdout.buffer.write(b'raw \\xff bytes\\n'); sys.stdout.flush(); init(); result()")
    archive = bench.folder / "streams" / "1.ndjson.gz"
    assert outcome.kind is OutcomeKind.SUCCESS
    assert gzip.decompress(archive.read_bytes()).startswith(b"raw \xff bytes\n")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert os.listdir(archive.parent) == [archive.name]


async def test_a_recording_that_fails_does_not_fail_the_run(bench: Bench) -> None:
    (bench.folder / "streams").write_text("a file where the folder should be")
    outcome = await bench.run("init(); result()")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert any(isinstance(record, Note) and "could not be recorded" in record.text for record in bench.records)


async def test_the_agent_dies_with_the_server(bench: Bench, tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    spec = bench.spec("init(); time.sleep(60)")
    server.write_text(
        f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from agents import AgentSpec, Call, start
async def main():
    call = Call("x", Path({str(tmp_path)!r}), {bench.mark!r}, Path({str(tmp_path / "s")!r}))
    started = asyncio.Event()
    await start(AgentSpec("x", "claude", {spec.command!r}), call, lambda record: started.set())
    await started.wait()
    print("up", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(server), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    (agent,) = bench.living()
    process.kill()
    await process.wait()
    await gone(agent)
    assert bench.living() == []


BURST = """
init()
block = {"type": "text", "text": "w" * 200}
lines = [{"type": "assistant", "session_id": "s", "message": {"id": str(n), "content": [block]}} for n in range(4000)]
sys.stdout.write("".join(json.dumps(line) + "\\n" for line in lines))
result()
"""


async def test_a_burst_does_not_starve_the_loop(bench: Bench) -> None:
    """Other tasks get their turn while 4,000 lines that came at once are read."""
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
    assert last - first > 20


async def test_plain_text(bench: Bench) -> None:
    outcome = await bench.run("print(sys.stdin.read().upper()); print('[DONE]')", kind="text", prompt="shout")
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "SHOUT\n[DONE]")
    assert (outcome.usage, outcome.cost_usd) == (Usage(), None)
    assert not any(isinstance(record, Final) for record in bench.records)


async def test_plain_text_failure(bench: Bench) -> None:
    outcome = await bench.run("print('half'); print('boom', file=sys.stderr); sys.exit(2)", kind="text")
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason == "The agent ended with exit code 2: boom."
