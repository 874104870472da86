"""Telling processes from later ones with their pid, on every system; ending groups where there is no mark to read."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from agents import Final, OutcomeKind, Text, end_group, sweep
from agents.identity import start_time
from tests.agents.children import AgentBench, ended, gone

SYSTEMS = ["linux", "darwin"]
STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
if os.fork() == 0: time.sleep(600)
print('up', flush=True)
time.sleep(600)
"""


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """This system, and what is left of it on one without /proc, without marks, without a parent-death signal."""
    monkeypatch.setattr(sys, "platform", request.param)
    return str(request.param)


async def group() -> asyncio.subprocess.Process:
    """A process group with a leader and a child, neither of which listens to polite signals."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-c", STUBBORN), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    return process


def test_a_process_has_one_start_and_no_process_has_none(system: str) -> None:
    assert start_time(os.getpid()) == start_time(os.getpid()) is not None
    assert (start_time(os.getpid()) or "").isdigit() is (system == "linux")
    assert start_time(2**22 + 1) is None


def test_where_nothing_can_be_asked_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", "")
    assert start_time(os.getpid()) is None


@pytest.mark.usefixtures("system")
async def test_a_group_is_ended_whatever_it_ignores() -> None:
    process = await group()
    assert await end_group(process.pid, start_time(process.pid), grace_s=0.2)
    assert await process.wait() == -signal.SIGKILL
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.read(), 60) == b""  # its child has gone, too


@pytest.mark.usefixtures("system")
async def test_a_process_with_another_start_is_left_alone() -> None:
    process = await group()
    for pid, started in ((process.pid, "12"), (process.pid, None), (None, "12"), (2**22 + 1, "12")):
        assert not await end_group(pid, started)
    assert process.returncode is None
    os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()


async def test_an_agent_and_its_group_without_the_linux_parts(
    bench: AgentBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    process = await bench.start(
        "child = subprocess.Popen(['sleep', '600']); init(); text(str(child.pid)); time.sleep(600)"
    )
    await bench.until(Text)
    assert process.pid is not None
    assert process.start_time == start_time(process.pid)
    assert await sweep("no-mark-is-found-here") == []
    process.stop()
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STOPPED
    await gone(int(outcome.text))


async def test_a_good_run_without_the_linux_parts(bench: AgentBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "memfd_create")
    outcome = await bench.run("init(); text(sys.stdin.read()); result()", prompt="a prompt")
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "a prompt")
    assert any(isinstance(record, Final) for record in bench.records)
