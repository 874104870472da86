"""Hints and further tries over HTTP, with a real server and a scripted agent."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT, Server, get, run_story

KEY = "1-1-a"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server over one blocked, one open and one finished story; not started yet."""
    project = make_project(tmp_path / "tiny", {KEY: "blocked", "1-2-b": "ready-for-dev", "1-3-c": "done"})
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\nverify: 'true'\n"
    )
    return Server([str(project), "--port", "0"], tmp_path)


async def post(client: aiohttp.ClientSession, path: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    async with client.post(f"/api/stories/{path}", json=fields) as response:
        return response.status, await response.json()


async def test_a_blocked_story_is_tried_again_with_a_hint(
    client: aiohttp.ClientSession, server: Server, tmp_path: Path
) -> None:
    status, retried = await post(client, f"{KEY}/retry", hint="Sort by  date.\r\nNot by name.")
    assert (status, retried) == (202, {"status": "ready-for-dev", "hint_id": 1})
    assert f"  {KEY}: ready-for-dev" in (tmp_path / "tiny" / TRACKER).read_text()
    dossier = await get(client, f"/api/stories/{KEY}")
    [hint] = dossier["hints"]
    assert (hint["text"], hint["command_id"]) == ("Sort by  date.\nNot by name.", None)
    await run_story(server.url, KEY)
    dossier = await get(client, f"/api/stories/{KEY}")
    [hint] = dossier["hints"]
    assert hint["command_id"] == dossier["commands"][0]["id"]
    transcript = await get(client, f"/api/commands/{hint['command_id']}/transcript")
    assert transcript["hints"] == ["Sort by  date.\nNot by name."]
    later = await get(client, f"/api/commands/{dossier['commands'][1]['id']}/transcript")
    assert later["hints"] == []
    events = (await get(client, "/api/events?limit=1000"))["events"]
    assert [event["payload"].get("command_id") for event in events if event["type"] == "story:hint"] == [
        None,
        hint["command_id"],
    ]


async def test_a_blocked_story_continues_at_its_code_review(
    client: aiohttp.ClientSession, server: Server, tmp_path: Path
) -> None:
    tracker = tmp_path / "tiny" / TRACKER
    tracker.write_text(tracker.read_text().replace(f"{KEY}: blocked", f"{KEY}: ready-for-dev"))
    await run_story(server.url, KEY)
    tracker.write_text(tracker.read_text().replace(f"{KEY}: done", f"{KEY}: blocked"))
    before = len((await get(client, f"/api/stories/{KEY}"))["commands"])
    status, refused = await post(client, f"{KEY}/retry", status="done")
    assert (status, refused["error"]["message"]) == (
        400,
        "status: must be one of backlog, in-progress, ready-for-dev, review",
    )
    assert await post(client, f"{KEY}/retry", status="review") == (202, {"status": "review", "hint_id": None})
    await run_story(server.url, KEY)
    commands = (await get(client, f"/api/stories/{KEY}"))["commands"]
    assert commands[before]["command"] == "code-review-1"


async def test_what_no_command_will_get_is_kept_and_reported(client: aiohttp.ClientSession) -> None:
    status, stored = await post(client, "1-3-c/hint", text="Too late?")
    assert (status, stored["note"]) == (
        202,
        "1-3-c is done: the hint is kept, and a command gets it when the story runs again",
    )
    assert (await post(client, f"{KEY}/hint", text="x"))[1]["note"].startswith(f"{KEY} is blocked: ")
    assert (await post(client, "1-2-b/hint", text="x"))[1]["note"] is None


@pytest.mark.parametrize(
    ("path", "fields", "status", "message"),
    [
        ("1-2-b/retry", {}, 409, "1-2-b is ready-for-dev: only a blocked story is tried again"),
        ("9-9-z/hint", {"text": "x"}, 404, "the plan has no story '9-9-z'"),
        ("1-2-b/hint", {}, 400, "text: must be a text of 1 to 16384 bytes"),
        ("1-2-b/hint", {"text": " \n"}, 400, "text: must be a text of 1 to 16384 bytes"),
        ("1-2-b/hint", {"text": "é" * 8193}, 400, "text: must be a text of at most 16384 bytes"),
        ("1-2-b/hint", {"text": "a\x1b[2Jb"}, 400, "text: contains control codes; take them out"),
        ("1-2-b/hint", {"text": "a\u202eb"}, 400, "text: contains control codes; take them out"),
        ("1-1-a/retry", {"hint": "a\x00b"}, 400, "hint: contains control codes; take them out"),
        ("1-2-b/hint", {"text": "x", "more": 1}, 400, "more: there is no such field; known are text"),
    ],
)
async def test_what_is_refused(
    client: aiohttp.ClientSession, path: str, fields: dict[str, Any], status: int, message: str
) -> None:
    assert await post(client, path, **fields) == (status, {"error": {"code": ANY, "message": message}})
    assert (await get(client, "/api/stories/1-2-b"))["hints"] == []


class _Any:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    def __hash__(self) -> int:
        return 0


ANY = _Any()
