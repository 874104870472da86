"""The real server over a project of ours with scripted agents, started and killed at will, and what must hold of it.

The agents are processes, too; everything is asked over HTTP, as a page would, and looked at on the disk afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.model.laws import broken
from tests.running.lanes.lane_runs import git
from tests.running.projects import TRACKER, alive, make_project
from tests.servers import ROOT, Server, get, post

LONG_S = 600.0  # for what takes seconds: a test that waits so long has failed
POLL_S = 0.05
ASKED = ("--help", "--version")  # of an agent's program, by a server that has just started
ENDED = "(ended)"
MOMENT_S = 10.0  # for what a server still does after a batch
# Of the run's state: no event has them.
SERVERS_OWN = ("agent", "fleet", "project", "limits", "plan", "guardian", "awake", "problem", "forecast")
FOLD = """
import { readFileSync } from "node:fs";
import { apply } from "./static/state.js";
import { initial } from "./static/state-initial.js";
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).reduce(apply, initial())));
"""


class Unattended:
    """A project in `folder`, its server, and a client of it. `settings` and `stories` as the operator writes them.

    `agent` are further words of the scripted agent's command line.
    """

    def __init__(self, folder: Path, stories: Mapping[str, str], agent: list[str], settings: Mapping[str, Any]) -> None:
        self.root = make_project(folder / "tiny", stories)
        self.tracker = self.root / TRACKER
        self.before = self.tracker.read_bytes()
        self.database = self.root / ".sprint-runner/sprint-runner.db"
        command = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", *agent]
        home = {"DEMO_AGENT_HOME": str(folder / "sessions")}
        night = {"kind": "claude", "command": command, "model": "sonnet", "light_model": "haiku", "env": home}
        (self.root / "sprint-runner.yaml").write_text(
            yaml.safe_dump({"agent": "night", "agents": {"night": night}, **settings})
        )
        git(self.root, "add", "-A")
        git(self.root, "commit", "-qm", "settings")
        self.server = Server([str(self.root), "--port", "0"], folder)
        self.client: aiohttp.ClientSession | None = None

    async def start(self, **environment: str) -> None:
        """Start the server, with these variables in its environment."""
        self.server.environment = {**os.environ, "SPRINT_RUNNER_TRUST": "1", **environment}
        await asyncio.to_thread(self.server.start)
        self.client = aiohttp.ClientSession(self.server.url)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.client is not None:
            await self.client.close()
            self.client = None
        if self.server.process is not None:
            await asyncio.to_thread(self.server.end, number)

    async def kill(self) -> None:
        await self.end(signal.SIGKILL)

    # -- over HTTP ---------------------------------------------------------------------------------------------

    async def run(self) -> dict[str, Any]:
        assert self.client is not None
        run: dict[str, Any] = await get(self.client, "/api/run")
        return run

    async def post(self, path: str, **fields: Any) -> tuple[int, Any]:
        assert self.client is not None
        return await post(self.client, f"/api/run/{path}", fields)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The run, once it is as wanted."""
        run: dict[str, Any] = {}
        try:
            async with asyncio.timeout(LONG_S):
                while not wanted(run := await self.run()):
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise AssertionError(f"the run has stalled: {run}, {self.server.errors()[-2000:]}") from None
        return run

    async def events(self) -> list[dict[str, Any]]:
        """The whole log."""
        assert self.client is not None
        async with self.client.get("/api/events", headers={"Accept": "application/x-ndjson"}) as response:
            return [json.loads(line) for line in (await response.text()).splitlines()]

    # -- from outside ------------------------------------------------------------------------------------------

    @contextmanager
    def full_disk(self, left: int) -> Iterator[None]:
        """No file that the server or what it starts writes gets any larger than this, as on a full disk."""
        assert self.server.process is not None
        pid = self.server.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (left, hard))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    def rows(self, sql: str) -> list[sqlite3.Row]:
        connection = sqlite3.connect(f"{self.database.absolute().as_uri()}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    @property
    def mark(self) -> str:
        """What the marks of all its agents begin with."""
        epoch = self.rows("SELECT value FROM meta WHERE key = 'epoch'")[0][0]
        return f"{epoch}:"

    # -- what must hold ----------------------------------------------------------------------------------------

    def left_alive(self) -> list[tuple[int, str]]:
        """Processes with a mark and their command lines, but for those that only print their version or help."""
        left = [(pid, _words(pid)) for pid in alive(self.mark)]
        return [(pid, words) for pid, words in left if not words.rstrip().endswith(ASKED) and words != ENDED]

    async def left_after_a_moment(self) -> list[tuple[int, str]]:
        """Those that are alive when what follows a batch is done, such as the git of its receipts."""
        left = self.left_alive()
        for _ in range(round(MOMENT_S / POLL_S)):
            if not left:
                break
            await asyncio.sleep(POLL_S)
            left = self.left_alive()
        return left

    async def faults(self) -> list[str]:
        """What does not hold of a run that has come to an end, in words."""
        left = await self.left_after_a_moment()
        events, run = await self.events(), await self.run()
        return [
            *broken(self.database, self.tracker, self.before),
            *([] if run["state"] == "idle" else [f"the state is {run['state']}"]),
            *[f"process {pid} is alive: {words}" for pid, words in left],
            *_gaps(events),
            *_ends(events),
            *_ledger(await self.insights(), self.rows("SELECT * FROM commands")),
            *_folds(events, run),
            *(
                ["a traceback in the log: " + self.server.errors()[-2000:]]
                if "Traceback" in self.server.errors()
                else []
            ),
        ]

    async def insights(self) -> dict[str, Any]:
        assert self.client is not None
        insights: dict[str, Any] = await get(self.client, "/api/insights")
        return insights


def _gaps(events: list[dict[str, Any]]) -> list[str]:
    seqs = [event["seq"] for event in events]
    return [] if seqs == list(range(1, len(seqs) + 1)) else [f"the events have gaps: {seqs}"]


def _ends(events: list[dict[str, Any]]) -> list[str]:
    """A command that was begun was ended, once."""
    begun, ended = (
        Counter(event["payload"]["command_id"] for event in events if event["type"] == f"command:{kind}")
        for kind in ("start", "end")
    )
    twice = [id_ for id_, count in ended.items() if count > 1]
    return [f"commands {ids} {how}" for ids, how in ((twice, "ended twice"), (begun - ended, "have no end")) if ids]


def _ledger(insights: Mapping[str, Any], rows: list[sqlite3.Row]) -> list[str]:
    """Every way of adding up comes to what the rows say."""
    found = []
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd"):
        booked = sum(row[name] or 0 for row in rows)
        for group in ("total", "by_command", "by_story", "by_epic", "by_batch", "by_day", "by_model", "by_agent"):
            received = sum(line[name] for line in insights[group])
            if abs(received - booked) > 1e-6:
                found.append(f"{name} of {group} is {received}, the rows say {booked}")
    return found


def _folds(events: list[dict[str, Any]], run: Mapping[str, Any]) -> list[str]:
    """A page that has seen every event shows the state that a page of now receives."""
    if shutil.which("node") is None:
        return []
    asked = ["node", "--input-type=module", "-e", FOLD]
    done = subprocess.run(asked, cwd=ROOT, input=json.dumps(events).encode(), capture_output=True, check=True)
    page = json.loads(done.stdout)
    received = run.keys() - {*SERVERS_OWN}
    return [f"{name}: page {page.get(name)}, server {run[name]}" for name in received if page.get(name) != run[name]]


def _words(pid: int) -> str:
    """The command line of a process, for a message."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ENDED
