"""`sprint-runner preview`: with and without a server, as a process against a real project, which it leaves as it is."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.running.projects import make_project
from tests.servers import ROOT, Server

LONG_S = 120
KEY = "1-1-a"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose agent notes each start, in a file beside the project, and is silent in its first development."""
    root = make_project(tmp_path / "tiny", {KEY: "in-progress", "1-2-b": "backlog"})
    (tmp_path / "script.json").write_text(json.dumps({"dev-story": ["silent", "ok"]}))
    agent = tmp_path / "agent"
    scripted = f"{sys.executable} {ROOT / 'demo/agent.py'} --speed max --script {tmp_path / 'script.json'}"
    agent.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "starts"}\nexec {scripted} "$@"\n')
    agent.chmod(0o755)
    (root / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: [{agent}], env: {{OWN: s3cret-value}}}}}}\n"
    )
    return root


def run(project: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "server.py"), "preview", *arguments],
        cwd=project,
        env={**os.environ, "SPRINT_RUNNER_TRUST": "1"},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file, but for what an agent that outlives its server for a moment still prints."""
    files = [path for path in folder.rglob("*") if path.is_file() and "streams" not in path.parts]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_without_a_server_and_without_records(project: Path, tmp_path: Path) -> None:
    before = contents(project)
    code, out, err = run(project)
    assert (code, err) == (0, "")
    assert contents(project) == before
    assert not (tmp_path / "starts").exists()
    assert "Next group: 1-1-a, 1-2-b" in out
    assert "   | # dev-story" in out
    assert "commit (1-1-a) by the runner itself, without an agent, when the story is done" in out
    assert "where its help lists them: --fallback-model" in out
    assert "OWN" in out
    assert "s3cret-value" not in out
    code, out, _ = run(project, "--story", "1-2-b", "--command", "code-review", "--json")
    [cycle] = json.loads(out)["cycles"]
    assert [step["command"] for step in cycle["steps"]] == ["code-review-1"]
    assert run(project, "--story", "9-9-z") == (
        1,
        "",
        "refused: stories: _bmad-output/implementation-artifacts/sprint-status.yaml has no story '9-9-z'\n",
    )


def test_of_a_killed_batch_and_by_the_running_server(project: Path, tmp_path: Path) -> None:
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        _ask(server, "api/run/start", {"stories": [KEY]})
        until = time.monotonic() + LONG_S
        while (
            "dev-story" not in [c["command"] for c in _ask(server, "api/commands")["commands"]]
            or not (tmp_path / "script.json.state").exists()
        ):
            assert time.monotonic() < until
            time.sleep(0.05)
        starts = (tmp_path / "starts").read_text()
        before = contents(project)
        code, out, _ = run(project, "--json")
        assert code == 0
        printed, asked = json.loads(out), _ask(server, "api/preview")
        # The forecast is of the moment at which it is made.
        assert printed.pop("forecast")["story_keys"] == asked.pop("forecast")["story_keys"] == [KEY]
        assert printed == asked
        assert [cycle["state"] for cycle in printed["cycles"]] == ["running"]
        server.end(signal.SIGKILL)
    finally:
        if server.process is not None:
            server.end()
    assert (tmp_path / "starts").read_text() == starts
    assert set(before) <= set(contents(project))
    before = contents(project)
    code, out, _ = run(project)
    assert code == 0
    assert "The group that was interrupted: 1-1-a" in out
    assert out.index("1. dev-story (1-1-a)") < out.index("2. code-review-1 (1-1-a)")
    assert contents(project) == before
    assert (tmp_path / "starts").read_text() == starts


def _ask(server: Server, path: str, fields: Any = None) -> Any:
    body = None if fields is None else json.dumps(fields).encode()
    request = urllib.request.Request(f"{server.url}/{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LONG_S) as response:
        return json.load(response)
