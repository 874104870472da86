"""The routes of briefs and receipts, and their verbs, against a server that has run one story."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import aiohttp
import pytest

from cli.arguments import parse
from cli.errors import CannotStart
from cli.receipt import show_receipt
from tests.api.test_html import read
from tests.receipts.keys import make_key
from tests.running.projects import make_project
from tests.running.repositories import git
from tests.servers import ROOT, Server, get, run_story

KEY = "1-1-a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brief")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server whose receipts are signed and whose notifications go into a file, with one story behind it."""
    project = make_project(folder / "tiny", {KEY: "in-progress", "1-2-b": "backlog"})
    key, _ = make_key(folder, "operator")
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    notified = folder / "notified"
    notify = f'sh -c \'printf "%s\\n--\\n" "$SPRINT_RUNNER_MESSAGE" >> {notified}\''
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\nverify: 'true'\n"
        f"receipt_key: {key}\nnotify_command: {json.dumps(notify)}\n"
    )
    started = Server([str(project), "--port", "0"], folder).start()
    asyncio.run(run_story(started.url, KEY))
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.errors()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


def call(folder: Path, *arguments: str, cwd: str = "tiny") -> tuple[int, str, str]:
    """A verb as a process."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "server.py"), *arguments],
        cwd=folder / cwd,
        env={**os.environ, "SPRINT_RUNNER_TRUST": "1", "SPRINT_RUNNER_DEMO_SPEED": "max"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def checked(folder: Path, what: str, *options: str) -> tuple[int, str]:
    """The verb `receipt` in this process, since a start of the program takes long; its exit code and its output."""

    def work() -> tuple[int, str]:
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            code = show_receipt(parse(["receipt", what, "--repository", str(folder), *options]))
        return code, printed.getvalue()

    return await asyncio.to_thread(work)


async def noted(client: aiohttp.ClientSession) -> dict[str, object]:
    """The receipt of the story, once its note is written."""
    async with asyncio.timeout(60):
        while True:
            async with client.get(f"/api/stories/{KEY}/receipt") as response:
                found: dict[str, object] = await response.json()
                if response.status == 200 and found["noted_at"] is not None:
                    return found
            await asyncio.sleep(0.05)


async def test_a_brief_as_json_and_as_files(client: aiohttp.ClientSession, folder: Path) -> None:
    brief = await get(client, "/api/batches/1/brief")
    insights = await get(client, "/api/insights?batch=1")
    assert [story["story_key"] for story in brief["done"]] == [KEY]
    assert brief["cost"]["usd"] == insights["total"][0]["cost_usd"]
    for form, kind in (("html", "text/html"), ("md", "text/markdown")):
        async with client.get(f"/api/batches/1/brief?format={form}") as response:
            assert response.content_type == kind
            assert response.headers["Content-Disposition"] == f'attachment; filename="brief-batch-1.{form}"'
            content = await response.read()
        assert b"1 of 1 story done" in content
    async with asyncio.timeout(60):
        while not (folder / "tiny/.sprint-runner/briefs/batch-1.html").exists():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("path", "status"), [("9/brief", 404), ("x/brief", 404), ("1/brief?format=pdf", 400)])
async def test_a_brief_that_is_not_there(client: aiohttp.ClientSession, path: str, status: int) -> None:
    async with client.get(f"/api/batches/{path}") as response:
        assert response.status == status


async def test_one_notification_of_the_end_has_the_first_lines(client: aiohttp.ClientSession, folder: Path) -> None:
    brief = await get(client, "/api/batches/1/brief")
    async with asyncio.timeout(60):
        while not (folder / "notified").exists():
            await asyncio.sleep(0.05)
    [text] = (folder / "notified").read_text().split("--\n")[:-1]
    first, *rest = text.rstrip("\n").split("\n")
    assert first == "Tiny: batch 1 is complete after 1 group"
    assert rest == brief["lines"][1:]


async def test_a_receipt_is_checked_here_and_downloaded(client: aiohttp.ClientSession, folder: Path) -> None:
    found = await noted(client)
    assert (found["story_key"], found["result"]["answer"]) == (KEY, "VERIFIED")  # type: ignore[index]
    assert (await get(client, f"/api/stories/{KEY}"))["receipt"] == found["commit"]
    async with client.get(f"/api/stories/{KEY}/receipt?download=1") as response:
        assert response.headers["Content-Disposition"] == f'attachment; filename="receipt-{KEY}.json"'
        (folder / "receipt.json").write_bytes(await response.read())
    assert json.loads((folder / "receipt.json").read_text()) == found["envelope"]
    async with client.get("/api/stories/1-2-b/receipt") as response:
        assert response.status == 404
        assert "there is no receipt of it yet" in (await response.json())["error"]["message"]
    path, tiny, allowed = folder / "receipt.json", folder / "tiny", str(folder / "operator.allowed")
    file = str(path)
    assert (await checked(tiny, file))[0] == 3
    code, printed = await checked(tiny, file, "--allowed-signers", allowed)
    assert (code, printed.splitlines()[0]) == (0, "VERIFIED")
    clone = folder / "clone"
    git(folder, "clone", "-q", "tiny", "clone")
    assert (await checked(clone, "HEAD"))[0] == 1
    git(clone, "fetch", "-q", "origin", "refs/notes/sprint-runner:refs/notes/sprint-runner")
    code, printed = await checked(clone, "HEAD", "--json", "--allowed-signers", allowed)
    assert (code, json.loads(printed)["answer"]) == (0, "VERIFIED")
    path.write_text(path.read_text().replace("ZERO ISSUES", "LOW"))
    code, printed = await checked(tiny, file, "--allowed-signers", allowed)
    assert (code, "DIFFERS  its digest" in printed) == (4, True)
    path.write_text("nothing of the kind")
    assert (await checked(tiny, file))[0] == 4
    with pytest.raises(CannotStart, match="it is in no repository"):
        await checked(folder, "HEAD")


def test_the_verb_prints_what_the_server_answers(server: Server, folder: Path) -> None:
    code, text, _ = call(folder, "brief")
    assert (code, text.splitlines()[0]) == (0, "# Tiny: batch 1")
    code, _, error = call(folder, "brief", "9", "--html")
    assert (code, error) == (1, "refused: there is no batch 9\n")


def test_without_a_server_it_reads_a_copy_of_the_records(tmp_path: Path) -> None:
    root = make_project(tmp_path / "tiny", {KEY: "in-progress"})
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    code, _, error = call(tmp_path, "brief")
    assert (code, "no batch has run" in error) == (2, True)
    assert not (root / ".sprint-runner").exists()
    assert call(tmp_path, "run", "--batch", "1")[0] == 0
    code, text, _ = call(tmp_path, "brief", "--html")
    assert (code, "1 of 1 story done" in read(text.encode()).text) == (0, True)
