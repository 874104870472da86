"""Gates over HTTP: listed, decided once, and the run continues; a real server with a tree of tickets."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        assert (await post(client, "/api/epics/1/close"))[0] == 409
        assert (await post(client, "/api/gates/1", {"decision": "go", "comments": comments}))[0] == 202
        assert (await post(client, "/api/gates/1", {"decision": "stop"}))[0] == 409
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        sprint = await get(client, "/api/sprint")
        assert next(story["status"] for story in sprint["stories"] if story["key"] == "1.1") == "done"


async def waiting(client: aiohttp.ClientSession, above: int = 0) -> dict[str, Any]:
    """The gate that waits for a decision, once there is one with a larger id."""
    while True:
        for gate in (await get(client, "/api/gates"))["gates"]:
            if gate["id"] > above:
                return dict(gate)
        await asyncio.sleep(0.1)


async def test_a_plan_is_sent_back_once_and_a_kill_at_the_gate_loses_nothing(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
        first = await waiting(client)
        while (await get(client, "/api/run"))["state"] != "paused":
            await asyncio.sleep(0.1)
    server.end(signal.SIGKILL)
    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        assert await waiting(client) == first
        run = await get(client, "/api/run")
        assert (run["state"], run["reason"], run["attention"][-1]["gate_id"]) == ("paused", "gate", first["id"])
        back = {"decision": "back", "text": "use the library", "comments": [{"path": "a.py", "line": 3, "text": "no"}]}
        answers = await asyncio.gather(*(post(client, f"/api/gates/{first['id']}", back) for _ in range(4)))
        assert sorted(status for status, _ in answers) == [202, 409, 409, 409]
        second = await waiting(client, first["id"])
        plans = [one for one in (await get(client, "/api/commands"))["commands"] if "build-plan" in one["command"]]
        assert [one["command"] for one in plans] == ["build-plan-1", "build-plan-2"]
        assert (await post(client, f"/api/gates/{second['id']}", {"decision": "go"}))[0] == 202
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert (await get(client, "/api/stories/1.1"))["status"] == "done"
        builds = [one["command"] for one in (await get(client, "/api/commands"))["commands"]]
        assert builds.count("build-auto") == 1


async def test_an_epic_is_closed_between_batches_when_everything_of_it_is_finished(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        status, answer = await post(client, "/api/epics/2/close")
        assert (status, answer["error"]["message"]) == (422, "The epic epic-b is not finished: open are 2.1.")
        assert (await post(client, "/api/epics/7/close"))[0] == 422
        assert (await post(client, "/api/run/start", {"batch_size": "all", "stories": ["2.1"]}))[0] == 202
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert await post(client, "/api/epics/2/close") == (200, {"epic": "2"})
        epics = (await get(client, "/api/sprint"))["epics"]
        assert [epic["gate"]["closed"] for epic in epics] == [False, True]
        assert (await get(client, "/api/stories/1.1"))["plan"] == {"ref": "1.1", "plan_checkpoint": True}
