"""README's promise, with the real server: after SIGKILL no agent continues, whatever launcher is between them."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from agents.guardian import MARK_VARIABLE
from agents.process_table import read_table
from tests.agents.children import PATIENCE_S, gone
from tests.agents.test_guarding import ENDED_S, PRELUDE, WRAPPERS, wrapper
from tests.running.projects import READY, make_project
from tests.servers import Server, post

AGENT = """
deaf()
subprocess.Popen([sys.executable, "-S", "-c", PRELUDE + "\\ndeaf(); here('own_session'); sleep()"],
    start_new_session=True)
subprocess.Popen([sys.executable, "-S", "-c", PRELUDE + "\\ndeaf(); here('bare'); sleep()"], env={})
daemon("daemon", os.setsid)
here("agent"); sleep()
"""
NAMES = ("agent", "own_session", "bare", "daemon")


@pytest.mark.parametrize("kind", ["claude", "qwen", "text"])
async def test_nothing_is_alive_three_seconds_after_it_was_killed(tmp_path: Path, kind: str) -> None:
    root = make_project(tmp_path / "tiny", READY)
    (tmp_path / "program.py").write_text(PRELUDE + AGENT)
    launcher = wrapper(tmp_path, WRAPPERS["shell that traps"])
    command = f"[{launcher}, {sys.executable}, -S, {tmp_path / 'program.py'}]"
    (root / "sprint-runner.yaml").write_text(f"agent: it\nagents: {{it: {{kind: text, command: {command}}}}}\n")
    if kind != "text":  # version and help are asked for, which a wrapper of this kind cannot answer
        script = tmp_path / "wrapper"
        script.write_text(
            '#!/bin/sh\ncase "$4" in --version) echo 1.2.3; exit;; --help) exit;; esac\ntrap \'\' TERM INT HUP\n"$@"\n'
        )
        (root / "sprint-runner.yaml").write_text(f"agent: it\nagents: {{it: {{kind: {kind}, command: {command}}}}}\n")
    server = Server([str(root), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
            async with asyncio.timeout(PATIENCE_S):
                while not all((root / f"{name}.pid").exists() for name in NAMES):
                    await asyncio.sleep(0.05)
    finally:
        began = time.monotonic()
        await asyncio.to_thread(server.end, signal.SIGKILL)
    for name in NAMES:
        await gone(int((root / f"{name}.pid").read_text()))
    assert time.monotonic() - began < ENDED_S
    needle = f"\0{MARK_VARIABLE}=".encode()
    left = [
        pid
        for pid, process in read_table().items()
        if needle in (process.environment or b"") and str(root) in _cwd(pid)
    ]
    assert left == []


def _cwd(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""
