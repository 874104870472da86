"""Tests of the command line: every way to start, and the messages when it fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.running.projects import make_project
from tests.servers import ROOT, Server, get


def call(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "server.py"), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Exit code 2, nothing on standard output, one line that says what to do."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("server.py: ")
    return lines[0]


def test_version(tmp_path: Path) -> None:
    done = call("--version", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Sprint Runner ")


def test_no_project(tmp_path: Path) -> None:
    assert "sprint-status" in refused(call(cwd=tmp_path))
    assert str(tmp_path / "nowhere") in refused(call(str(tmp_path / "nowhere"), cwd=tmp_path))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot: 1\n", "prot"),
        ("port: true\n", "port must be a whole number from 0 to 65535, not True"),
        ("retries: 99\n", "retries must be a whole number from 0 to 20"),
        ("agent: nobody\n", "nobody"),
        ("[1, 2]\n", "mapping"),
        ("a: [\n", "cannot be read as YAML"),
        ("host: 0.0.0.0\n", "token"),
        ("commands: {code-revue: {model: x}}\n", "code-revue"),
    ],
)
def test_unreadable_settings(tmp_path: Path, text: str, named: str) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    (project / "sprint-runner.yaml").write_text(text)
    said = refused(call(str(project), cwd=tmp_path))
    assert named in said
    assert str(project / "sprint-runner.yaml") in said


def test_a_port_that_is_taken_leaves_no_trace(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port}" in refused(call(str(project), "--port", port, cwd=tmp_path))
    assert not (project / ".sprint-runner/sprint-runner.db").exists()


async def test_the_second_server_of_a_project_says_who_has_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        message = refused(call(str(project), "--port", "0", cwd=tmp_path))
        assert server.url in message
        assert server.process is not None
        assert str(server.process.pid) in message
    finally:
        server.end()


@pytest.mark.parametrize("place", ["argument", "inside"])
async def test_the_project_is_found_from_the_argument_or_upward(tmp_path: Path, place: str) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"})
    inside = project / "src" / "deep"
    inside.mkdir(parents=True)
    arguments = ["--port", "0"] if place == "inside" else [str(project), "--port", "0"]
    server = Server(arguments, inside if place == "inside" else tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            run = await get(client, "/api/run")
        assert run["project"]["root"] == str(project)
        assert (project / ".sprint-runner/.gitignore").read_text() == "*\n"
    finally:
        assert server.end(signal.SIGINT) == 0


async def test_an_agent_that_is_not_there_is_said_and_the_page_still_opens(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"})
    (project / "sprint-runner.yaml").write_text("agent: mine\nagents: {mine: {kind: text, command: [no-such-agent]}}\n")
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        assert "agent mine not available" in server.line
        async with aiohttp.ClientSession(server.url) as client, client.post("/api/run/start", json={}) as response:
            assert response.status == 409
            assert "no-such-agent" in (await response.json())["error"]["message"]
    finally:
        server.end()
    assert "no-such-agent" in server.errors()


def test_an_agent_that_says_no_version_is_ready(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"})
    (project / "sprint-runner.yaml").write_text("agent: mine\nagents: {mine: {kind: text, command: [cat]}}\n")
    server = Server([str(project), "--port", "0"], tmp_path).start()
    server.end()
    assert "agent mine ready)" in server.line


async def test_a_fresh_demo_each_time_and_an_unfinished_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = Server([str(folder), "--demo", "--port", "0"], tmp_path).start()
    first.end()
    made = (folder / ".sprint-runner-demo").read_text()
    again = Server([str(folder), "--demo", "--port", "0"], tmp_path).start()
    again.end()
    assert (folder / ".sprint-runner-demo").read_text() == made
    (tmp_path / "own").mkdir()
    (tmp_path / "own/work.txt").write_text("precious")
    assert "not a demo" in refused(call(str(tmp_path / "own"), "--demo", cwd=tmp_path))
    assert (tmp_path / "own/work.txt").read_text() == "precious"
