"""What can be asked about a story: its evidence, its changes line by line, its files, and all of it as one file."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.api.test_html import read
from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT, Server, get, run_story

STORIES = {"1-1-a": "in-progress", "1-2-b": "backlog", "2-1-c": "done"}
HOSTILE = "</style><script>alert(1)</script>"
KEY = "1-1-a"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose project has one finished story behind it, whose check passed, and whose names mean no good."""
    folder = tmp_path_factory.mktemp("story")
    project = make_project(folder / "tiny", STORIES)
    artifacts = (project / TRACKER).parent
    (artifacts / f"{KEY}.md").write_text(f"# Story 1.1: {HOSTILE}\n\nStatus: in-progress\n\n## Story\n\nAs a test.\n")
    (artifacts / f"discovery-{KEY}.md").write_text("found: x")
    (artifacts / f"discovery-{KEY}a.md").write_text("of another story")
    (artifacts / f"secret-{KEY}.md").symlink_to("/etc/hostname")
    os.utime(next(project.rglob("project-context.md")), (0, 0))  # old enough to be refreshed beside the story
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\nverify: 'true'\n"
    )
    started = Server([str(project), "--port", "0"], folder).start()
    (project / "mine.txt").write_text("of the operator, before\n")
    asyncio.run(run_story(started.url, KEY))
    (project / "mine.txt").write_text("of the operator, afterwards\n")
    (project / "later.txt").write_text("of the operator, afterwards\n")
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.errors()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


def first_commit(project: Path) -> str:
    command = ["git", "rev-list", "--max-parents=0", "HEAD"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout.strip()


async def status_of(client: aiohttp.ClientSession, path: str) -> int:
    async with client.get(path) as response:
        return response.status


async def test_evidence_stands_beside_every_status_that_claims_something(client: aiohttp.ClientSession) -> None:
    received = (await get(client, "/api/standings"))["stories"]
    assert received[KEY]["tone"] == "good"
    assert received[KEY]["words"].startswith("1 review: zero issues · ")
    assert received["2-1-c"] == {
        "tone": "warn",
        "words": "Done before this runner knew it, nothing is proved",
        "before": True,
    }
    assert "1-2-b" not in received


async def test_a_dossier_says_what_its_status_rests_on(client: aiohttp.ClientSession) -> None:
    dossier = await get(client, f"/api/stories/{KEY}")
    said = " ".join(sentence["text"] for sentence in dossier["evidence"])
    for words in ("The runner set it to done", "Reviewed once", "Development changed", "Commit ", "passed."):
        assert words in said
    assert [review["kind"] for review in dossier["reviews"]] == ["code-review"]
    assert dossier["checks"]
    assert all(check["ok"] for check in dossier["checks"])
    names = [Path(name).name for name in dossier["artifacts"]]
    assert names[:2] == [f"{KEY}.md", f"discovery-{KEY}.md"]
    assert f"discovery-{KEY}a.md" not in names
    assert f"secret-{KEY}.md" not in names


async def test_a_dossier_lists_the_commands_of_its_story_only(client: aiohttp.ClientSession) -> None:
    commands = (await get(client, "/api/commands"))["commands"]
    listed = (await get(client, f"/api/stories/{KEY}"))["commands"]
    assert any(not command["story_keys"] for command in commands)  # the context file is no story's
    assert [command["id"] for command in listed] == [one["id"] for one in commands if KEY in one["story_keys"]]


async def test_a_status_set_by_hand_is_marked_as_such(client: aiohttp.ClientSession) -> None:
    async with client.put("/api/stories/1-2-b/status", json={"status": "done", "expected": "backlog"}) as response:
        assert response.status == 200
    received = (await get(client, "/api/standings"))["stories"]["1-2-b"]
    assert received == {"tone": "warn", "words": "Set to done by hand · No review"}
    async with client.put("/api/stories/1-2-b/status", json={"status": "backlog", "expected": "backlog"}) as response:
        assert response.status == 409
    async with client.put("/api/stories/1-2-b/status", json={"status": "backlog", "expected": "done"}) as response:
        assert response.status == 200


async def test_the_lines_of_its_commits_and_of_what_its_commands_changed(client: aiohttp.ClientSession) -> None:
    dossier = await get(client, f"/api/stories/{KEY}")
    developed = next(command for command in dossier["commands"] if command["command"] == "dev-story")
    for name in (dossier["commits"][0]["hash"], "work", f"command-{developed['id']}"):
        change = await get(client, f"/api/stories/{KEY}/changes/{name}")
        assert change["files"], name
        path = change["files"][0]["path"]
        one = await get(client, f"/api/stories/{KEY}/changes/{name}?path={quote(path)}")
        assert one["path"] == path
        assert one["hunks"]
        if name != dossier["commits"][0]["hash"]:
            assert not {"mine.txt", "later.txt"} & {file["path"] for file in change["files"]}
    work = await get(client, f"/api/stories/{KEY}/changes/work")
    assert dossier["diff"]["files_changed"] == len(work["files"])
    assert dossier["diff"]["lines_added"] == sum(file["added"] for file in work["files"])
    assert {maker for file in work["files"] for maker in file["makers"]} >= {f"command-{developed['id']}"}
    own = await get(client, f"/api/stories/{KEY}/changes/command-{developed['id']}")
    assert len(own["files"]) == developed["files_changed"]
    assert work["unknown"] == []


async def test_only_what_the_dossier_names_can_be_read(client: aiohttp.ClientSession, server: Server) -> None:
    first = first_commit(server._cwd / "tiny")
    changes = f"/api/stories/{KEY}/changes"
    own = (await get(client, f"/api/stories/{KEY}"))["commits"][0]["hash"]
    wrong = [f"{changes}/{name}" for name in (first, "HEAD", own[:10], "--help", "%00", "work%20")]
    wrong += [f"{changes}/{own}?path={path}" for path in ("", "..", "/etc/passwd", "%00", "sprint-runner.yaml")]
    wrong += [f"{changes}/{name}" for name in ("command-0", "command-x", "by-hand-1", "work?path=mine.txt")]
    wrong += ["/api/stories/2-1-c/changes/work", f"/api/stories/none/changes/{own}", "/api/stories/none/export"]
    names = ("", "..", "/etc/hostname", "sprint-runner.yaml", f"{TRACKER.parent}/secret-{KEY}.md", "%00")
    wrong += [f"/api/stories/{KEY}/artifact?name={quote(name, safe='%')}" for name in names]
    wrong += ["/api/batches/99/export", "/api/batches/x/export"]
    assert {path: await status_of(client, path) for path in wrong} == dict.fromkeys(wrong, 404)


async def test_a_file_of_the_story_is_text(client: aiohttp.ClientSession) -> None:
    received: dict[str, Any] = await get(client, f"/api/stories/{KEY}/artifact?name={TRACKER.parent}/{KEY}.md")
    assert HOSTILE in received["text"]
    assert not received["cut"]


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        (f"/api/stories/{KEY}/export", f"story-{KEY}.html", ("Transcript of dev-story", "Reviewed once", HOSTILE)),
        ("/api/batches/1/export", "batch-1.html", ("completed", KEY, "code-review-1")),
    ],
)
async def test_an_export_is_one_file_to_be_saved(
    client: aiohttp.ClientSession, path: str, name: str, words: tuple[str, ...]
) -> None:
    async with client.get(path) as response:
        assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert response.content_type == "text/html"
        reader = read(await response.read())
    assert "script" not in reader.tags
    assert not reader.attributes & {"src", "href", "style", "action", "srcset"}
    assert all(word in reader.text for word in words)
