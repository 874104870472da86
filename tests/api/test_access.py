"""Who may do what, on the real program: readers over all routes, links of readers, paired devices, and their end."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from http.cookies import SimpleCookie

import aiohttp
import pytest
from aiohttp import WSMsgType

from api.operations import OPERATIONS
from api.roles import EXCEPTIONS, access_of
from api.routes import ROUTES
from security import Access
from tests.running.projects import make_project
from tests.servers import Server, get, post
from websocket.frames import REVOKED

TOKEN, READER = "t" * 20, "r" * 20
PHONE = "http://box.example"  # where phones reach the page, as the settings say


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("access")
    project = make_project(folder / "tiny", {"1-1-a": "backlog"}, git=False)
    environment = {
        "SPRINT_RUNNER_TOKEN": TOKEN,
        "SPRINT_RUNNER_READER_TOKEN": READER,
        "SPRINT_RUNNER_PUBLIC_URL": PHONE,
        "SPRINT_RUNNER_NOTIFY_COMMAND": "true --key=x",
    }
    started = Server([str(project), "--port", "0"], folder, environment).start()
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.errors()


def session(server: Server, token: str | None = None, cookie: str | None = None) -> aiohttp.ClientSession:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if cookie is not None:
        headers["Cookie"] = cookie
    return aiohttp.ClientSession(server.url, headers=headers, cookie_jar=aiohttp.DummyCookieJar())


@pytest.fixture
async def operator(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with session(server, TOKEN) as client:
        yield client


async def ask(client: aiohttp.ClientSession, method: str, path: str) -> tuple[int, str]:
    address = re.sub(r"\{(\w+)\}", lambda name: "1" if name[1] == "id" else "x", path)
    body: dict[str, str] | None = None if method in ("GET", "HEAD") else {}
    async with client.request(method, address, json=body, allow_redirects=False) as response:
        return response.status, await response.text()


# -- roles over all routes -----------------------------------------------------------------------------------------


def test_every_route_declares_what_it_does() -> None:
    routes = {(route.method, re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)) for route in ROUTES}
    declared = {(row.method.upper(), row.path): access_of(row.method.upper(), row.path) for row in OPERATIONS}
    assert declared.keys() == routes
    assert EXCEPTIONS.keys() <= routes
    assert {access for (method, _), access in declared.items() if method != "GET"} >= {Access.CHANGING}
    assert all(access is not Access.CHANGING for (method, _), access in declared.items() if method == "GET")


async def test_a_reader_sees_everything_and_changes_nothing(server: Server) -> None:
    async with session(server, READER) as client:
        for row in OPERATIONS:
            method = row.method.upper()
            status, body = await ask(client, method, row.path)
            refused = access_of(method, row.path) is Access.CHANGING
            assert ('"code":"reader"' in body) == refused, (method, row.path, status)
            assert status != 401
            if refused:
                assert status == 403
                assert "as a reader, who can change nothing" in body
        for method in ("DELETE", "PATCH"):  # without a route, too
            assert (await ask(client, method, "/api/run"))[0] == 403
        assert (await get(client, "/api/access"))["role"] == "reader"
        async with client.ws_connect("/ws") as socket:
            assert (await socket.receive_json())["type"] == "init"


async def test_a_reader_does_not_get_what_would_let_in_elsewhere(
    server: Server, operator: aiohttp.ClientSession
) -> None:
    async with session(server, READER) as client:
        for asking, value in ((client, "set"), (operator, "true --key=x")):
            views = (await get(asking, "/api/settings"))["settings"]
            assert [view["value"] for view in views if view["name"] == "notify_command"] == [value]
        assert (await get(client, "/api/access"))["grants"] == []


async def test_without_a_token_only_open_routes_answer(server: Server) -> None:
    async with session(server) as client:
        for row in OPERATIONS:
            method = row.method.upper()
            status, _ = await ask(client, method, row.path)
            assert (status != 401) == (access_of(method, row.path) is Access.OPEN), (method, row.path, status)


# -- readers' links ------------------------------------------------------------------------------------------------


async def test_a_reader_s_link_is_made_used_and_revoked(server: Server, operator: aiohttp.ClientSession) -> None:
    status, made = await post(operator, "/api/access/links", {"name": "The team"})
    assert status == 200
    assert made["url"].startswith(f"{PHONE}/?token=")
    query = made["url"].removeprefix(PHONE)
    async with session(server) as client, client.get(query, allow_redirects=False) as response:
        assert response.status == 303
        cookie = cookie_of(response)
    async with session(server, cookie=cookie) as reader:
        assert (await get(reader, "/api/access"))["role"] == "reader"
        assert (await ask(reader, "POST", "/api/run/start"))[0] == 403
        (grant,) = [one for one in (await get(operator, "/api/access"))["grants"] if one["id"] == made["id"]]
        assert (grant["name"], grant["kind"], grant["role"]) == ("The team", "link", "reader")
        assert grant["seen_at"] >= grant["made_at"]
        async with reader.ws_connect("/ws") as socket:
            assert (await socket.receive_json())["type"] == "init"
            assert (await post(operator, f"/api/access/{made['id']}/revoke"))[0] == 200
            end = await until_closed(socket)
            assert end == REVOKED
        assert (await ask(reader, "GET", "/api/run"))[0] == 401
    async with session(server) as client:
        assert (await ask(client, "GET", query))[0] == 401
    assert (await post(operator, f"/api/access/{made['id']}/revoke"))[0] == 409


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code of the close; the server does not wait for an answer to it."""
    async with asyncio.timeout(20):
        while (message := await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            pass
    return int(message.data) if message.type is WSMsgType.CLOSE else None


async def test_an_operator_who_opens_a_reader_s_link_stays_one(server: Server) -> None:
    async with session(server) as client, client.get(f"/?token={TOKEN}", allow_redirects=False) as response:
        cookie = cookie_of(response)
    async with (
        session(server, cookie=cookie) as client,
        client.get(f"/?token={READER}", allow_redirects=False) as response,
    ):
        assert (response.status, bool(response.cookies)) == (303, False)


def cookie_of(response: aiohttp.ClientResponse) -> str:
    (cookie,) = response.cookies.values()
    return f"{cookie.key}={cookie.coded_value}"


# -- pairing -------------------------------------------------------------------------------------------------------

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def code_for(operator: aiohttp.ClientSession, role: str = "operator") -> str:
    status, shown = await post(operator, "/api/access/pair", {"role": role})
    assert (status, shown["seconds"]) == (200, 60)
    assert shown["size"] >= 21
    path: str = shown["url"].removeprefix(PHONE)
    return path


async def test_a_phone_is_paired_once_and_revoked_at_once(server: Server, operator: aiohttp.ClientSession) -> None:
    path = await code_for(operator)
    origin = {"Origin": "https://box.example", "Host": "box.example"}
    async with session(server) as phone:
        for _ in range(2):  # a look at it, by a scanner or twice, uses nothing
            async with phone.get(path) as response:
                page = await response.text()
                assert (response.status, response.content_type) == (200, "text/html")
                assert "Pair this device" in page
                assert "<script" not in page
                assert not response.cookies
        async with phone.post(path, data="name=My+phone", headers={**FORM, **origin}, allow_redirects=False) as paired:
            assert (paired.status, paired.headers["Location"]) == (303, "/")
            (morsel,) = SimpleCookie(paired.headers["Set-Cookie"]).values()
            flags = (morsel["httponly"], morsel["samesite"], morsel["secure"], morsel["path"])
            assert flags == (True, "Strict", True, "/")
            cookie = cookie_of(paired)
        async with phone.post(path, data="name=Other", headers=FORM, allow_redirects=False) as again:
            assert again.status == 410
            assert "it was used, or its minute is over" in await again.text()
    async with session(server, cookie=cookie) as phone:
        access = await get(phone, "/api/access")
        (own,) = [one for one in access["grants"] if one["own"]]
        assert (access["role"], own["name"], own["kind"]) == ("operator", "My phone", "device")
        async with phone.ws_connect("/ws") as socket:
            await socket.receive_json()
            assert (await post(operator, f"/api/access/{own['id']}/revoke"))[0] == 200
            assert await until_closed(socket) == REVOKED
        async with phone.get("/", headers={"Accept": "text/html"}) as response:
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert "may have been revoked" in await response.text()


async def test_a_paired_reader_is_one_and_is_remembered(server: Server, operator: aiohttp.ClientSession) -> None:
    path = await code_for(operator, "reader")
    async with session(server) as phone, phone.post(path, data="", headers=FORM, allow_redirects=False) as response:
        (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
        assert not morsel["secure"]  # it came without TLS
        cookie = cookie_of(response)
    with sqlite3.connect(server._cwd / "tiny/.sprint-runner/sprint-runner.db") as database:
        assert cookie.partition("=")[2] not in str(database.execute("SELECT * FROM grants").fetchall())
    database.close()
    await asyncio.to_thread(server.end)
    await asyncio.to_thread(server.start)
    async with session(server, cookie=cookie) as phone:
        assert (await get(phone, "/api/access"))["role"] == "reader"
        assert (await ask(phone, "POST", "/api/run/pause"))[0] == 403


async def test_a_foreign_page_pairs_nothing(server: Server, operator: aiohttp.ClientSession) -> None:
    path = await code_for(operator)
    async with session(server) as client:
        async with client.post(path, data="", headers={**FORM, "Origin": "https://evil.example"}) as response:
            assert response.status == 403
        async with client.post(path, data="", headers=FORM, allow_redirects=False) as response:
            assert response.status == 303  # nothing was used up


# -- where there is nothing to give --------------------------------------------------------------------------------


async def test_a_server_without_a_token_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("open")
    project = make_project(folder / "tiny", {"1-1-a": "backlog"}, git=False)
    server = Server([str(project), "--port", "0"], folder).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            access = await get(client, "/api/access")
            assert (access["role"], access["address"]) == ("operator", None)
            assert access["note"].startswith("This server has no token")
            for path, body in (("/api/access/pair", {}), ("/api/access/links", {"name": "x"})):
                status, refused = await post(client, path, body)
                assert (status, refused["error"]["code"]) == (409, "no_token")
        await asyncio.to_thread(server.end)
        server.environment["SPRINT_RUNNER_TOKEN"] = TOKEN
        await asyncio.to_thread(server.start)
        async with session(server, TOKEN) as client:
            status, refused = await post(client, "/api/access/pair", {})
            assert (status, refused["error"]["code"]) == (409, "unreachable")
            assert "listens on this machine only" in refused["error"]["message"]
    finally:
        assert server.end() == 0
