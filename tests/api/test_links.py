"""A link of a message over its whole life: sent, opened by a scanner, used once, and used up over a kill."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.running.projects import make_project
from tests.servers import ROOT, Server, get, post

PHONE = "http://box.example"
TOKEN = "t" * 20
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


async def opened(client: aiohttp.ClientSession, method: str, path: str) -> tuple[int, str]:
    """Status and text of the page that a link leads to, as a mail's reader or a scanner opens it."""
    headers = {"Host": "box.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    headers["Sec-Fetch-Dest"] = "document"
    if method == "POST":  # of the page's own form
        headers = {"Host": "box.example", "Origin": PHONE, "Sec-Fetch-Site": "same-origin"}
    async with client.request(method, path, headers=headers, data=b"" if method == "POST" else None) as response:
        assert response.content_type == "text/html"
        text = await response.text()
        assert "<script" not in text
        return response.status, text


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, asyncio.Queue[dict[str, Any]]]]:
    """The address of a webhook, and what it is called with."""
    notices: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await notices.put(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", notices
    await runner.cleanup()


def make_server(folder: Path, hook: str) -> Server:
    project = make_project(folder / "tiny", {"1-1-a": "in-progress"})
    script = folder / "script.json"
    script.write_text(json.dumps({"dev-story": ["question:Which colour?", "ok"]}))
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script", str(script)])
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\ntoken: {TOKEN}\npublic_url: {PHONE}/\n"
        f"notify_webhook: {hook}\n"
    )
    return Server([str(project), "--port", "0"], folder)


async def test_a_link_answers_once(tmp_path: Path) -> None:
    async with receiver() as (hook, notices):
        server = make_server(tmp_path, hook).start()
        try:
            path = await asked(server, notices)
            await use(server, path)
            await asyncio.to_thread(server.end, signal.SIGKILL)
            await asyncio.to_thread(server.start)
            async with aiohttp.ClientSession(server.url) as mail:
                for method in ("GET", "POST"):
                    status, text = await opened(mail, method, path)
                    assert (status, "was used before" in text) == (410, True)
        finally:
            await asyncio.to_thread(server.end)


async def asked(server: Server, notices: asyncio.Queue[dict[str, Any]]) -> str:
    """Run until an agent asks; return the path of the link that leaves the decision to it."""
    async with aiohttp.ClientSession(server.url, headers=OPERATOR) as client:
        assert (await post(client, "/api/run/start", {"batch_size": "all"}))[0] == 202
    async with asyncio.timeout(60):
        notice = await notices.get()
    links = {link["label"]: link["url"] for link in notice["links"]}
    assert {"Let the agent decide", "Open the page"} <= links.keys()
    assert notice["text"].splitlines()[1:] == [f"{label}: {url}" for label, url in links.items()]
    return str(links["Let the agent decide"].removeprefix(PHONE))


async def use(server: Server, path: str) -> None:
    async with aiohttp.ClientSession(server.url) as mail:
        for _ in range(2):
            status, text = await opened(mail, "GET", path)
            assert (status, "Which colour?" in text, "Let the agent decide" in text) == (200, True, True)
        status, text = await opened(mail, "POST", path[:-1] + ("A" if path[-1] != "A" else "B"))
        assert (status, "no link of this server" in text) == (403, True)
        async with aiohttp.ClientSession(server.url, headers=OPERATOR) as client:
            assert await answers(client) == []
            status, text = await opened(mail, "POST", path)
            assert (status, "Done: Let the agent decide." in text) == (200, True)
            assert len(await answers(client)) == 1


async def answers(client: aiohttp.ClientSession) -> list[Any]:
    events = (await get(client, "/api/events?type=batch:warning"))["events"]
    return [event for event in events if event["payload"]["warning_type"] == "answered"]
