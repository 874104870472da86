"""Messages to a running agent over HTTP, with a real server, a scripted agent and pages that watch."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.running.projects import LONG_S, make_project
from tests.servers import ROOT, Server, get, post

KEY = "1-1-a"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server over one story, whose development takes a while; not started yet."""
    project = make_project(tmp_path / "tiny", {KEY: "ready-for-dev"})
    (tmp_path / "script.json").write_text(json.dumps({"dev-story": ["slow:3"]}))
    command = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script", str(tmp_path / "script.json")]
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {json.dumps(command)}}}}}\nverify: 'true'\n"
    )
    return Server([str(project), "--port", "0"], tmp_path)


async def send(client: aiohttp.ClientSession, command: int, text: Any) -> tuple[int, dict[str, Any]]:
    return await post(client, f"/api/commands/{command}/message", {"text": text})


async def developing(client: aiohttp.ClientSession) -> dict[str, Any]:
    """The transcript of the development, as soon as its agent can be sent something."""
    async with asyncio.timeout(LONG_S):
        while True:
            found = [
                each for each in (await get(client, "/api/commands"))["commands"] if each["command"] == "dev-story"
            ]
            if found and found[-1]["status"] == "running":
                async with client.get(f"/api/commands/{found[-1]['id']}/transcript") as response:
                    page: dict[str, Any] = await response.json()
                if response.status == 200 and page["takes_messages"]:
                    return page
            await asyncio.sleep(0.05)


async def test_a_message_stands_in_the_transcript_at_its_place(client: aiohttp.ClientSession) -> None:
    assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
    page = await developing(client)
    command = page["command_id"]
    assert (page["waiting"], page["hints"]) == ([], [])
    assert await send(client, command, "Sort by  date.\r\nNot by name.") == (202, {"id": 1, "note": None})
    page = await get(client, f"/api/commands/{command}/transcript")
    assert page["waiting"] in (["Sort by  date.\nNot by name."], [])
    async with asyncio.timeout(LONG_S):
        while page["takes_messages"] is not None:
            page = await get(client, f"/api/commands/{command}/transcript")
            await asyncio.sleep(0.05)
    page = await get(client, f"/api/commands/{command}/transcript")
    kinds = [entry["kind"] for entry in page["entries"]]
    at = kinds.index("message")
    assert page["entries"][at]["text"] == "Sort by  date.\nNot by name."
    assert kinds[at + 1] == "text"
    assert (page["waiting"], page["hints"]) == ([], [])
    [hint] = (await get(client, f"/api/stories/{KEY}"))["hints"]
    assert (hint["command_id"], hint["sent_to"]) == (command, command)
    status, refused = await send(client, command, "Too late.")
    assert (status, refused["error"]["code"]) == (409, "ended")
    assert f"command {command} does not run" in refused["error"]["message"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "text"), ("a\u202eb", "control codes"), ("x" * 16385, "16384"), (None, "text"), (7, "text")],
)
async def test_what_no_agent_should_read_is_refused(client: aiohttp.ClientSession, text: Any, problem: str) -> None:
    status, refused = await send(client, 1, text)
    assert status == 400
    assert problem in refused["error"]["message"]


async def test_an_unknown_command_is_not_found(client: aiohttp.ClientSession) -> None:
    assert (await send(client, 77, "Hello."))[0] == 404
