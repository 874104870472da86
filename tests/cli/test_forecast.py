"""`sprint-runner forecast` as a process: without a server it reads a copy of the records, and writes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.running.projects import make_project
from tests.servers import ROOT


def run(project: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, str(ROOT / "server.py"), "forecast", str(project), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_without_a_server(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog", "1-2-b": "done", "2-1-c": "review"})
    code, out, _ = run(project)
    assert code == 0
    first, basis, *_ = out.splitlines()
    assert first.startswith("Forecast: 2 stories, $")
    assert first.endswith("(in four of five cases).")
    assert basis.strip().startswith("From the program's defaults")
    code, out, _ = run(project, "--stories", "2-1-c", "--json")
    assert (code, json.loads(out)["story_keys"]) == (0, ["2-1-c"])
    code, out, _ = run(project, "--backtest")
    assert (code, out.splitlines()[0]) == (
        0,
        "0 finished stories; a range is to hold the truth in 80 % of the cases.",
    )
    assert "no range was possible yet" in out
    assert not (project / ".sprint-runner").exists()
