"""A project that is migrated from a tracker to tickets in the middle of a sprint keeps what is known of its stories."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from tests.running.plans import EPIC_A, entries, git, make_tickets, ticket
from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT, Server, get, run_story


async def test_the_dossier_keeps_its_past(tmp_path: Path) -> None:
    root = make_project(tmp_path / "tiny", {"1-1-a": "review", "1-2-b": "backlog"})
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    server = Server([str(root), "--port", "0"], tmp_path).start()
    await asyncio.to_thread(lambda: asyncio.run(run_story(server.url, "1-1-a")))
    assert server.end() == 0
    git(root, "rm", "-rq", "--ignore-unmatch", str(TRACKER))
    (root / TRACKER).unlink(missing_ok=True)
    listed = entries(ticket(1, "A", 'v6_key = "1-1-a"'), ticket(2, "B", 'v6_key = "1-2-b"'))
    plan = "---\ntitle: A\nticket: 1\nstatus: done\n---\n"
    make_tickets(root, {f"{EPIC_A}/tickets.toml": listed, f"{EPIC_A}/story-a-plan.md": plan})
    server = Server([str(root), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            dossier = await get(client, "/api/stories/1.1")
            assert dossier["status"] == "done"
            assert dossier["commands"][0]["command"] == "code-review-1"
            assert (await get(client, "/api/stories/1.2"))["commands"] == []
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.errors()
