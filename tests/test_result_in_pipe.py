"""A call whose result is in its pipe when the server is killed has been paid: it is booked, and not paid again.

The server is stopped while its agent works, so that nothing of it can read the result.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
import yaml

from tests.servers import ROOT
from tests.test_money_over_kills import Paid, differences
from tests.unattended import LONG_S, POLL_S

CHECK = "if [ ! -e {f}/asked ]; then touch {f}/asked; while [ ! -e {f}/go ]; do sleep 0.02; done; fi"
ROWS = "SELECT status, cost_usd FROM commands WHERE command = 'dev-story' ORDER BY id"


def speak_acp(paid: Paid, folder: Path) -> None:
    """Let the same agent speak the Agent Client Protocol."""
    path = paid.run.root / "sprint-runner.yaml"
    settings = yaml.safe_load(path.read_text())
    agent = settings["agents"]["night"]
    agent["command"] = [sys.executable, str(ROOT / "tests/agents/acp/scripted.py"), "--speed", "max"]
    agent["env"]["SCRIPTED_ANSWERED"] = str(folder / "answered")
    path.write_text(yaml.safe_dump({**settings, "agents": {"night": {**agent, "kind": "acp"}}}))


async def until_exists(path: Path) -> None:
    async with asyncio.timeout(LONG_S):
        while not os.access(path, os.F_OK):
            await asyncio.sleep(POLL_S)


@pytest.mark.parametrize("kind", ["claude", "acp"])
async def test_a_result_that_nobody_has_read_is_booked(tmp_path: Path, kind: str) -> None:
    paid = Paid(tmp_path, {"1-1-a": "in-progress"}, "")
    (tmp_path / "check.sh").write_text(CHECK.format(f=tmp_path))
    if kind == "acp":
        speak_acp(paid, tmp_path)
    try:
        await paid.start()
        await paid.run.post("start", batch_size="all")
        await until_exists(tmp_path / "asked")
        assert paid.run.server.process is not None
        os.kill(paid.run.server.process.pid, signal.SIGSTOP)
        (tmp_path / "go").touch()
        await until_exists(paid.books)
        if kind == "acp":
            await until_exists(tmp_path / "answered")
        await paid.run.kill()
        await paid.start()
        assert [row["status"] for row in paid.run.rows(ROWS)] == ["unchecked"]
        assert paid.run.rows(ROWS)[0]["cost_usd"] > 0
        assert differences(paid) == []
        assert (await paid.run.post("resume"))[0] == 202
        await paid.run.until(lambda run: run["state"] == "idle")
        assert [row["status"] for row in paid.run.rows(ROWS)] == ["unchecked", "success"]
        assert paid.run.rows(ROWS)[1]["cost_usd"] is None
        assert [await paid.run.faults(), differences(paid)] == [[], []]
    finally:
        await paid.run.end()
