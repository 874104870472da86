"""The real server killed in the middle of an ACP call: nothing is left alive, and the session is loaded afterwards."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from base.program import PROGRAM_DIR
from tests.agents.children import PATIENCE_S, gone
from tests.agents.test_guarding import ENDED_S
from tests.processes import marked
from tests.running.projects import READY, make_project
from tests.servers import Server, get, post

SCRIPTED = PROGRAM_DIR / "tests/agents/acp/scripted.py"
SECRET = "sk-ant-api03-" + "x" * 40


async def until(client: aiohttp.ClientSession, met: Any) -> dict[str, Any]:
    """The state of the run, once it is as wanted."""
    async with asyncio.timeout(PATIENCE_S):
        while not met(run := await get(client, "/api/run")):
            await asyncio.sleep(0.05)
    return dict(run)


async def epoch_of(client: aiohttp.ClientSession) -> str:
    async with client.ws_connect("/ws") as socket:
        return str((await socket.receive_json())["payload"]["epoch"])


async def test_a_killed_server_goes_on_with_the_session(tmp_path: Path) -> None:
    root = make_project(tmp_path / "tiny", READY)
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"dev-story": [f"question:Which colour? {SECRET}", "ok"]}))
    command = [sys.executable, str(SCRIPTED), "--speed", "max", "--script", str(script)]
    env = {"DEMO_AGENT_HOME": str(tmp_path / "sessions"), "MY_TOKEN": SECRET}
    agent = {"kind": "acp", "command": command, "env": env}
    (root / "sprint-runner.yaml").write_text(json.dumps({"agent": "it", "agents": {"it": agent}}))
    server = Server([str(root), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            epoch = await epoch_of(client)
            assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
            run = await until(client, lambda run: run["attention"])
            assert run["state"] == "running"
            assert SECRET not in json.dumps(run)
            stream = root / ".sprint-runner/streams/1/1.ndjson"
            async with asyncio.timeout(PATIENCE_S):
                while b'"asked"' not in stream.read_bytes():
                    await asyncio.sleep(0.05)
        pids = marked(f"{epoch}:1")
        assert pids
        began = time.monotonic()
        await asyncio.to_thread(server.end, signal.SIGKILL)
        for pid in pids:
            await gone(pid)
        assert time.monotonic() - began < ENDED_S
        server.start()
        async with aiohttp.ClientSession(server.url) as client:
            run = await until(client, lambda run: run["attention"])
            command_id = run["attention"][0]["command_id"]
            assert (await post(client, "/api/run/answer", {"command_id": command_id, "text": "Yes"}))[0] == 202
            assert (await post(client, "/api/run/resume"))[0] in (200, 202)
            await until(client, lambda run: run["state"] == "idle")
            commands = (await get(client, "/api/batches/1"))["commands"]
            assert [row["command"] for row in commands if row["status"] == "success"][:1] == ["dev-story"]
            assert commands[0]["session_id"] == commands[1]["session_id"]
            async with client.get(f"/api/commands/{commands[1]['id']}/transcript?raw=1") as response:
                raw = await response.text()
            assert '"session/load"' in raw
            assert SECRET not in raw
            async with client.get(f"/api/commands/{commands[0]['id']}/transcript?raw=1") as response:
                raw = await response.text()
            assert '"asked"' in raw
            assert SECRET not in raw
            entries = (await get(client, f"/api/commands/{commands[0]['id']}/transcript"))["entries"]
            assert SECRET not in json.dumps(entries)
            assert "question" in {entry["kind"] for entry in entries}
    finally:
        if server.process is not None:
            await asyncio.to_thread(server.end)
