"""Answering an agent's question over HTTP, with a server that is killed while it waits."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT, Server, get, post

LONG_S = 60.0  # a server and three agents on a busy machine


async def until(client: aiohttp.ClientSession, state: str) -> dict[str, Any]:
    async with asyncio.timeout(LONG_S):
        while (run := await get(client, "/api/run"))["state"] != state:
            await asyncio.sleep(0.05)
    return dict(run)


def make_server(folder: Path) -> Server:
    project = make_project(folder / "tiny", {"1-1-a": "in-progress"})
    script = folder / "script.json"
    script.write_text(json.dumps({"dev-story": ["question:Which colour?", "ok"]}))
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script", str(script)])
    (project / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    return Server([str(project), "--port", "0"], folder)


async def answered(client: aiohttp.ClientSession, fields: Any) -> tuple[int, str]:
    """Status of an answer, and the code or the message of what is wrong with it."""
    status, response = await post(client, "/api/run/answer", fields)
    return status, "" if status == 202 else f"{response['error']['code']}: {response['error']['message']}"


async def test_a_question_survives_a_kill_and_is_answered(tmp_path: Path) -> None:
    server = make_server(tmp_path).start()
    async with aiohttp.ClientSession(server.url) as client:
        assert (await post(client, "/api/run/start", {"batch_size": "all"}))[0] == 202
        asked = await until(client, "paused")
    assert (asked["reason"], asked["attention"][0]["kind"]) == ("question", "question")
    server.end(signal.SIGKILL)
    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        run = await get(client, "/api/run")
        assert (run["state"], run["reason"], run["attention"]) == ("paused", "question", asked["attention"])
        id = run["attention"][0]["command_id"]
        for fields, said in WRONG:
            status, response = await answered(client, {"command_id": id, "text": "blue", **fields})
            assert (status, said in response) == (400, True), response
        assert (await answered(client, {"command_id": id + 1, "text": "blue"}))[0] == 409
        assert await answered(client, {"command_id": id, "text": "blue"}) == (202, "")
        status, response = await answered(client, {"command_id": id, "text": "red"})
        assert (status, response) == (409, "answered: the question was answered already")
        run = await until(client, "idle")
        assert (run["attention"], run["batch"]["status"]) == ([], "completed")
        dossier = await get(client, "/api/stories/1-1-a")
    statuses = [(command["command"], command["status"]) for command in dossier["commands"]]
    assert statuses[:2] == [("dev-story", "question"), ("dev-story", "success")]
    assert server.end() == 0
    assert "1-1-a: done" in (tmp_path / "tiny" / TRACKER).read_text()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"command_id": None}, "command_id: must be the id"),
    ({"command_id": "7"}, "command_id: must be the id"),
    ({"command_id": True}, "command_id: must be the id"),
    ({"command_id": 0}, "command_id: must be the id"),
    ({"command_id": 10**30}, "command_id: must be the id"),
    ({"text": None}, "text: must be a text"),
    ({"text": " \n"}, "text: must be a text"),
    ({"text": "x" * 20_001}, "text: must be a text"),
    ({"answer": "x"}, "answer: there is no such field"),
]
