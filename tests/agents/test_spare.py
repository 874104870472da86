"""Agents that a waiting launcher becomes: as any other agent, and nothing is left of one that is not needed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents import SPARE, AgentSpec, OutcomeKind, start
from agents.claude_options import INPUT, REPLAY
from agents.guardian import MARK_VARIABLE
from tests.agents.children import PATIENCE_S, QUICK, AgentBench, ended, gone

SHOWS = """
init()
shown = {
    "pid": os.getpid(), "group": os.getpgid(0), "session": os.getsid(0), "folder": os.getcwd(), "env": dict(os.environ),
    "open": sorted(os.listdir("/proc/self/fd")), "prompt": sys.stdin.read(), "argv": sys.argv[1:],
}
text(json.dumps(shown))
result()
"""
KEEPS = """
import asyncio, sys
from agents import SPARE
async def main():
    async with SPARE.kept():
        await SPARE.ready()
        print(SPARE._waiting._transport.get_pid(), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
async def waiting() -> AsyncIterator[int]:
    """The pid of the launcher that waits."""
    async with SPARE.kept():
        await SPARE.ready()
        yield waiting_pid()
    assert SPARE._waiting is None


def waiting_pid() -> int:
    assert SPARE._waiting is not None
    assert SPARE._waiting._transport is not None
    return SPARE._waiting._transport.get_pid()


def without_place(shown: dict[str, object]) -> dict[str, object]:
    env = dict(shown["env"])  # type: ignore[call-overload]
    return {**shown, "pid": 0, "group": 0, "session": 0, "env": env}


async def test_it_is_what_an_agent_always_is(bench: AgentBench) -> None:
    prompt = "p" * 500_000
    plain = json.loads((await bench.run(SHOWS, prompt=prompt)).text)
    async with SPARE.kept():
        await SPARE.ready()
        pid = waiting_pid()
        outcome = await bench.run(SHOWS, prompt=prompt)
    shown = json.loads(outcome.text)
    assert shown["pid"] == shown["group"] == shown["session"] == pid
    assert without_place(shown) == without_place(plain)
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.SUCCESS, 0)


async def test_it_waits_with_nothing_of_a_call(
    bench: AgentBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET", "sk-1234")
    monkeypatch.setenv(MARK_VARIABLE, "epoch:server")
    held = os.open(tmp_path / "held", os.O_CREAT | os.O_RDWR)
    async with SPARE.kept():
        await SPARE.ready()
        place = Path(f"/proc/{waiting_pid()}")
        names = {entry.partition(b"=")[0] for entry in (place / "environ").read_bytes().split(b"\0") if entry}
        has = [os.readlink(entry) for entry in (place / "fd").iterdir()]
        assert names <= {b"PATH", b"LD_LIBRARY_PATH", MARK_VARIABLE.encode()}
        assert "/dev/null" in has
        assert not any(str(tmp_path) in name for name in has)
        assert (place / "cwd").readlink() == Path("/")
    os.close(held)


async def test_messages_are_taken(bench: AgentBench, waiting: int) -> None:
    script = "line = sys.stdin.readline(); say(**json.loads(line), isReplay=True); init(); text(line); result()"
    call = replace(bench.call("the prompt"), options=frozenset({INPUT, REPLAY}))
    process = await start(bench.spec(script + "; sys.stdin.read()"), call, bench.receive, QUICK)
    outcome = await ended(process)
    assert process.pid == waiting
    assert (outcome.kind, "the prompt" in outcome.text) == (OutcomeKind.SUCCESS, True)


@pytest.mark.parametrize(
    ("command", "folder", "words"),
    [
        (("/etc/passwd",), "", "/etc/passwd"),
        ((sys.executable, "zero\0byte"), "", "null byte"),
        ((sys.executable, "-c", "pass"), "gone", "gone"),
    ],
)
async def test_one_that_cannot_start(
    bench: AgentBench, waiting: int, command: tuple[str, ...], folder: str, words: str
) -> None:
    call = replace(bench.call(), cwd=bench.folder / folder)
    process = await start(AgentSpec("odd", "text", command), call, bench.receive, QUICK)
    outcome = await process.wait()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert words in outcome.reason


async def test_one_that_was_killed_is_not_needed(bench: AgentBench, waiting: int) -> None:
    os.kill(waiting, signal.SIGKILL)
    await gone(waiting)
    assert (await bench.run("init(); result()")).kind is OutcomeKind.SUCCESS


async def test_one_waits_for_each_agent(bench: AgentBench, waiting: int) -> None:
    pids = []
    for number in range(3):
        await SPARE.ready()
        process = await start(bench.spec("init(); result()"), bench.call(), bench.receive, QUICK)
        assert (await ended(process)).kind is OutcomeKind.SUCCESS, number
        pids.append(process.pid)
    assert len(set(pids)) == 3
    assert pids[0] == waiting


async def test_it_ends_with_the_server() -> None:
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", KEEPS, stdout=subprocess.PIPE)
    assert server.stdout is not None
    pid = int(await asyncio.wait_for(server.stdout.readline(), PATIENCE_S))
    server.kill()
    await server.wait()
    await gone(pid)
