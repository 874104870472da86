"""Retry of a blocked story of a stories.yaml: its file is final for BMAD's build, and deleted only after asking."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.api.test_hints import post
from tests.running.plans import git, make_stories, subjects
from tests.servers import ROOT, Server, get, run_story

LIST = '- id: "1"\n  title: One\n- id: "2"\n  title: Two\n'
BLOCKED = "---\ntitle: One\nstatus: blocked\n---\n\n## Auto Run Result\n\nBlocking condition: intent gap\n"
NAME = "specs/x/stories/1-one.md"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_stories(tmp_path / "x", LIST, {NAME: BLOCKED, "sprint-runner.yaml": _settings()})


def _settings() -> str:
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    named = "verify: 'true'\ntracker: specs/x/stories.yaml\n"
    return f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n{named}"


@pytest.fixture
async def server(root: Path, tmp_path: Path) -> AsyncIterator[Server]:
    running = Server([str(root), "--port", "0"], tmp_path).start()
    yield running
    assert await asyncio.to_thread(running.end) == 0
    assert "Traceback" not in running.errors()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def test_it_is_asked_and_nothing_is_changed_before_the_answer(client: aiohttp.ClientSession, root: Path) -> None:
    status, refused = await post(client, "1/retry", hint="Sort by date.")
    assert (status, refused["error"]["code"]) == (409, "confirm")
    assert refused["error"]["message"].startswith(f"1 can only be built again without its file: {NAME} is deleted")
    assert (root / NAME).read_text() == BLOCKED
    assert (await get(client, "/api/stories/1"))["hints"] == []


async def test_after_the_answer_the_file_is_kept_as_a_copy_and_the_story_is_built_anew(
    client: aiohttp.ClientSession, server: Server, root: Path
) -> None:
    status, retried = await post(client, "1/retry", hint="Sort by date.", confirm=True)
    assert (status, retried["status"], retried["hint_id"]) == (202, "backlog", 1)
    assert not (root / NAME).exists()
    assert (root / retried["copy"]).read_text() == BLOCKED
    await run_story(server.url, "1")
    story = await get(client, "/api/stories/1")
    assert story["status"] == "done"
    assert story["hints"][0]["command_id"] == story["commands"][0]["id"]
    assert "status: done" in (root / NAME).read_text()
    assert "chore: delete 1-one.md, to build again" in subjects(root)
    assert git(root, "status", "--porcelain") == ""
    events = (await get(client, "/api/events?limit=1000"))["events"]
    reasons = [event["payload"].get("reason") for event in events if event["type"] == "story:status"]
    assert reasons[0] == f"tried again by hand: 1-one.md was deleted, its copy is {retried['copy']}"


async def test_a_step_to_begin_at_is_asked_for_in_vain_where_the_file_has_to_go(
    client: aiohttp.ClientSession, root: Path
) -> None:
    status, refused = await post(client, "1/retry", status="review")
    assert (status, refused["error"]["code"]) == (409, "confirm")
    assert (root / NAME).read_text() == BLOCKED
    status, retried = await post(client, "1/retry", status="review", confirm=True)
    assert (status, retried["status"]) == (202, "backlog")
    assert (root / retried["copy"]).read_text() == BLOCKED
    assert (await get(client, "/api/stories/1"))["status"] == "backlog"


async def test_one_that_was_skipped_is_brought_back(client: aiohttp.ClientSession) -> None:
    assert (await post(client, "1/skip", reason="not now"))[0] == 202
    assert "skipped" in (await get(client, "/api/stories/1"))["plan"]
    assert (await post(client, "1/retry", confirm=True))[0] == 202
    story = await get(client, "/api/stories/1")
    assert (story["status"], "skipped" in story["plan"]) == ("backlog", False)


async def test_the_command_line_repeats_the_question_and_takes_the_answer(server: Server, root: Path) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "server.py"), "hint", "1", "Sort by date.", "--retry", *words]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    refused = await asyncio.to_thread(call)
    assert (refused.returncode, refused.stderr.startswith("refused: 1 can only be built again without")) == (1, True)
    assert "--confirm" in refused.stderr
    done = await asyncio.to_thread(call, "--confirm")
    assert (done.returncode, done.stdout) == (0, "1 is backlog again, with the hint.\n")
    assert not (root / NAME).exists()


async def test_what_is_not_blocked_is_not_deleted(client: aiohttp.ClientSession, root: Path) -> None:
    (root / NAME).write_text(BLOCKED.replace("blocked", "in-review"))
    status, refused = await post(client, "1/retry", confirm=True)
    assert (status, refused["error"]["code"]) == (409, "not_blocked")
    assert (root / NAME).exists()
