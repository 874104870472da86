"""Tests of agents that cannot be started, and of the standard input of started ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from agents import AgentSpec, OutcomeKind, start
from tests.agents.children import QUICK, AgentBench


async def test_a_missing_program(bench: AgentBench) -> None:
    spec = AgentSpec("ghost", "claude", ("no-such-program-anywhere",))
    process = await start(spec, bench.call(), bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "no-such-program-anywhere" in outcome.reason
    process.stop()
    assert (process.pid, process.start_time) == (None, None)


async def test_a_program_that_is_none(bench: AgentBench, tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_bytes(b"\x00\x01not a program")
    program.chmod(0o755)
    process = await start(AgentSpec("bad", "text", (str(program),)), bench.call(), bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "cannot start the agent" in outcome.reason.lower()


async def test_no_command_and_impossible_arguments(bench: AgentBench) -> None:
    for command in ((), (sys.executable, "zero\0byte")):
        process = await start(AgentSpec("odd", "text", command), bench.call(), bench.receive, QUICK)
        outcome = await process.wait()
        assert outcome.kind is OutcomeKind.COULD_NOT_START
        assert "odd" in outcome.reason


async def test_a_missing_folder(bench: AgentBench) -> None:
    spec = AgentSpec("x", "text", (sys.executable, "-c", "pass"))
    call = replace(bench.call(), cwd=bench.folder / "gone")
    process = await start(spec, call, bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "gone" in outcome.reason


async def test_wrong_flags_show_stderr(bench: AgentBench) -> None:
    outcome = await bench.run("sys.exit('error: unknown option --nope')")
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "unknown option --nope" in outcome.reason
    assert outcome.exit_code == 1


async def test_a_child_that_never_reads_its_prompt(bench: AgentBench) -> None:
    outcome = await bench.run("init(); result()", prompt="p" * 5_000_000)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_a_child_that_closes_stdin(bench: AgentBench) -> None:
    outcome = await bench.run("os.close(0); init(); time.sleep(.1); result()", prompt="p" * 500_000)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_the_prompt_is_not_in_argv(bench: AgentBench) -> None:
    outcome = await bench.run(
        "prompt = sys.stdin.read(); init(); text(str([len(prompt), 'SECRET' in str(sys.argv)])); result()",
        prompt="SECRET" + "x" * 300_000,
    )
    assert outcome.text == "[300006, False]"


async def test_stdin_can_be_opened_by_name(bench: AgentBench) -> None:
    outcome = await bench.run("init(); text(open('/dev/stdin').read()); result()", prompt="by name")
    assert outcome.text == "by name"
