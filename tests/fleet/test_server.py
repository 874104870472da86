"""The fleet's server: its own page and routes, and runners through it, within the rules of who may do what."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient
from aiohttp.test_utils import TestClient
from yarl import URL

from api.projects import PROJECTS
from fleet.client import RunnerClient
from fleet.local import LocalRunners
from fleet.projects import ProjectsOfRegistry
from fleet.registry import Registry, project_key
from fleet.server import FleetConfig, build_app
from fleet.service import FLEET
from settings import LOOPBACK
from tests.fleet.conftest import MakeServer, until

TOKEN = "the-token-of-the-fleet-1"
READER_TOKEN = "the-token-of-its-readers"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
READER = {"Authorization": f"Bearer {READER_TOKEN}"}

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def page(registry: Registry, aiohttp_client: AiohttpClient) -> AsyncIterator[Client]:
    """A client of the fleet's server over the registry."""
    client = RunnerClient()
    config = FleetConfig(hosts=LOOPBACK, token=TOKEN, reader_token=READER_TOKEN, secret=b"s" * 32)
    projects = ProjectsOfRegistry(registry, client, address=lambda entry: f"/r/local.{entry.key}/")
    yield await aiohttp_client(build_app(config, [LocalRunners(registry, client)], projects))
    await client.close()


async def runner_path(page: Client) -> str:
    """The path of the only runner, once its state is known."""
    service = page.app[FLEET]
    await until(lambda: any(state.run is not None for state in service.fleet.states()))
    return f"/r/{service.fleet.states()[0].id}"


async def check_key(url: str, registry: Registry, folder: Path) -> None:
    """A server with a token lets the key of its entry in, and nothing else; no file has the token."""
    (entry,) = registry.entries()
    assert entry.secret is not None
    assert entry.key == project_key(folder / "shop" / "project")
    stored = b"".join(path.read_bytes() for path in (folder / "state").rglob("*.json"))
    assert b"another-token-1234" not in stored
    async with aiohttp.ClientSession(url) as client:
        for wrong in (entry.secret, "", "x" * 64):
            async with client.get("/api/run", headers={"Authorization": f"Bearer {wrong}"}) as response:
                assert response.status == 401
        async with client.get("/", params={"token": entry.secret}) as response:
            assert response.status == 401
            assert "Set-Cookie" not in response.headers


async def test_a_runner_through_the_fleet(
    page: Client, make_server: MakeServer, registry: Registry, tmp_path: Path
) -> None:
    """The whole way: the page, its interface, its socket, what a reader may, and what does not get through."""
    server = make_server("shop", SPRINT_RUNNER_TOKEN="another-token-1234")
    server.start()
    path = await runner_path(page)
    await check_key(server.url, registry, tmp_path)

    # The page and its modules are the fleet's own; without a token there is nothing.
    assert (await page.get(f"{path}/")).status == 401
    for below in ("/", f"{path}/"):
        refused = await page.get(below, headers={"Accept": "text/html"})
        assert (refused.status, "open it once with ?token=" in await refused.text()) == (401, True)
    for role, headers in (("", OPERATOR), ('data-role="reader"', READER)):
        response = await page.get(f"{path}/", headers=headers)
        text = await response.text()
        assert (response.status, 'data-role="reader"' in text) == (200, bool(role))
        assert '<section id="tab-run"' in text
    assert (await page.get(path, headers=OPERATOR, allow_redirects=False)).headers["Location"] == f"{path}/"
    assert (await page.get("/r/local.nobody/", headers=OPERATOR)).status == 404

    # Its interface, as its server judges it.
    run = await (await page.get(f"{path}/api/run", headers=OPERATOR)).json()
    assert run["project"]["root"] == str(tmp_path / "shop" / "project")
    wrong = await page.post(f"{path}/api/run/start", headers=OPERATOR, json={"batch_size": 0})
    assert (wrong.status, (await wrong.json())["error"]["code"]) == (400, "bad_request")
    assert (await page.post(f"{path}/api/settings/preview", headers=READER, json={})).status == 200
    assert (await page.post(f"{path}/api/run/start", headers=READER, json={})).status == 403
    access = await (await page.get(f"{path}/api/access", headers=READER)).json()
    assert (access["role"], access["grants"]) == ("reader", [])

    # A page of another origin, another name, and paths that lead elsewhere.
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = await page.post(f"{path}/api/run/start", headers={**OPERATOR, **headers}, json={})
        assert response.status == 403
    for below in ("api/../healthz", "api/%2e%2e/healthz", "api/x/%2E./..%2f", "api/..%5chealthz", "metrics", "pair/x"):
        url = URL(f"{page.make_url('/')}{path[1:]}/{below}", encoded=True)
        async with page.session.get(url, headers=OPERATOR) as response:
            assert response.status == 404, below

    # A file that is shown alone runs as nothing, and no cookie of the runner gets through.
    assert (await page.post(f"{path}/api/run/start", headers=OPERATOR, json={"batch_size": 1})).status == 202
    socket = await page.ws_connect(f"{path}/ws?since=0&epoch=none", headers=OPERATOR)
    init = json.loads((await socket.receive()).data)
    assert init["type"] == "init"
    await socket.send_str('{"type":"ping"}')
    types = set()
    seq = init["payload"]["seq"]
    async with asyncio.timeout(60):
        while "batch:end" not in types:
            message = json.loads((await socket.receive()).data)
            types.add(message["type"])
            if "seq" in message and message["type"] != "tick":
                assert message["seq"] == seq + 1
                seq = message["seq"]
    assert "pong" in types
    await socket.close()
    exported = await page.get(f"{path}/api/batches/1/export", headers=OPERATOR)
    assert exported.status == 200
    assert "sandbox" in exported.headers["Content-Security-Policy"]
    assert exported.headers["Content-Disposition"].startswith("attachment")
    assert "Set-Cookie" not in exported.headers

    # The runner is gone: what is known stays, and requests to it are answered so.
    server.end(signal.SIGKILL)
    await until(lambda: page.app[FLEET].fleet.states()[0].lost is not None)
    gone = await page.get(f"{path}/api/run", headers=OPERATOR)
    assert (gone.status, (await gone.json())["error"]["code"]) == (502, "unreachable")
    assert (await page.get(f"{path}/", headers=OPERATOR)).status == 200
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await page.ws_connect(f"{path}/ws", headers=OPERATOR)


