"""Which port a server takes: a named one or none, else the next free one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from settings import Settings
from tests.running.projects import make_project
from tests.servers import PROGRAM, Server

DEFAULT = Settings().port


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)


@pytest.fixture
def _default_taken() -> Iterator[None]:
    """Take the default port, unless another program of this machine has it."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", DEFAULT)))
        yield


@pytest.mark.usefixtures("_default_taken")
def test_the_next_free_port_is_taken_and_named(project: Path, tmp_path: Path) -> None:
    server = Server([str(project)], tmp_path).start()
    try:
        port = urlsplit(server.url).port
        assert port is not None
        assert DEFAULT < port < DEFAULT + 100
        assert f"port {DEFAULT} is in use, so the server listens on port {port}" in server.errors()
    finally:
        assert server.end() == 0


@pytest.mark.parametrize("source", ["flag", "environment", "file"])
def test_a_named_port_is_never_exchanged(project: Path, source: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        if source == "file":
            (project / "sprint-runner.yaml").write_text(f"port: {port}\n")
        flags = ["--port", port] if source == "flag" else []
        environment = {"SPRINT_RUNNER_PORT": port} if source == "environment" else {}
        done = subprocess.run(
            [*PROGRAM, str(project), *flags],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 cannot be used" in done.stderr
    assert not (project / ".sprint-runner/sprint-runner.db").exists()


@pytest.mark.usefixtures("_default_taken")
def test_a_headless_run_takes_any_free_port(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "run", str(tmp_path / "demo"), "--demo", "--batch", "1"],
        env={**os.environ, "SPRINT_RUNNER_DEMO_SPEED": "max"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"Sprint Runner at http://127\.0\.0\.1:(\d+)/", done.stderr)
    assert found is not None
    assert not DEFAULT <= int(found[1]) < DEFAULT + 100
    assert "in use" not in done.stderr
