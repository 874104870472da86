"""A project with two initiatives, over HTTP: which one is shown, another one chosen, and what a run keeps."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import sprint
from tests.running.plans import EPIC_A, INITIATIVE, entries, git, make_tickets, ticket
from tests.servers import ROOT, Server, get, post


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": entries(ticket(1, "One", "plan_checkpoint = true"))})
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (made / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    return made


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    started = Server([str(root), "--port", "0"], root.parent).start()
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.errors()


async def put(client: aiohttp.ClientSession, path: str, fields: Any) -> tuple[int, Any]:
    async with client.put(path, json=fields) as response:
        return response.status, await response.json()


OTHER = "_bmad-output/initiative-y"


@pytest.fixture
def both(root: Path) -> Path:
    """The project with a second initiative, which has a title and one ticket of another title."""
    shutil.copytree(root / INITIATIVE, root / OTHER)
    (root / OTHER / "initiative-y.md").write_text("---\ntype: initiative\n---\n# The other one\n")
    (root / OTHER / "epic-a/tickets.toml").write_text(entries(ticket(1, "Another thing")))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "another initiative")
    return root


async def titles(client: aiohttp.ClientSession) -> list[str]:
    return [story["title"] for story in (await get(client, "/api/sprint"))["stories"]]


async def test_another_initiative_is_shown_and_run(both: Path, server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        found = await get(client, "/api/plan/initiatives")
        assert found == {
            "current": "initiative-x",
            "configured": "initiative-x",
            "chosen": None,
            "initiatives": [
                {"name": "initiative-x", "title": ""},
                {"name": "initiative-y", "title": "The other one"},
            ],
            "locked": None,
        }
        assert (await put(client, "/api/plan/initiative", {"initiative": "initiative-z"}))[0] == 404
        assert (await put(client, "/api/plan/initiative", {}))[0] == 400
        status, used = await put(client, "/api/plan/initiative", {"initiative": "initiative-y"})
        assert (status, used) == (200, {"tracker": f"{OTHER}/tickets.toml", "initiative": "initiative-y"})
        assert await titles(client) == ["Another thing", "Other thing"]
        while (await get(client, "/api/run"))["project"]["tracker"] != f"{OTHER}/tickets.toml":
            await asyncio.sleep(0.1)
        changes = (await get(client, "/api/events?type=plan:change"))["events"]
        assert [event["payload"] for event in changes] == [
            {
                "tracker": f"{OTHER}/tickets.toml",
                "kind": "tickets",
                "reason": "initiative",
                "initiative": "initiative-y",
            }
        ]
        assert (await get(client, "/api/events?type=story:status"))["events"] == []
        assert git(both, "status", "--porcelain", "-uno") == ""
        assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert (both / OTHER / "epic-a/story-another-thing-plan.md").is_file()
        assert not (both / INITIATIVE / "epic-a/story-one-plan.md").exists()
    server.end()
    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        assert (await get(client, "/api/plan/initiatives"))["current"] == "initiative-y"
        assert (await put(client, "/api/plan/initiative", {"initiative": None}))[1]["initiative"] == "initiative-x"
        assert (await titles(client))[0] == "One"


async def test_a_run_keeps_the_initiative_that_it_began_with(both: Path, server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
        status, answer = await put(client, "/api/plan/initiative", {"initiative": "initiative-y"})
        assert (status, answer["error"]["code"]) == (409, "running")
        assert "a run keeps the initiative that it began with" in answer["error"]["message"]
        while (await get(client, "/api/run"))["state"] != "paused":  # at the checkpoint of the plan
            await asyncio.sleep(0.1)
        assert (await put(client, "/api/plan/initiative", {"initiative": "initiative-y"}))[0] == 409
        assert (await post(client, "/api/run/stop", {"mode": "now"}))[0] == 202
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert (await put(client, "/api/plan/initiative", {"initiative": "initiative-y"}))[0] == 200
        # What the stopped batch has begun belongs to the other initiative, though its key is the same.
        assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
        while (await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert (both / OTHER / "epic-a/story-another-thing-plan.md").is_file()


async def test_the_setting_counts_before_a_choice(both: Path, server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        assert (await put(client, "/api/plan/initiative", {"initiative": "initiative-x"}))[0] == 200
    server.end()
    server.environment["SPRINT_RUNNER_INITIATIVE"] = "initiative-y"
    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        found = await get(client, "/api/plan/initiatives")
        assert (found["current"], found["chosen"]) == ("initiative-y", "initiative-x")
        assert found["locked"] == "The setting initiative names the plan, and counts before a choice made here."
        status, answer = await put(client, "/api/plan/initiative", {"initiative": "initiative-x"})
        assert (status, answer["error"]["code"]) == (409, "fixed")


def test_a_setting_that_names_none_is_refused(both: Path) -> None:
    with pytest.raises(sprint.ProjectNotFound, match="known are initiative-x, initiative-y"):
        sprint.locate(both, None, "initiative-z")
