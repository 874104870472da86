"""A whole run whose commands are on a real worker: in the worlds that users have, and steered by its operator."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from base.program import PROGRAM_DIR
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.test_demo import RUN_S, commands, until_idle
from tests.fleet.work.workshop import WorkerProcess
from tests.running.projects import TRACKER
from tests.servers import Server, get, post
from tests.worlds import World, git, make_world

KEY: Final = "1-1-a"
ODD: Final = "Gärten & Höfe (2)"
OFTEN: Final = "folder"  # the others run by `make worlds`


@contextmanager
def sprint(world: World, nats: NatsServer, folder: Path, script: object) -> Iterator[Server]:
    """A server whose lanes all go to one worker, with the demo's agent on both sides."""
    (folder / "script.json").write_text(json.dumps(script))
    command = [sys.executable, str(PROGRAM_DIR / "demo/agent.py"), "--speed", "max"]
    here = {"own": {"kind": "claude", "command": command}}
    there: dict[str, dict[str, object]] = {
        "own": {"kind": "claude", "command": [*command, "--script", str(folder / "script.json")]}
    }
    environment = {
        "SPRINT_RUNNER_FLEET": nats.address,
        "SPRINT_RUNNER_AGENT": "own",
        "SPRINT_RUNNER_AGENTS": json.dumps(here),
        "SPRINT_RUNNER_VERIFY": "true",
        "SPRINT_RUNNER_PARALLEL_HERE": "0",
    }
    with ExitStack() as stack:
        worker = WorkerProcess("bench", folder / "bench", nats.address, agents=there)
        worker.start()
        stack.callback(worker.close)
        server = Server([str(world.root), "--port", "0"], folder, environment).start()
        stack.callback(server.end)
        yield server


@asynccontextmanager
async def started(world: World, nats: NatsServer, folder: Path, script: object) -> AsyncIterator[aiohttp.ClientSession]:
    """The client of such a server whose run has begun."""
    with sprint(world, nats, folder, script) as server:
        async with aiohttp.ClientSession(server.url) as client:
            assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
            yield client


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose name has blanks, letters of other alphabets and signs of the shell."""
    (tmp_path / ODD).mkdir()
    return tmp_path / ODD


def developed(rows: list[dict[str, Any]]) -> list[tuple[str | None, str]]:
    """Machine and status of the developments, oldest first."""
    return [(row["machine"], row["status"]) for row in rows if row["command"] == "dev-story"]


@pytest.mark.parametrize(
    "layout",
    [pytest.param(name, marks=[] if name == OFTEN else pytest.mark.worlds) for name in ("folder", "nested", "linked")],
)
async def test_a_story_is_developed_on_a_worker(
    place: Path, nats: NatsServer, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    world = make_world(place, monkeypatch, layout)
    branch, before = git(world.root, "branch", "--show-current"), git(world.root, "status", "--porcelain").splitlines()
    async with started(world, nats, place, {}) as client:
        await until_idle(client)
        assert developed(await commands(client)) == [("bench", "success")]
        dossier = await get(client, f"/api/stories/{KEY}")
        assert dossier["status"] == "done", dossier
    assert f"{KEY}: done" in world.tracker.read_text()
    assert world.log()[0].startswith("merge(")
    assert git(world.root, "branch", "--show-current") == branch
    # The statuses are written where the operator works, and are theirs to commit.
    assert [
        line for line in git(world.root, "status", "--porcelain").splitlines() if TRACKER.name not in line
    ] == before


async def test_without_git_no_lane_goes_to_a_worker(
    place: Path, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(place, monkeypatch, "plain")
    with sprint(world, nats, place, {}) as server:
        async with aiohttp.ClientSession(server.url) as client:
            status, answer = await post(client, "/api/run/start", {"batch_size": 1})
            assert status == 409
            assert "git" in answer["error"]["message"]
            assert await commands(client) == []


async def question(client: aiohttp.ClientSession) -> int:
    """Return the id of the command that asks, as soon as one does."""
    async with asyncio.timeout(RUN_S):
        while True:
            for call in (await get(client, "/api/run"))["attention"]:
                if call["kind"] == "question":
                    return int(call["command_id"])
            await asyncio.sleep(0.05)


async def until_developed(client: aiohttp.ClientSession, after: int = 0) -> int:
    """Return the id of a development that follows on this command, as soon as its agent takes messages.

    It need not have said anything: the agents here begin with a long wait.
    """
    async with asyncio.timeout(RUN_S):
        while True:
            for operation in (await get(client, "/api/run"))["operations"]:
                command_id = int(operation["command_id"])
                if operation["command"] != "dev-story" or command_id <= after:
                    continue
                if (await get(client, f"/api/commands/{command_id}/transcript"))["takes_messages"]:
                    return command_id
            await asyncio.sleep(0.02)


async def until_state(client: aiohttp.ClientSession, state: str) -> None:
    async with asyncio.timeout(RUN_S):
        while (await get(client, "/api/run"))["state"] != state:
            await asyncio.sleep(0.05)


async def test_an_agent_on_a_worker_asks_is_answered_hears_a_message_and_is_paused(
    place: Path, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(place, monkeypatch, "top")
    async with started(world, nats, place, {"dev-story": ["question:Which zone?", "slow:8"]}) as client:
        asked = await question(client)
        status, _ = await post(client, "/api/run/answer", {"command_id": asked, "text": "UTC"})
        assert status == 202
        working = await until_developed(client, asked)
        status, _ = await post(client, f"/api/commands/{working}/message", {"text": "Mind the tests."})
        assert status == 202
        assert (await post(client, "/api/run/pause"))[0] == 202
        await until_state(client, "paused")
        page = await get(client, f"/api/commands/{working}/transcript")
        assert "Mind the tests." in [entry["text"] for entry in page["entries"] if entry["kind"] == "message"]
        assert (await post(client, "/api/run/resume"))[0] == 202
        await until_idle(client)
        assert {machine for machine, _ in developed(await commands(client))} == {"bench"}
        assert (await get(client, f"/api/stories/{KEY}"))["status"] == "done"
        warnings = (await get(client, "/api/events?limit=1000&type=batch:warning"))["events"]
        assert [one["payload"]["command_id"] for one in warnings if one["payload"]["warning_type"] == "answered"] == [
            asked
        ]


async def until_taken(client: aiohttp.ClientSession) -> Path:
    """Return the folder of a story that is taken over, when nothing works in it any more."""
    async with asyncio.timeout(RUN_S):
        while True:
            for view in (await get(client, "/api/run"))["takeovers"]:
                if view["state"] == "taken":
                    return Path(view["folder"])
            await asyncio.sleep(0.05)


async def test_a_story_on_a_worker_is_taken_over_worked_on_here_and_handed_back(
    place: Path, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(place, monkeypatch, "top")
    async with started(world, nats, place, {"dev-story": ["silent", "ok"]}) as client:
        await until_developed(client)
        assert (await post(client, f"/api/stories/{KEY}/take-over"))[0] == 202
        folder = await until_taken(client)
        assert folder.is_dir()
        assert folder != world.root
        (folder / "by-hand.txt").write_text("mine\n")
        assert (await post(client, f"/api/stories/{KEY}/hand-back"))[0] == 202
        await until_idle(client)
        rows = await commands(client)
        assert developed(rows) == [("bench", "stopped"), (None, "success")]
        assert [row["machine"] for row in rows if row["command"].startswith("code-review")] == ["bench"]
        assert (await get(client, f"/api/stories/{KEY}"))["status"] == "done"
    assert git(world.root, "show", "main:by-hand.txt") == "mine"