async def test_the_pages_of_the_fleet_get_what_has_changed_and_resume(page: Client, make_server: MakeServer) -> None:
    socket = await page.ws_connect("/ws?since=0&epoch=none", headers=OPERATOR)
    first = json.loads((await socket.receive()).data)["payload"]
    assert first["run"]["runners"] == []
    server = make_server("shop").start()
    known: dict[str, dict[str, object]] = {}
    seq = first["seq"]
    async with asyncio.timeout(60):
        while not known or not any(one["run"] for one in known.values()):
            message = json.loads((await socket.receive()).data)
            assert message["seq"] == seq + 1
            seq = message["seq"]
            if message["type"] == "runner":
                known[message["payload"]["id"]] = message["payload"]
    (id,) = known
    await socket.close()
    assert (await page.post(f"/r/{id}/api/run/start", headers=OPERATOR, json={"batch_size": 1})).status == 202
    await until(lambda: page.app[FLEET].hub.seq > seq)
    again = await page.ws_connect(f"/ws?since={seq}&epoch={first['epoch']}", headers=OPERATOR)
    assert json.loads((await again.receive()).data)["payload"]["from"] == seq + 1
    change = json.loads((await again.receive()).data)
    assert (change["type"], change["seq"]) == ("runner:run", seq + 1)
    assert "stories" not in change["payload"]["run"]
    listed = await (await page.get("/api/fleet", headers=OPERATOR)).json()
    assert [one["id"] for one in listed["runners"]] == [id]
    server.end()
    async with asyncio.timeout(60):
        while json.loads((await again.receive()).data)["type"] != "runner:removed":
            pass
    await again.close()


async def test_a_known_project_is_started_once_in_a_process_of_its_own(
    page: Client, make_server: MakeServer, registry: Registry, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("SPRINT_RUNNER_TRUST", "1")
    monkeypatch.setenv("SPRINT_RUNNER_DATA_DIR", "/nowhere")  # settings of this program are not that project's
    server = make_server("shop").start()
    server.end()
    (project,) = (await (await page.get("/api/projects", headers=OPERATOR)).json())["projects"]
    assert (project["running"], project["url"]) == (False, None)
    body = {"key": project["key"]}
    assert (await page.post("/api/projects/start", headers=READER, json=body)).status == 403
    for key in ("", "0" * 12, "../x"):
        assert (await page.post("/api/projects/start", headers=OPERATOR, json={"key": key})).status in (400, 409)
    both = await asyncio.gather(*(page.post("/api/projects/start", headers=OPERATOR, json=body) for _ in range(2)))
    assert [response.status for response in both] == [202, 202]
    (entry,) = registry.entries()
    try:
        assert (await both[0].json())["url"] == f"/r/local.{entry.key}/"
        (project,) = (await (await page.get("/api/projects", headers=OPERATOR)).json())["projects"]
        assert (project["running"], project["run"]["state"]) == (True, "idle")
        assert (await page.get(f"/r/local.{entry.key}/", headers=OPERATOR)).status == 200
        # It was opened as a demo, and is one again: what its folder sets is what this program has written.
        trust = await (await page.get(f"/r/local.{entry.key}/api/trust", headers=OPERATOR)).json()
        assert trust["trusted"] is True
        # Trust that was granted to this process does not reach what it starts.
        assert "SPRINT_RUNNER_TRUST" in os.environ
        assert "SPRINT_RUNNER_TRUST" not in page.app[PROJECTS]._environment()  # type: ignore[attr-defined]
    finally:
        os.kill(entry.pid, 15)
    await until(lambda: not registry.entries())
