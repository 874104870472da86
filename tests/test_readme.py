"""Every command line of the README works as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running.projects import make_project
from tests.servers import ROOT, Server

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_make_targets(line: str) -> None:
    done = subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("python server.py")])
def test_server_lines(tmp_path: Path, line: str) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"})
    (project / "sprint-runner.yaml").write_text("agents: {local: {kind: text, command: [cat]}}\n")
    arguments = [str(project) if word == "PATH" else word for word in shlex.split(line)[2:]]
    environment = {"SPRINT_RUNNER_PORT": "0", "TMPDIR": str(tmp_path)}
    if "--help" in arguments:
        done = subprocess.run([sys.executable, *shlex.split(line)[1:]], cwd=ROOT, check=False, timeout=60)
        assert done.returncode == 0
        return
    server = Server(arguments, tmp_path, environment).start()
    assert server.end() == 0


def test_every_line_is_one_of_these() -> None:
    assert all(line.startswith(("make ", "python server.py")) for line in LINES)
    assert len(LINES) >= 7


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
