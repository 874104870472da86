"""A take-over over HTTP and by the command line, with a server that is killed between its steps, and real sessions."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.api.test_hints import post
from tests.running.projects import LONG_S, make_project
from tests.servers import ROOT, Server, get
from tests.session_users import overlaps
from tests.worlds import git

KEY = "1-1-a"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server over one open and one finished story, whose agent stays silent in its first development."""
    project = make_project(tmp_path / "tiny", {KEY: "in-progress", "1-3-c": "done"})
    (tmp_path / "script.json").write_text(json.dumps({"dev-story": ["silent", "ok"]}))
    words = [sys.executable, str(ROOT / "tests/session_users.py"), str(tmp_path / "users.log")]
    agent = [*words, sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script"]
    command = json.dumps([*agent, str(tmp_path / "script.json")])
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {command}}}}}\nverify: 'true'\nauto_resume: true\n"
    )
    git(project, "add", "-A")
    git(project, "commit", "-qm", "settings")
    return Server([str(project), "--port", "0"], tmp_path)


def verb(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "server.py"), *arguments, "--project", str(tmp_path / "tiny")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def until(holds: Callable[[], bool]) -> None:
    """Return when something holds that another process does."""
    async with asyncio.timeout(LONG_S):
        while not holds():
            await asyncio.sleep(0.05)


def used(log: Path) -> bool:
    return log.exists() and "begin" in log.read_text()


async def test_a_session_is_never_used_by_two_and_a_kill_changes_nothing(
    client: aiohttp.ClientSession, server: Server, tmp_path: Path
) -> None:
    log = tmp_path / "users.log"
    async with client.post("/api/run/start", json={"batch_size": 1}) as response:
        assert response.status == 202
    await until(lambda: used(log))
    code, words = await asyncio.to_thread(verb, tmp_path, "take-over", KEY)
    message, _, line = words.strip().partition("\n")
    assert (code, message) == (0, f"{KEY} is yours: continue the session of own in your terminal, then hand it back.")
    terminal = await asyncio.create_subprocess_shell(line, stdin=subprocess.PIPE)
    await until(lambda: log.read_text().count("begin") == 2)
    (tmp_path / "tiny/hand.py").write_text("by hand\n")
    await asyncio.to_thread(server.end, signal.SIGKILL)
    await asyncio.to_thread(server.start)
    async with aiohttp.ClientSession(server.url) as again:
        [view] = (await get(again, "/api/run"))["takeovers"]
        assert (view["story_key"], view["state"], view["command_line"]) == (KEY, "taken", line)
        async with again.post("/api/run/resume", json={}) as response:
            refused = (await response.json())["error"]["message"]
        assert (response.status, refused) == (409, f"{KEY} is taken over in this folder: hand it back, then resume")
        assert (await asyncio.to_thread(verb, tmp_path, "hand-back", KEY)) == (
            0,
            f"{KEY} is handed back with 1 changed file; its code review is next.\n",
        )
        await asyncio.to_thread(server.end, signal.SIGKILL)
    await asyncio.to_thread(server.start)
    async with aiohttp.ClientSession(server.url) as last:
        if (await get(last, "/api/run"))["state"] == "idle":
            await last.post("/api/run/resume", json={})

        await until(lambda: log.read_text().count("begin") == 3)
        await until(lambda: git(tmp_path / "tiny", "log", "--format=%s").startswith("feat(1)"))
        dossier = await get(last, f"/api/stories/{KEY}")
        [by_hand] = dossier["by_hand"]
        assert (by_hand["files_changed"], by_hand["state"]) == (1, "returned")
        change = await get(last, f"/api/stories/{KEY}/changes/{by_hand['diff']}")
        assert [file["path"] for file in change["files"]] == ["hand.py"]
        booked = [command for command in dossier["commands"] if command["agent"] == "operator"]
        assert [(command["command"], command["cost_usd"]) for command in booked] == [("dev-story", None)]
        assert dossier["status"] == "done"
        before = booked[0]["id"]
        assert booked[0]["branch"] == f"before/{KEY}-dev-story-{before}"
        words = f"The branch mine has the files as they were before command {before}.\n"
        assert await asyncio.to_thread(verb, tmp_path, "branch", str(before), "mine") == (0, words)
        async with last.post(f"/api/commands/{before}/branch", json={"name": "mine"}) as response:
            refused = (await response.json())["error"]["message"]
        assert (response.status, refused) == (409, "there is a branch mine already: choose another name")
        async with last.post("/api/commands/999/branch", json={}) as response:
            assert response.status == 404
        assert "hand.py" not in git(tmp_path / "tiny", "ls-tree", "--name-only", "mine")
        assert "hand.py" in git(tmp_path / "tiny", "show", "--name-only", "--format=")
    await terminal.communicate(b"\n")
    assert overlaps(log) == []
    assert log.read_text().count("begin") >= 3  # the development, the terminal, the review


async def test_what_is_wrong_is_refused_in_a_sentence(client: aiohttp.ClientSession) -> None:
    for path, status, message in (
        ("9-9-z/take-over", 404, "the plan has no story '9-9-z'"),
        ("1-3-c/take-over", 409, "1-3-c is done: set it back before you change it"),
        (f"{KEY}/hand-back", 409, f"{KEY} is not taken over"),
    ):
        found, refused = await post(client, path)
        assert (found, refused["error"]["message"]) == (status, message)
