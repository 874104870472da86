"""The Changes of a story after a whole run are its own, not of the story beside it in its cycle or in another lane."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.running.projects import make_project
from tests.servers import ROOT, Server, get, post

STORIES = dict.fromkeys(("1-1-a", "1-2-b", "2-1-c"), "backlog")


@pytest.fixture(params=[1, 2], ids=["one after the other", "in two lanes"])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Server:
    """A server whose first two stories share a cycle."""
    project = make_project(tmp_path / "tiny", STORIES)
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\nparallel: {request.param}\n"
    )
    return Server([str(project), "--port", "0"], tmp_path)


async def test_the_changes_of_a_story_are_its_own(client: aiohttp.ClientSession) -> None:
    assert (await post(client, "/api/run/start", {"batch_size": "all"}))[0] == 202
    while (await get(client, "/api/run"))["state"] != "idle":
        await asyncio.sleep(0.1)
    cycles = await get(client, "/api/events?type=cycle:start")
    assert [cycle["payload"]["story_keys"] for cycle in cycles["events"]] == [["1-1-a", "1-2-b"], ["2-1-c"]]
    for key in STORIES:
        dossier = await get(client, f"/api/stories/{key}")
        developed = next(one["id"] for one in dossier["commands"] if one["command"] == "dev-story")
        work = await get(client, f"/api/stories/{key}/changes/work")
        assert [(file["path"], file["makers"]) for file in work["files"]] == [
            (f"work/{key}.md", [f"command-{developed}"])
        ]
        assert dossier["diff"]["files_changed"] == 1
        foreign = {f"work/{other}.md" for other in STORIES if other != key}
        for commit in dossier["commits"]:
            changed = (await get(client, f"/api/stories/{key}/changes/{commit['hash']}"))["files"]
            assert not foreign & {file["path"] for file in changed}, commit["subject"]
