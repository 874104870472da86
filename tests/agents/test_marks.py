"""Ending processes by their mark: all of those, none of the others."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from agents import marks, sweep
from agents.guardian import MARK_VARIABLE
from agents.identity import start_time
from agents.marks import sweep_after, sweep_exact
from tests.processes import marked

WAITS = "import time\nprint('up', flush=True)\ntime.sleep(60)"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS
NONE: frozenset[int] = frozenset()
EPOCH = f"marks-{os.getpid()}"


async def child(mark: str, script: str = WAITS) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-c", script),
        env={MARK_VARIABLE: mark},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    return process


async def test_all_with_the_prefix_and_no_others() -> None:
    mine = [await child(f"{EPOCH}:{n}") for n in (1, 2, 12)]
    other = await child(f"other-{EPOCH}:1")
    assert await sweep(f"{EPOCH}:", grace_s=30) == sorted(process.pid for process in mine)
    assert [await process.wait() for process in mine] == [-15, -15, -15]
    assert other.returncode is None
    other.kill()
    await other.wait()


async def test_one_call_is_not_another_whose_number_begins_alike() -> None:
    first, twelfth = await child(f"{EPOCH}:1"), await child(f"{EPOCH}:12")
    assert await sweep_exact(f"{EPOCH}:1", grace_s=30) == [first.pid]
    assert marked(f"{EPOCH}:") == [twelfth.pid]
    assert await sweep(EPOCH, grace_s=30) == [twelfth.pid]
    await asyncio.gather(first.wait(), twelfth.wait())


async def test_the_stubborn_are_killed_after_the_grace() -> None:
    process = await child(f"{EPOCH}:9", STUBBORN)
    began = time.monotonic()
    assert await sweep(f"{EPOCH}:9", grace_s=0.3) == [process.pid]
    assert time.monotonic() - began >= 0.3
    assert await process.wait() == -9


async def test_a_process_in_the_middle_of_an_exec_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    process = await child(f"{EPOCH}:5")
    read, looks = marks._environ, 0

    def blank_at_first(pid: int) -> bytes | None:
        nonlocal looks
        if pid != process.pid:
            return read(pid)
        looks += 1
        return b"\0\0" if looks <= 3 else read(pid)

    monkeypatch.setattr(marks, "_environ", blank_at_first)
    assert await sweep(f"{EPOCH}:5") == [process.pid]
    assert await process.wait() == -15


async def test_a_process_that_has_no_environment_is_left_alone_in_the_end() -> None:
    process = await asyncio.create_subprocess_exec("sleep", "60", env={})
    assert await sweep(f"{EPOCH}:nobody", grace_s=0.1) == []
    assert process.returncode is None
    process.kill()
    await process.wait()


async def test_whether_nothing_was_left_when_the_processes_were_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    mark, other = f"{EPOCH}:20", await child(f"{EPOCH}:21")
    monkeypatch.setattr(marks, "_pids", lambda: [other.pid])  # others of this machine end at any time
    assert await sweep_after(mark, 30, NONE, lambda: None)
    left = await child(mark)
    monkeypatch.setattr(marks, "_pids", lambda: [other.pid] + ([left.pid] if left.returncode is None else []))
    assert not await sweep_after(mark, 30, NONE, lambda: None)
    assert await left.wait() == -15
    other.kill()
    await other.wait()


async def test_what_ends_before_the_look_may_have_been_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220 - one that nothing reaps
    monkeypatch.setattr(marks, "_pids", lambda: [process.pid])

    def end() -> None:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert not await sweep_after(f"{EPOCH}:30", 30, NONE, end)  # a zombie now
    assert await sweep_after(f"{EPOCH}:30", 30, NONE, lambda: None)  # which it was before this time
    with process:
        pass
    assert not await sweep_after(f"{EPOCH}:30", 30, NONE, lambda: None)  # gone
    assert await sweep_after(f"{EPOCH}:30", 30, frozenset({process.pid}), lambda: None)  # it was there before


async def test_nothing_to_do_is_quick() -> None:
    assert await sweep(f"{EPOCH}:nobody") == []


async def test_an_empty_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match="every agent"):
        await sweep("")


def test_start_time_identifies_a_process() -> None:
    assert start_time(os.getpid()) == start_time(os.getpid())
    assert (start_time(os.getpid()) or "").isdigit()
    assert start_time(2**22 + 1) is None
