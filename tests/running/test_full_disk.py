"""Tests of a full disk during a run: the run waits, and no story fails because of it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import running.command_waits
import running.disk
from agents import Outcome, OutcomeKind, Usage
from base.files import atomic_write
from running.disk import take_snapshot
from running.journal import CommandStatus
from running.judgement import failure_status
from tests.conftest import MakeRunner
from tests.git.repositories import git, looking_at, make
from tests.running.projects import READY


@pytest.mark.parametrize("ended", [1, 128])  # 1: a file was left out, which is fine for other reasons
async def test_a_snapshot_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: int) -> None:
    root = make(tmp_path / "project")
    looking = await looking_at(root)
    (root / "src/new.py").write_text("three\n")
    program, real = root.parent / "bin/git", shutil.which("git")
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *"add --ignore-errors"*) for try in 1 2 3; do if mkdir "{program.parent}/$try" 2>/dev/null\n'
        f"then echo 'error: unable to create temporary file: No space left on device' >&2; exit {ended}\n"
        "fi; done;; esac\n"
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(running.disk, "TRY_S", 0.01)
    tree = await take_snapshot(looking)
    assert (program.parent / "3").exists()  # a snapshot tries twice by itself
    git(root, "add", "-A")
    assert tree == git(root, "write-tree")


async def test_the_tracker_waits_for_room(make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, tries = atomic_write, 0

    def full(*arguments: Any, **options: Any) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(*arguments, **options)

    monkeypatch.setattr("sprint.write.atomic_write", full)
    monkeypatch.setattr(running.disk, "TRY_S", 0.01)
    runner = await make_runner(READY)
    await runner.run(1)
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("error") == []
    assert [emitted["status"] for emitted in runner.of("batch:end")] == ["completed"]


async def test_an_agent_without_room_is_tried_again(make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """More often than attempts may fail, and whether it dies at its start or at its work: no story is judged by it."""
    monkeypatch.setattr(running.command_waits, "TRANSIENT_BACKOFF_S", (0.01,) * 9)
    full = "fail:OSError: [Errno 28] No space left on device"
    runner = await make_runner(READY, {"dev-story": [full, full, full, "ok"]}, retries=1)
    await runner.run(1)
    assert runner.commands("error") == ["1-1-a dev-story"] * 3
    assert runner.statuses() == {"1-1-a": "done"}
    attempts = [end["attempt"] for end in runner.of("command:end") if end["command"] == "dev-story"]
    assert attempts == [1, 1, 1, 1]


@pytest.mark.parametrize("kind", [OutcomeKind.FAILED, OutcomeKind.COULD_NOT_START, OutcomeKind.USAGE_LIMIT])
def test_a_full_disk_is_passing_trouble(kind: OutcomeKind) -> None:
    def failed(reason: str) -> CommandStatus:
        return failure_status(Outcome(kind, reason, 1, "", Usage(), None, 0.0, None, None, None, 0, None, 0, ""))

    emitted = failed("The agent ended with exit code 1 before any output: OSError: [Errno 28] No space left on device.")
    limited = kind is OutcomeKind.USAGE_LIMIT
    assert emitted is (CommandStatus.USAGE_LIMIT if limited else CommandStatus.TRANSIENT)
    assert failed("The agent ended with exit code 1.") is not CommandStatus.TRANSIENT
