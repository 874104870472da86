"""A delivery over a kill -9 at every step: nothing is made twice, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.running.delivery.forges import TEMPLATES, WITH_REQUESTS, Forge, git
from tests.running.projects import READY, make_project
from tests.servers import ROOT

PROGRAM = Path(__file__).with_name("killed.py")


@pytest.mark.slow
async def test_red_mended_green_merged_over_a_kill_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE", str(tmp_path / "forge"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    root = make_project(tmp_path / "tiny", READY)
    git(root, "checkout", "-q", "-b", "work")
    forge = Forge.make(tmp_path / "forge", root, red=1)
    (tmp_path / "script.json").write_text("{}")
    settings = {"agent": "demo", "retries": 1, **WITH_REQUESTS, **TEMPLATES}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        str(root),
        str(tmp_path / "script.json"),
        json.dumps(settings),
        env=dict(os.environ),
    )
    assert await process.wait() == 0
    steps = (tmp_path / "killed").read_text().splitlines()
    for wanted in ("before git push", "after git push", "before create", "after create", "after the commit", "merge"):
        assert any(wanted in step for step in steps), (wanted, steps)
    assert len(forge.requests()) == 1
    assert forge.requests()[0]["state"] == "merged"
    assert forge.log("main")[:3] == [
        "Merge deliver/1-1-a",
        "fix(1): mend 1-1-a, round 1",
        "feat(1): implement story 1-1-a",
    ]
    subjects = git(root, "log", "--format=%s").splitlines()
    assert subjects.count("fix(1): mend 1-1-a, round 1") == 1
    assert subjects.count("merge(1): deliver/1-1-a, round 1") == 1
    assert git(root, "status", "--porcelain") == ""
    assert not (root / ".sprint-runner/worktrees/delivery-1").exists()
