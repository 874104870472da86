"""A project with epics and no plan, over HTTP: the tracker that is proposed, its own planning, and a real server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.servers import ROOT, Server, get, post

EPICS = """\
# Tiny

## Epic 1: Words

### Story 1.1: Say hello

### Story 1.2: Say bye

### Story one: Say nothing 1

## Epic 2: Empty
"""
TRACKER = "_bmad-output/implementation-artifacts/sprint-status.yaml"
SKILL = ".claude/skills/bmad-sprint-planning/SKILL.md"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "_bmad-output/planning-artifacts").mkdir(parents=True)
    (folder / "_bmad-output/planning-artifacts/epics.md").write_text(EPICS)
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (folder / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "epics")):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    started = Server([str(root), "--port", "0"], root.parent).start()
    yield started
    if started.process is not None:
        assert started.end() == 0
    assert "Traceback" not in started.errors()


async def until_planned(client: aiohttp.ClientSession) -> list[str]:
    """The keys of the stories, once there is a plan."""
    while (plan := await get(client, "/api/sprint"))["kind"] == "none":
        await asyncio.sleep(0.1)
    return [story["key"] for story in plan["stories"]]


async def events_of(client: aiohttp.ClientSession, kind: str) -> list[dict[str, object]]:
    return [event["payload"] for event in (await get(client, f"/api/events?type={kind}"))["events"]]


async def test_the_tracker_is_shown_then_written_once(server: Server, root: Path) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        plan = await get(client, "/api/sprint")
        assert (plan["kind"], plan["stories"], plan["problems"], plan["project"]["writable"]) == ("none", [], [], False)
        assert (await post(client, "/api/run/start", {}))[1]["error"]["code"] == "no_plan"
        shown = await get(client, "/api/plan/proposal")
        assert (shown["path"], shown["epics"], shown["stories"]) == (TRACKER, 1, 2)
        assert "  1-1-say-hello: backlog\n" in shown["text"]
        assert [problem["line"] for problem in shown["problems"]] == [9, None]
        assert "'Story one: Say nothing 1' is not understood" in shown["problems"][0]["message"]
        assert shown["problems"][1]["message"] == "Epic 2 has no stories and would be left out."
        assert not (root / TRACKER).exists()

        (root / "_bmad-output/planning-artifacts/epics.md").write_text(EPICS + "\n### Story 2.1: Sing\n")
        status, answer = await post(client, "/api/plan/tracker", {"expected": shown["hash"]})
        assert (status, answer["error"]["code"]) == (409, "conflict")
        assert answer["error"]["message"] == "The epics have changed since the text was shown: look at it again."
        shown = await get(client, "/api/plan/proposal")
        both = await asyncio.gather(*(post(client, "/api/plan/tracker", {"expected": shown["hash"]}) for _ in "ab"))
        assert sorted(status for status, _ in both) == [200, 409]
        assert (root / TRACKER).read_text() == shown["text"]
        assert await until_planned(client) == ["1-1-say-hello", "1-2-say-bye", "2-1-sing"]
        assert await events_of(client, "plan:change") == [{"tracker": TRACKER, "kind": "tracker", "reason": "made"}]
        assert await events_of(client, "story:status") == []
        async with client.get("/api/plan/proposal") as response:
            assert response.status == 409
        while (await get(client, "/api/run"))["plan"]["total"] != 3:
            await asyncio.sleep(0.1)


async def test_a_file_that_has_come_meanwhile_is_not_written_over(server: Server, root: Path) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        shown = await get(client, "/api/plan/proposal")
        (root / TRACKER).parent.mkdir(parents=True)
        (root / TRACKER).write_text("development_status:\n  epic-7: backlog\n  7-1-mine: backlog\n")
        status, answer = await post(client, "/api/plan/tracker", {"expected": shown["hash"]})
        assert status in (409, 422)  # the server may have found the file already
        assert "is there already" in answer["error"]["message"] or "has a plan already" in answer["error"]["message"]
        assert await until_planned(client) == ["7-1-mine"]
        while not (found := await events_of(client, "plan:change")):
            await asyncio.sleep(0.05)
        assert found[0]["reason"] == "found"


async def test_without_a_planning_command_none_is_started(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        planning = (await get(client, "/api/plan/proposal"))["planning"]
        assert (planning["command"], planning["agent"]) == ("", "own")
        assert "no command for sprint planning that own could call" in planning["problem"]
        status, answer = await post(client, "/api/plan/run", {})
        assert (status, answer["error"]["code"], answer["error"]["message"]) == (409, "no_command", planning["problem"])
        assert (await post(client, "/api/plan/run", {"agent": "nobody"}))[1]["error"]["code"] == "agent"
        assert (await get(client, "/api/batches"))["batches"] == []


async def test_the_projects_own_planning_is_a_batch_of_one_command(server: Server, root: Path) -> None:
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_text("---\nname: bmad-sprint-planning\n---\n")
    async with aiohttp.ClientSession(server.url) as client:
        assert (await get(client, "/api/plan/proposal"))["planning"]["command"] == "/bmad-sprint-planning"
        status, answer = await post(client, "/api/plan/run", {"budget_usd": 5})
        assert status == 202
        assert (await post(client, "/api/plan/run", {}))[1]["error"]["code"] == "running"
        assert await until_planned(client) == ["1-1-say-hello", "1-2-say-bye"]
        while (run := await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert (run["batch"]["status"], run["batch"]["label"], run["stories"]) == ("completed", "sprint planning", [])
        assert run["totals"]["cost_usd"] > 0
        batch = await get(client, f"/api/batches/{answer['batch_id']}")
        assert [(row["command"], row["status"]) for row in batch["commands"]] == [("sprint-planning", "success")]
        assert batch["commands"][0]["cost_usd"] == run["totals"]["cost_usd"]
        assert [event["status"] for event in await events_of(client, "command:end")] == ["success"]
        assert await events_of(client, "command:progress")
        assert (await post(client, "/api/plan/run", {}))[1]["error"]["code"] == "planned"


async def test_a_planning_that_is_stopped_has_made_no_plan(root: Path) -> None:
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_text("---\nname: bmad-sprint-planning\n---\n")
    settings = root / "sprint-runner.yaml"
    settings.write_text(settings.read_text().replace('"max"', '"0.2"'))
    server = Server([str(root), "--port", "0"], root.parent).start()
    async with aiohttp.ClientSession(server.url) as client:
        assert (await post(client, "/api/plan/run", {}))[0] == 202
        while not await events_of(client, "command:start"):
            await asyncio.sleep(0.05)
        shown = await get(client, "/api/plan/proposal")
        assert (await post(client, "/api/plan/tracker", {"expected": shown["hash"]}))[1]["error"]["code"] == "running"
        assert (await post(client, "/api/run/stop", {"mode": "now"}))[0] == 202
        while (run := await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.05)
        assert (run["batch"]["status"], run["resumable"]) == ("stopped", None)
        assert (await get(client, "/api/sprint"))["kind"] == "none"
        assert (await post(client, "/api/plan/tracker", {"expected": shown["hash"]}))[0] == 200
        assert await until_planned(client) == ["1-1-say-hello", "1-2-say-bye"]
    assert server.end() == 0
    assert "Traceback" not in server.errors()


def test_the_planning_from_a_terminal(root: Path) -> None:
    command = [sys.executable, str(ROOT / "server.py"), "run", str(root)]
    environment = {**os.environ, "SPRINT_RUNNER_TRUST": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *words], capture_output=True, text=True, env=environment, check=False)

    assert "No sprint-status.yaml was found" in run().stderr
    refused = run("--plan")
    assert refused.returncode == 2
    assert "no command for sprint planning" in refused.stderr
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_text("---\nname: bmad-sprint-planning\n---\n")
    done = run("--plan", "--budget", "5")
    assert done.returncode == 0, done.stderr
    assert "the sprint is planned" in done.stdout
    assert "  1-1-say-hello: backlog\n" in (root / TRACKER).read_text()
    again = run("--plan")
    assert again.returncode == 2
    assert "the project has a plan already" in again.stderr


async def test_a_killed_planning_is_checked_or_made_once_more(server: Server, root: Path) -> None:
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_text("---\nname: bmad-sprint-planning\n---\n")
    async with aiohttp.ClientSession(server.url) as client:
        assert (await post(client, "/api/plan/run", {}))[0] == 202
        while not await events_of(client, "command:progress"):
            await asyncio.sleep(0.02)
    server.end(signal.SIGKILL)
    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        run = await get(client, "/api/run")
        if run["resumable"] is not None:  # else it had ended before the kill
            assert (await post(client, "/api/run/resume", {}))[0] == 202
        while (run := await get(client, "/api/run"))["state"] != "idle" or run["resumable"] is not None:
            await asyncio.sleep(0.1)
        assert run["batch"]["status"] == "completed"
        assert await until_planned(client) == ["1-1-say-hello", "1-2-say-bye"]
        ended = [event for event in await events_of(client, "command:end") if event["status"] == "success"]
        assert len(ended) <= 1  # a plan that was written before the kill needs no second call
