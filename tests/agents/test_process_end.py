"""Ending agents and everything that they started; nothing is left alive."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from agents import OutcomeKind, Started
from tests.agents.children import PATIENT, AgentBench, ended, gone


async def test_stop_is_idempotent_and_first_an_interrupt(bench: AgentBench) -> None:
    process = await bench.start(
        """
        def interrupted(*_):
            result(ok=False, subtype='error_during_execution', errors=['interrupted']); sys.exit(0)
        signal.signal(signal.SIGINT, interrupted)
        init(); time.sleep(600)
        """,
        graces=PATIENT,
    )
    await bench.until(Started)
    process.stop()
    process.stop()
    first, second = await asyncio.gather(process.wait(), process.wait())
    assert first == second
    assert (first.kind, first.exit_code) == (OutcomeKind.STOPPED, 0)
    process.stop()
    assert (await process.wait()).kind is OutcomeKind.STOPPED


async def test_stop_of_a_stubborn_agent(bench: AgentBench) -> None:
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


async def test_children_in_other_sessions_are_ended(bench: AgentBench) -> None:
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


async def test_an_orphan_holds_the_pipe(bench: AgentBench) -> None:
    outcome = await bench.run(
        f"subprocess.Popen([sys.executable, '-S', '-c', {ORPHAN!r}], start_new_session=True)\ninit(); result()"
    )
    assert outcome.kind is OutcomeKind.SUCCESS
    assert bench.living() == []


MUTE = "import time; time.sleep(600)"
LOUD = """import os, sys, time
while os.getppid() == int(sys.argv[1]): time.sleep(.01)
while True: os.write(1, b"more\\n" * 10_000)
"""


@pytest.mark.parametrize("orphan", [MUTE, LOUD], ids=["mute", "loud"])
async def test_an_orphan_without_mark_cannot_keep_us_waiting(bench: AgentBench, orphan: str) -> None:
    """It holds the agent's stdout, and prints nothing more or for ever."""
    process = await bench.start(
        f"""
        argv = [sys.executable, '-S', '-c', {orphan!r}, str(os.getpid())]
        child = subprocess.Popen(argv, start_new_session=True, env={{}})
        init(); text(str(child.pid)); result()
        """
    )
    outcome = await ended(process)
    with suppress(ProcessLookupError):  # the loud one ends by itself when its pipe has no reader any more
        os.kill(int(outcome.text), signal.SIGKILL)
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_the_agent_dies_with_the_server(bench: AgentBench, tmp_path: Path) -> None:
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
