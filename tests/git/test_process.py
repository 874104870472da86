"""Tests of calls of git: what ends one, and what it leaves."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from git import process
from git.process import GitError, run_git


async def test_a_call_whose_child_keeps_the_pipes_is_ended(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, pid_file = tmp_path / "bin", tmp_path / "pid"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\nsleep 600 &\necho $! > "{pid_file}"\nwait\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    task = asyncio.create_task(run_git(root, ("status",)))
    while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
        await asyncio.sleep(0.01)
    task.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        os.kill(int(pid_file.read_text()), 9)


async def test_a_call_that_was_ended_before_its_turn_never_starts(root: Path) -> None:
    calls = process.Calls()
    calls.kill()
    with pytest.raises(GitError, match="was ended"):
        calls.run(root, ("tag", "never"))
    assert await run_git(root, ("tag",)) == ""


async def test_more_calls_than_threads_all_return(root: Path) -> None:
    calls = [run_git(root, ("rev-parse", "HEAD")) for _ in range(process.CALLS_MAX * 2)]
    assert len(set(await asyncio.gather(*calls))) == 1


async def test_a_slow_call_reads_all_of_its_input_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is slow on a busy machine; this one reads while it is looked at several times."""
    monkeypatch.setattr(process, "LOOK_S", 0.01)
    content = b"line\n" * 50_000
    slow = ("-c", "alias.slow=!sleep 0.1 && cat")
    assert await run_git(root, ("slow",), options=slow, stdin=content) == content.decode()
