"""The guard on real requests: Host, Origin, token, content type, and the headers of every answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web

from security import COOKIE, CSP, HEADERS, Guard, Refused, middleware

SHARED = ("/sprint-status.yaml", "/story-descriptions.json")
TOKEN = "a secret; of-ours, \u00fc"
JSON = {"Content-Type": "application/json"}
ENDS_S = 10.0


class Site:
    """A guarded server with one page, one action, one socket and one data file; `calls` are what got through."""

    def __init__(self, port: int, calls: list[str]) -> None:
        self.port = port
        self.calls = calls
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"

    async def raw(self, lines: bytes) -> tuple[int, str]:
        """Status and body of the answer to bytes as they are; the connection must end by itself."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(lines)
        try:
            async with asyncio.timeout(ENDS_S):
                answer = (await reader.read()).decode("latin-1")
        finally:
            writer.close()
            await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body

    async def get(self, *headers: bytes, path: bytes = b"/", version: bytes = b"1.1") -> tuple[int, str]:
        lines = [b"GET %b HTTP/%b" % (path, version), *headers, b"Connection: close", b"", b""]
        return await self.raw(b"\r\n".join(lines).replace(b"PORT", str(self.port).encode()))


MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def make_site() -> AsyncIterator[MakeSite]:
    runners = []

    async def make(token: str | None = None, cors_origin: str = "*", hosts: tuple[str, ...] = ()) -> Site:
        calls: list[str] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            calls.append(f"{request.method} {request.path}")
            return web.json_response({"ok": True})

        async def socket(request: web.Request) -> web.StreamResponse:
            calls.append("WS")
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            await connection.close()
            return connection

        def refuse(refused: Refused) -> web.Response:
            return web.json_response({"error": {"code": refused.code, "message": str(refused)}}, status=refused.status)

        known = ["localhost", "127.0.0.1", "::1", *hosts]
        guard = Guard(hosts=known, token=token, cors_origin=cors_origin, shared=SHARED)
        app = web.Application(middlewares=[middleware(guard, refuse)])
        app.router.add_get("/ws", socket)
        app.router.add_route("*", "/{anything:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return Site(runner.addresses[0][1], calls)

    yield make
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    return await make_site(hosts=("box.local",))


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def code(body: str) -> str:
    found: str = json.loads(body)["error"]["code"]
    return found


# -- Host ----------------------------------------------------------------------------------------------------------

GOOD_HOSTS = [
    b"127.0.0.1:PORT",
    b"localhost:PORT",
    b"LocalHost:PORT",
    b"[::1]:PORT",
    b"[::1]",
    b"localhost",
    b"localhost:1",
    b"localhost:65535",
    b"box.local:PORT",
    b"BOX.LOCAL",
]


@pytest.mark.parametrize("host", GOOD_HOSTS)
async def test_a_name_of_this_server_is_let_in(site: Site, host: bytes) -> None:
    assert (await site.get(b"Host: " + host))[0] == 200
    assert site.calls == ["GET /"]


FOREIGN_HOSTS = [
    b"evil.example",
    b"evil.example:PORT",
    b"localhost.evil.example",
    b"127.0.0.1.evil.example:PORT",
    b"notlocalhost",
    b"localhost.",
    b"127.0.0.2",
    b"127.1",
    b"2130706433",
    b"0x7f000001",
    b"0.0.0.0:PORT",
    b"[::]:PORT",
    b"[::ffff:127.0.0.1]",
    b"[0:0:0:0:0:0:0:1]",
    b"192.168.1.5",
    b"box.local.example",
    b"xbox.local",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_foreign_name_is_refused(site: Site, host: bytes) -> None:
    """Pitfall: DNS rebinding, `Host: evil.example` answered with 200."""
    status, body = await site.get(b"Host: " + host)
    assert (status, code(body), site.calls) == (403, "host_refused", [])


BAD_HOSTS = [
    b"",
    b" ",
    b":PORT",
    b"localhost:",
    b"localhost:port",
    b"localhost:65536",
    b"localhost:99999",
    b"localhost:123456",
    b"localhost:-1",
    b"localhost:PORT:PORT",
    b"localhost localhost",
    b"localhost, localhost",
    b"localhost/",
    b"http://localhost:PORT",
    b"user@localhost",
    b"localhost?x",
    b"localhost#x",
    b"local%68ost",
    b"::1",
    b"[::1",
    b"::1]",
    b"[]",
    b"[::1]x",
    b"[::1]PORT",
    b"[localhost]",
    b"[fe80::1%25eth0]",
    b"l\xc3\xb6calhost",
    b"localhost\xff",
    b"<script>",
    b"a" * 254,
]


@pytest.mark.parametrize("host", BAD_HOSTS)
async def test_a_malformed_host_is_answered_with_400(site: Site, host: bytes) -> None:
    """Pitfall: a malformed Host or Origin crashes the process."""
    assert (await site.get(b"Host: " + host))[0] == 400
    assert site.calls == []
    assert (await site.get(b"Host: localhost"))[0] == 200


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_request_without_a_host_is_answered_with_400(site: Site, version: bytes) -> None:
    assert (await site.get(version=version))[0] == 400
    assert site.calls == []


@pytest.mark.parametrize("second", [b"localhost", b"evil.example"])
async def test_two_hosts_are_one_too_many(site: Site, second: bytes) -> None:
    assert (await site.get(b"Host: localhost", b"Host: " + second))[0] == 400
    assert site.calls == []


async def test_a_foreign_name_in_the_request_line_does_not_help(site: Site) -> None:
    status, _ = await site.get(b"Host: evil.example", path=b"http://localhost/")
    assert status == 403


# -- Origin --------------------------------------------------------------------------------------------------------

OWN_ORIGINS = [None, b"http://127.0.0.1:PORT", b"https://127.0.0.1:PORT"]  # https: behind a proxy of one's own
FOREIGN_ORIGINS = [
    b"null",
    b"http://evil.example",
    b"https://evil.example:PORT",
    b"http://127.0.0.1",
    b"http://127.0.0.1:1",
    b"http://localhost:PORT",
    b"http://[::1]:PORT",
    b"http://127.0.0.1:PORT.evil.example",
    b"http://127.0.0.1.evil.example:PORT",
    b"http://evil127.0.0.1:PORT",
    b"ws://127.0.0.1:PORT",
    b"chrome-extension://abcdefghijklmnop",
    b"moz-extension://0b51a2b0-1111-2222-3333-444455556666",
    b"app://127.0.0.1:PORT",
    b"vscode-webview://127.0.0.1:PORT",
]
BAD_ORIGINS = [
    b"",
    b"127.0.0.1:PORT",
    b"//127.0.0.1:PORT",
    b"http:127.0.0.1:PORT",
    b"http://",
    b"http://127.0.0.1:PORT/",
    b"http://127.0.0.1:PORT/page",
    b"http://127.0.0.1:PORT?x",
    b"http://127.0.0.1:PORT#x",
    b"http://user@127.0.0.1:PORT",
    b"http://evil.example http://127.0.0.1:PORT",
    b"NULL",
    b"*",
    b"javascript:alert(1)",
    b"1http://127.0.0.1:PORT",
    b"\xff\xfe",
]


@pytest.mark.parametrize("path", [b"/", b"/ws", b"/api/run"])
@pytest.mark.parametrize(("origins", "status"), [(FOREIGN_ORIGINS, 403), (BAD_ORIGINS, 400)], ids=["foreign", "bad"])
async def test_pages_of_other_origins_start_and_read_nothing(
    site: Site, path: bytes, origins: list[bytes], status: int
) -> None:
    """Pitfall: any web page opens `/ws`, changes settings, starts agents."""
    upgrade = (b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for origin in origins:
        found, body = await site.get(b"Host: 127.0.0.1:PORT", b"Origin: " + origin, *upgrade, path=path)
        assert (origin, found) == (origin, status)
        assert code(body) == ("origin_refused" if status == 403 else "bad_origin")
    assert site.calls == []


@pytest.mark.parametrize("origin", OWN_ORIGINS)
async def test_its_own_page_may(site: Site, origin: bytes | None) -> None:
    headers = [] if origin is None else [b"Origin: " + origin]
    assert (await site.get(b"Host: 127.0.0.1:PORT", *headers))[0] == 200


async def test_two_origins_are_one_too_many(site: Site) -> None:
    own = b"Origin: http://127.0.0.1:PORT"
    assert (await site.get(b"Host: 127.0.0.1:PORT", own, own))[0] == 400


@pytest.mark.parametrize("host", ["localhost", "[::1]", "box.local"])
async def test_the_origin_must_be_the_name_that_was_asked(site: Site, host: str) -> None:
    own = f"Origin: http://{host.upper()}:{site.port}".encode()
    assert (await site.get(f"Host: {host}:{site.port}".encode(), own))[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_a_socket_is_refused_before_the_upgrade(site: Site, client: ClientSession, origin: str) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(f"{site.url}/ws", origin=origin)
    assert caught.value.status == 403
    assert site.calls == []


@pytest.mark.parametrize("own", [True, False])
async def test_a_socket_of_the_own_page_or_of_a_program_is_let_in(site: Site, client: ClientSession, own: bool) -> None:
    async with client.ws_connect(f"{site.url}/ws", origin=site.url if own else None):
        assert site.calls == ["WS"]


# -- data files that other origins may read --------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "chrome-extension://abc", "not an origin"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_data_files_may_be_read_from_anywhere(
    site: Site, client: ClientSession, origin: str, method: str
) -> None:
    async with client.request(method, f"{site.url}/sprint-status.yaml", headers={"Origin": origin}) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_but_not_be_written(site: Site, client: ClientSession, method: str) -> None:
    headers = {"Origin": "http://evil.example", **JSON}
    async with client.request(method, f"{site.url}/sprint-status.yaml", headers=headers) as answer:
        assert answer.status == 403
    assert site.calls == []


async def test_data_files_need_an_own_host_all_the_same(site: Site) -> None:
    assert (await site.get(b"Host: evil.example", path=b"/sprint-status.yaml"))[0] == 403


async def test_the_origin_that_may_read_them_can_be_named(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(cors_origin="https://wall.example")
    async with client.get(f"{site.url}/story-descriptions.json") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://wall.example"
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "path", ["/", "/api/run", "/sprint-status.yaml/", "/SPRINT-STATUS.YAML", "/x/sprint-status.yaml"]
)
async def test_nothing_else_may_be_read_from_elsewhere(site: Site, client: ClientSession, path: str) -> None:
    async with client.get(site.url + path) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with client.get(site.url + path, headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403


# -- actions -------------------------------------------------------------------------------------------------------

TYPES = [
    ("application/json", 200),
    ("application/json; charset=utf-8", 200),
    ("Application/JSON", 200),
    ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415),
    ("multipart/form-data; boundary=x", 415),
    ("application/jsonp", 415),
    ("text/plain; application/json", 415),
    ("application/json, text/plain", 415),
    ("", 415),
    (";", 415),
    ("\u00fc/\u00fc", 415),
]


@pytest.mark.parametrize(("content_type", "status"), TYPES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_an_action_is_sent_as_json(
    site: Site, client: ClientSession, method: str, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    async with client.request(method, f"{site.url}/api/run/start", data=b"{}", headers=headers) as answer:
        assert answer.status == status
        assert (await answer.json()).get("error", {}).get("code") == (
            None if status == 200 else "unsupported_media_type"
        )
    assert len(site.calls) == (status == 200)


async def test_an_action_without_a_type_is_refused(site: Site) -> None:
    status, _ = await site.raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert status == 415


# -- the token -----------------------------------------------------------------------------------------------------

GIVEN: list[tuple[dict[str, Any], int]] = [
    ({}, 401),
    ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, 200),
    ({"headers": {"Authorization": TOKEN}}, 200),
    ({"headers": {"Authorization": f"Basic {TOKEN}"}}, 401),
    ({"headers": {"Authorization": "Bearer "}}, 401),
    ({"headers": {"Authorization": f"Bearer {TOKEN}x"}}, 401),
    ({"headers": {"Authorization": "Bearer \u00e9\u00e9"}}, 401),
    ({"params": {"token": TOKEN}}, 200),
    ({"params": {"token": ""}}, 401),
    ({"params": {"token": "wrong"}}, 401),
    ({"params": [("token", "wrong"), ("token", TOKEN)]}, 401),
    ({"headers": {"Cookie": f"{COOKIE}=wrong"}}, 401),
    ({"headers": {"Cookie": f"{COOKIE}="}}, 401),
    ({"headers": {"Cookie": ";;;=;\u00fc"}}, 401),
]


@pytest.mark.parametrize(("given", "status"), GIVEN, ids=[f"{n}" for n in range(len(GIVEN))])
@pytest.mark.parametrize("path", ["/", "/api/run", "/sprint-status.yaml", "/healthz"])
async def test_with_a_token_every_request_must_carry_it(
    make_site: MakeSite, client: ClientSession, given: dict[str, Any], status: int, path: str
) -> None:
    site = await make_site(token=TOKEN)
    async with client.get(site.url + path, **given) as answer:
        assert answer.status == status
        if status == 401:
            assert (await answer.json())["error"]["code"] == "token_needed"
            assert TOKEN not in await answer.text()
    assert len(site.calls) == (status == 200)


@pytest.mark.parametrize("query", [b"?token=%ff%fe", b"?token=%ED%A0%80", b"?token=\xff", b"?token=%", b"?&&=;token"])
async def test_odd_bytes_for_a_token_are_no_fault(make_site: MakeSite, query: bytes) -> None:
    site = await make_site(token=TOKEN)
    headers = (b"Host: localhost", b"Authorization: Bearer \xff\xfe", b"Cookie: %b=\xff" % COOKIE.encode())
    assert (await site.get(*headers, path=b"/" + query))[0] in (400, 401)
    assert site.calls == []


async def test_a_token_that_is_no_text_is_compared_all_the_same(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token="\udcff")  # what the environment makes of the byte 0xFF
    async with client.get(site.url, headers={"Authorization": "Bearer x"}) as answer:
        assert answer.status == 401


async def test_the_page_is_opened_once_with_the_token_and_then_has_a_cookie(
    make_site: MakeSite, client: ClientSession
) -> None:
    site = await make_site(token="a-secret")
    async with client.get(site.url, params={"token": "a-secret"}) as answer:
        cookie = answer.cookies[COOKIE]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    headers = {"Cookie": f"{COOKIE}={cookie.coded_value}"}
    async with ClientSession() as later, later.get(site.url, headers=headers) as answer:
        assert answer.status == 200
        assert COOKIE not in answer.cookies


async def test_a_wrong_token_gives_no_cookie(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token="a-secret")
    async with client.get(site.url, params={"token": "guess"}) as answer:
        assert (answer.status, COOKIE in answer.cookies) == (401, False)


async def test_a_cookie_carries_any_token(make_site: MakeSite) -> None:
    site = await make_site(token=TOKEN)
    async with ClientSession() as session, session.get(site.url, params={"token": TOKEN}) as answer:
        coded = answer.cookies[COOKIE].coded_value
    async with ClientSession() as session, session.get(site.url, headers={"Cookie": f"{COOKIE}={coded}"}) as answer:
        assert answer.status == 200


async def test_the_token_does_not_open_the_door_to_foreign_pages(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token=TOKEN)
    headers = {"Origin": "http://evil.example"}
    async with client.get(site.url, params={"token": TOKEN}, headers=headers) as answer:
        assert answer.status == 403
    async with client.get(site.url, params={"token": TOKEN}, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_a_socket_needs_the_token(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token=TOKEN)
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(f"{site.url}/ws")
    assert caught.value.status == 401
    async with client.ws_connect(f"{site.url}/ws", headers={"Authorization": f"Bearer {TOKEN}"}):
        assert site.calls == ["WS"]


# -- headers of every answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Host": "a b"}])
async def test_every_answer_carries_the_headers(site: Site, client: ClientSession, headers: dict[str, str]) -> None:
    async with client.get(site.url, headers=headers) as answer:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_policy_of_content_lets_no_inline_code_in() -> None:
    """Pitfall: no HTML from data; CSP without `unsafe-inline`."""
    assert "unsafe" not in CSP
    assert "*" not in CSP
    assert CSP.startswith("default-src 'none'")
    for part in ("script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in CSP
