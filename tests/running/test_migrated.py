"""A project that is migrated from a tracker to tickets in the middle of a sprint keeps what is known of its stories."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from orchestrator import StopMode
from tests.running.plans import EPIC_A, entries, git, make_tickets, ticket
from tests.running.projects import TRACKER, make_project
from tests.running.test_builds import Open, open_runner
from tests.servers import ROOT, Server, get, run_story

__all__ = ["open_runner"]


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
            assert [commit["subject"] for commit in dossier["commits"]] == ["feat(1): implement story 1-1-a"]
            change = await get(client, f"/api/stories/1.1/changes/{dossier['commits'][0]['hash']}")
            assert change["files"]
            evidence = (await get(client, "/api/standings"))["stories"]
            assert evidence["1.1"] == dossier["standing"]
            assert "Nothing of it was run" not in evidence["1.1"]["words"]
            async with client.get("/api/stories/1.1/export") as response:
                assert "code-review-1" in await response.text()
            assert (await get(client, "/api/stories/1.2"))["commands"] == []
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.errors()


async def test_a_story_that_was_stopped_in_the_middle_goes_on_under_its_new_key(
    tmp_path: Path, open_runner: Open
) -> None:
    """Its base stays the one from before the migration, so that the work of both counts as the story's."""
    root = make_project(tmp_path / "tiny", {"1-1-a": "ready-for-dev", "1-2-b": "backlog"})
    runner = await open_runner(root, {"code-review": ["slow:30"]})
    batch = await runner.start(1, stories=["1-1-a"])
    await runner.until_called("code-review")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    before = (await runner.rows(batch))[0][0]
    await runner.close()
    git(root, "add", "-A")
    git(root, "commit", "-qm", "half of it")
    git(root, "rm", "-rq", str(TRACKER))
    listed = entries(ticket(1, "A", 'v6_key = "1-1-a"'), ticket(2, "B", 'v6_key = "1-2-b"'))
    plan = "---\ntitle: A\nticket: 1\nstatus: in-review\n---\n"
    make_tickets(root, {f"{EPIC_A}/tickets.toml": listed, f"{EPIC_A}/story-a-plan.md": plan})
    (tmp_path / "script.json").write_text("{}")
    await runner.open()
    second = await runner.run(1, stories=["1.1"])
    row = (await runner.rows(second))[0][0]
    assert (row.story_key, row.epic, row.continues) == ("1.1", "1", before.id)
    assert (row.base_commit, row.commit_base) == (before.base_commit, before.commit_base)
    assert runner.statuses()["1.1"] == "done"
