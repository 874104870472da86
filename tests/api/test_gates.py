"""Gates over HTTP: listed, decided once, and the run continues; a real server with a tree of tickets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.running.plans import EPIC_A, entries, make_tickets, ticket
from tests.servers import ROOT, Server, get, post


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": entries(ticket(1, "One", "plan_checkpoint = true"))})
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    started = Server([str(root), "--port", "0"], tmp_path).start()
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.errors()


async def test_a_gate_is_listed_and_decided_once(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        assert await get(client, "/api/gates") == {"gates": []}
        status, _ = await post(client, "/api/run/start", {"batch_size": 1})
        assert status == 202
        while not (gates := (await get(client, "/api/gates"))["gates"]):
            await asyncio.sleep(0.1)
        assert gates[0] | {"message": "", "opened_at": 0} == {
            "id": 1,
            "kind": "plan",
            "subject": "1.1",
            "message": "",
            "opened_at": 0,
            "decisions": ["go", "back", "skip", "stop"],
        }
        while (run := await get(client, "/api/run"))["state"] != "paused":
            await asyncio.sleep(0.1)
        assert (run["reason"], run["attention"][-1]["gate_id"]) == ("gate", 1)
        assert (await post(client, "/api/gates/1", {"decision": "maybe"}))[0] == 400
        assert (await post(client, "/api/gates/7", {"decision": "go"}))[0] == 409
        comments = [{"path": "plan.md", "line": 3, "text": "shorter"}]
        assert (await post(client, "/api/gates/1", {"decision": "go", "comments": comments}))[0] == 202
        assert (await post(client, "/api/gates/1", {"decision": "stop"}))[0] == 409
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        sprint = await get(client, "/api/sprint")
        assert next(story["status"] for story in sprint["stories"] if story["key"] == "1.1") == "done"
