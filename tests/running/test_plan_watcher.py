"""The watcher of plans that keep a status in each story's own file: every page hears of a change."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from tests.running.plans import EPIC_A, make_tickets
from tests.servers import ROOT, Server, get


async def test_a_plan_that_is_written_is_emitted_and_counted(tmp_path: Path) -> None:
    root = make_tickets(tmp_path / "x", {})
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    server = Server([str(root), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert (await get(client, "/api/run"))["plan"]["done"] == 0
            plan = root / EPIC_A / "story-one-thing-plan.md"
            plan.write_text("---\ntitle: One thing\nticket: 1\nstatus: done\n---\n")
            while (await get(client, "/api/run"))["plan"]["done"] == 0:
                await asyncio.sleep(0.1)
            moves: list[dict[str, str]] = []
            while not moves:
                events = (await get(client, "/api/events?type=story:status"))["events"]
                payloads = [event["payload"] for event in events]
                moves = [payload for payload in payloads if payload["old_status"] != payload["new_status"]]
                await asyncio.sleep(0.1)
            assert (moves[0]["story_key"], moves[0]["old_status"], moves[0]["new_status"]) == ("1.1", "backlog", "done")
            assert moves[0]["reason"] == "changed in the story's own file"
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.errors()
