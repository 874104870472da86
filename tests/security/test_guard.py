"""The guard on real requests: Host, Origin, and the data files that others may read."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from tests.security.conftest import JSON, MakeSite, SiteHarness, code

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
async def test_a_name_of_this_server_is_let_in(site: SiteHarness, host: bytes) -> None:
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
async def test_a_foreign_name_is_refused(site: SiteHarness, host: bytes) -> None:
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
async def test_a_malformed_host_is_answered_with_400(site: SiteHarness, host: bytes) -> None:
    """Pitfall: a malformed Host or Origin crashes the process."""
    assert (await site.get(b"Host: " + host))[0] == 400
    assert site.calls == []
    assert (await site.get(b"Host: localhost"))[0] == 200


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_request_without_a_host_is_answered_with_400(site: SiteHarness, version: bytes) -> None:
    assert (await site.get(version=version))[0] == 400
    assert site.calls == []


@pytest.mark.parametrize("second", [b"localhost", b"evil.example"])
async def test_two_hosts_are_one_too_many(site: SiteHarness, second: bytes) -> None:
    assert (await site.get(b"Host: localhost", b"Host: " + second))[0] == 400
    assert site.calls == []


async def test_a_foreign_name_in_the_request_line_does_not_help(site: SiteHarness) -> None:
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
    site: SiteHarness, path: bytes, origins: list[bytes], status: int
) -> None:
    """Pitfall: any web page opens `/ws`, changes settings, starts agents."""
    upgrade = (b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for origin in origins:
        found, body = await site.get(b"Host: 127.0.0.1:PORT", b"Origin: " + origin, *upgrade, path=path)
        assert (origin, found) == (origin, status)
        assert code(body) == ("origin_refused" if status == 403 else "bad_origin")
    assert site.calls == []


@pytest.mark.parametrize("origin", OWN_ORIGINS)
async def test_its_own_page_may(site: SiteHarness, origin: bytes | None) -> None:
    headers = [] if origin is None else [b"Origin: " + origin]
    assert (await site.get(b"Host: 127.0.0.1:PORT", *headers))[0] == 200


async def test_two_origins_are_one_too_many(site: SiteHarness) -> None:
    own = b"Origin: http://127.0.0.1:PORT"
    assert (await site.get(b"Host: 127.0.0.1:PORT", own, own))[0] == 400


@pytest.mark.parametrize("host", ["localhost", "[::1]", "box.local"])
async def test_the_origin_must_be_the_name_that_was_asked(site: SiteHarness, host: str) -> None:
    own = f"Origin: http://{host.upper()}:{site.port}".encode()
    assert (await site.get(f"Host: {host}:{site.port}".encode(), own))[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_a_socket_is_refused_before_the_upgrade(site: SiteHarness, client: ClientSession, origin: str) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(f"{site.url}/ws", origin=origin)
    assert caught.value.status == 403
    assert site.calls == []


@pytest.mark.parametrize("own", [True, False])
async def test_a_socket_of_the_own_page_or_of_a_program_is_let_in(
    site: SiteHarness, client: ClientSession, own: bool
) -> None:
    async with client.ws_connect(f"{site.url}/ws", origin=site.url if own else None):
        assert site.calls == ["WS"]


# -- data files that other origins may read --------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "chrome-extension://abc", "not an origin"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_data_files_may_be_read_from_anywhere(
    site: SiteHarness, client: ClientSession, origin: str, method: str
) -> None:
    async with client.request(method, f"{site.url}/sprint-status.yaml", headers={"Origin": origin}) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_but_not_be_written(site: SiteHarness, client: ClientSession, method: str) -> None:
    headers = {"Origin": "http://evil.example", **JSON}
    async with client.request(method, f"{site.url}/sprint-status.yaml", headers=headers) as answer:
        assert answer.status == 403
    assert site.calls == []


async def test_data_files_need_an_own_host_all_the_same(site: SiteHarness) -> None:
    assert (await site.get(b"Host: evil.example", path=b"/sprint-status.yaml"))[0] == 403


async def test_the_origin_that_may_read_them_can_be_named(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(cors_origin="https://wall.example")
    async with client.get(f"{site.url}/story-descriptions.json") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://wall.example"
        assert answer.headers["Vary"] == "Origin"


async def test_no_origin_may_read_them(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(cors_origin="none")
    async with client.get(f"{site.url}/story-descriptions.json") as answer:
        assert answer.status == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    async with client.get(f"{site.url}/story-descriptions.json", headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    "path", ["/", "/api/run", "/sprint-status.yaml/", "/SPRINT-STATUS.YAML", "/x/sprint-status.yaml"]
)
async def test_nothing_else_may_be_read_from_elsewhere(site: SiteHarness, client: ClientSession, path: str) -> None:
    async with client.get(site.url + path) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with client.get(site.url + path, headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403
