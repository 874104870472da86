"""An agent that prints secrets wherever it can, in a real run of the real server: they are in no event, no row, no
answer and no log; the raw recording has them, for its owner alone."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT, Server, get, post

LETTERS = "q7Zx4Kp9Wm2Vt8Rb5Yc3Nd6Jf1Hg0Ls" * 4
SECRETS = [
    f"sk-ant-api03-{LETTERS[:60]}",
    f"ghp_{LETTERS[5:41]}",
    f"-----BEGIN PRIVATE KEY-----\n{LETTERS[9:73]}\n{LETTERS[20:84]}\n-----END PRIVATE KEY-----",
    f"https://user:{LETTERS[30:42]}@host.example/",
    "no-shape-but-given-to-the-agent",
    "no-shape-but-in-our-environment",
    "the-token-of-the-server",
]
# What must be found nowhere: the part of each that is the secret.
PARTS = [LETTERS[10:50], LETTERS[10:40], LETTERS[14:70], LETTERS[30:42], *SECRETS[4:]]
TOKEN = SECRETS[6]
PATIENCE_S = 60.0


@asynccontextmanager
async def leaky(folder: Path) -> AsyncIterator[tuple[Server, aiohttp.ClientSession, Path]]:
    project = make_project(folder / "tiny", {"1-1-a": "review", "2-1-b": "review", "3-1-c": "backlog"})
    (project / "secrets.txt").write_text("\n--\n".join(SECRETS))
    program = [sys.executable, str(ROOT / "tests/security/leaky.py"), str(project / "secrets.txt")]
    given = {"MY_API_KEY": SECRETS[4]}
    agents = {"leaky": {"kind": "claude", "command": program, "env": given}}
    verify = " ".join([*program, "--check"])
    lines = {"agent": "leaky", "agents": agents, "verify": verify, "retries": 0, "max_code_review_attempts": 2}
    (project / "sprint-runner.yaml").write_text(json.dumps(lines))
    environment = {"OTHER_SECRET": SECRETS[5], "SPRINT_RUNNER_TOKEN": TOKEN}
    server = Server([str(project), "--port", "0", "--log-level", "debug"], folder, environment).start()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        try:
            yield server, client, project
        finally:
            if server.process is not None:
                server.end()


async def answers(client: aiohttp.ClientSession) -> dict[str, str]:
    """Everything that the server reports of the run, by where it does."""
    commands = (await get(client, "/api/commands"))["commands"]
    paths = ["/api/run", "/api/events?limit=10000", "/api/sprint", "/api/standings", "/api/settings", "/api/commands"]
    paths += ["/api/insights", "/api/batches", "/api/batches/1", "/api/batches/1/export", "/metrics", "/healthz"]
    for key in ("1-1-a", "2-1-b"):
        paths += [f"/api/stories/{key}", f"/api/stories/{key}/export"]
    for command in commands:
        paths += [f"/api/commands/{command['id']}/transcript", f"/api/commands/{command['id']}/transcript?raw=1"]
    received = {}
    for path in paths:
        async with client.get(path) as response:
            assert response.status == 200, path
            received[path] = await response.text()
    async with client.ws_connect("/ws") as socket:
        received["/ws"] = (await socket.receive()).data
    return received


def leaks(text: str) -> list[str]:
    return [part for part in PARTS if part in text]


async def test_no_secret_of_an_agent_is_emitted_or_kept(tmp_path: Path) -> None:
    async with leaky(tmp_path) as (server, client, project):
        assert (await post(client, "/api/run/start", {"batch_size": "all", "stories": ["1-1-a", "2-1-b"]}))[0] == 202
        async with asyncio.timeout(PATIENCE_S):
            while (await get(client, "/api/run"))["state"] != "idle":
                await asyncio.sleep(0.1)
        received = await answers(client)
        assert {path: leaks(text) for path, text in received.items() if leaks(text)} == {}
        events = received["/api/events?limit=10000"]
        for kind in ("Anthropic key", "GitHub token", "private key", "password", "value of a variable"):
            assert f"[masked: {kind}]" in events, kind
        assert "the key [masked: " in received["/api/stories/1-1-a"]  # a finding
        assert "checked with" in events  # what the project's check printed
        assert '"refused with' in events or "refused with" in events  # the last words of an agent that failed
        shown = json.loads(received["/api/commands/1/transcript?raw=1"].splitlines()[-1])
        assert shown["type"] == "result"
        for file in (project / ".sprint-runner").glob("sprint-runner.db*"):  # with what SQLite puts beside it
            assert file.stat().st_mode & 0o777 == 0o600
        assert server.end() == 0
        assert leaks(server.errors()) == []
        check_disk(project / ".sprint-runner")
        check_environments(project)


def check_disk(data: Path) -> None:
    """The database holds none, the recordings all of them, and no other user may read either."""
    for file in data.glob("sprint-runner.db*"):
        assert leaks(file.read_bytes().decode("latin-1")) == [], file
        assert file.stat().st_mode & 0o777 == 0o600
    recordings = sorted((data / "streams").rglob("*.ndjson.gz"))
    assert recordings
    for recording in recordings:
        text = gzip.decompress(recording.read_bytes()).decode()
        assert {part for part in PARTS if part in text} == set(PARTS)
        assert recording.stat().st_mode & 0o777 == 0o600
        assert recording.parent.stat().st_mode & 0o777 == 0o700
    assert data.stat().st_mode & 0o777 == 0o700


def check_environments(project: Path) -> None:
    """The server's own token reaches neither the agents nor the project's check; the agents' own variables do."""
    agent: dict[str, Any] = json.loads((project / "agent-environment.json").read_text())
    check: dict[str, Any] = json.loads((project / "check-environment.json").read_text())
    assert agent["MY_API_KEY"] == SECRETS[4]
    assert TOKEN not in agent.values()
    assert TOKEN not in check.values()


async def test_a_link_in_the_project_does_not_lead_out_of_it(tmp_path: Path) -> None:
    """Pitfall: symlink targets served. A project is other people's content, and these files are for every origin."""
    async with leaky(tmp_path) as (_, client, project):
        (tmp_path / "private.key").write_text("secret")
        folder = (project / TRACKER).parent
        (folder / "orchestrator.csv").symlink_to(tmp_path / "private.key")
        (folder / "orchestrator.md").symlink_to("/dev/zero")
        for name in ("orchestrator.csv", "orchestrator.md"):
            async with client.get(f"/{name}") as response:
                assert response.status == 404
        (project / TRACKER).rename(folder / "real.yaml")
        (project / TRACKER).symlink_to("real.yaml")
        async with client.get("/sprint-status.yaml") as response:
            assert response.status == 404  # no link, wherever it leads
        (project / TRACKER).unlink()
        (project / TRACKER).symlink_to(tmp_path / "private.key")
        async with client.get("/sprint-status.yaml") as response:
            assert response.status == 404
        folder.rename(tmp_path / "private")
        (tmp_path / "private/orchestrator.md").unlink()
        (tmp_path / "private/orchestrator.md").write_text("secret")
        folder.symlink_to(tmp_path / "private")
        async with client.get("/orchestrator.md", headers={"Origin": "http://evil.example"}) as response:
            assert response.status == 404
