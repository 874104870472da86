"""What a real server does with a hangup, and with a second server on its project."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PROGRAM, Server
from tests.unattended import Unattended
from tests.worlds import World, make_world, worlds

IGNORE = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""
IGNORING = (sys.executable, "-c", IGNORE)


async def test_a_hangup_ends_the_server_as_sigterm_does(tmp_path: Path) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a server inherits it, and `nohup` starts us with it ignored
    project = Unattended(tmp_path, {"1-1-a": "in-progress"}, [], {})
    await project.start()
    assert (await project.post("start", batch_size=1))[0] == 202
    await project.until(lambda run: bool(run["operations"]))
    assert project.client is not None
    await project.client.close()
    project.client = None
    assert await asyncio.to_thread(project.server.end, signal.SIGHUP) == 0
    assert {row["status"] for row in project.rows("SELECT * FROM batches")} == {"interrupted"}


def test_a_hangup_that_was_ignored_at_the_start_stays_ignored(world: World) -> None:
    server = Server([str(world.root), "--port", "0"], world.outside, program=(*IGNORING, *PROGRAM)).start()
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(1)
    assert server.end() == 0


@pytest.mark.parametrize("world", worlds(["top", "folder", "linked", "plain"]), indirect=True)
def test_two_data_folders_are_one_project(world: World) -> None:
    first = Server([str(world.root), "--port", "0"], world.outside).start()
    try:
        command = [*PROGRAM, str(world.root), "--port", "0", "--data-dir", str(world.outside / "other")]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert second.returncode == 2, second.stderr
        assert "this project is already run by" in second.stderr
    finally:
        first.end()


def test_a_tracker_that_is_a_pipe_holds_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path, monkeypatch, "top")
    world.tracker.unlink()
    os.mkfifo(world.tracker)
    done = subprocess.run([*PROGRAM, "check", str(world.root)], capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
