"""The real program as a process, for tests of what a user gets."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.declared import check_database

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = (sys.executable, "-W", "error", str(ROOT / "server.py"))
STARTED = re.compile(r"Sprint Runner at (http://127\.0\.0\.1:\d+)/")
END_S = 15.0  # the promise is five; a loaded machine may take longer


class Server:
    """`python server.py …` in a working directory of its own; `end` and `start` again at will.

    `environment` is what the next start is given; `program` is another way to call it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._command = [*program, *arguments]
        self._cwd = cwd
        self.environment = {
            **os.environ,
            "SPRINT_RUNNER_DEMO_SPEED": "max",
            "SPRINT_RUNNER_TRUST": "1",
            **(environment or {}),
        }
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self.line = ""

    def start(self) -> Server:
        """Start it and wait for the line that says where it answers."""
        with (self._cwd / "server.err").open("a") as errors:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        found = STARTED.match(self.line)
        assert found is not None, f"not started: {self.line!r} {self.errors()}"
        self.url = found[1]
        return self

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            code = process.wait(END_S)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        if code == 0:  # what a killed server leaves is for the next one to open
            for path in self._cwd.rglob("sprint-runner.db"):
                check_database(path)
        return code

    def errors(self) -> str:
        """What it has written to standard error."""
        return (self._cwd / "server.err").read_text()


@asynccontextmanager
async def demo(
    folder: Path, *arguments: str, **environment: str
) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    """The demo on a free port, and a client of it; both are closed at the end."""
    server = Server([str(folder / "demo"), "--demo", "--port", "0", *arguments], folder, environment).start()
    async with aiohttp.ClientSession(server.url) as client:
        try:
            yield server, client
        finally:
            if server.process is not None:
                server.end()


async def run_story(url: str, key: str) -> None:
    """A batch of one story, waited for."""
    async with aiohttp.ClientSession(url) as client:
        assert (await post(client, "/api/run/start", {"batch_size": 1, "stories": [key]}))[0] == 202
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)


async def post(client: aiohttp.ClientSession, path: str, fields: Any = None) -> tuple[int, Any]:
    """Status and JSON of a POST."""
    async with client.post(path, json={} if fields is None else fields) as response:
        return response.status, await response.json()


async def get(client: aiohttp.ClientSession, path: str) -> Any:
    """JSON of a GET that must succeed."""
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()
