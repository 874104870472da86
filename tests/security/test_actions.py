"""The guard on real requests: how actions are sent, and the headers of every answer."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from security import CSP, HEADERS, policy
from tests.security.conftest import TOKEN, MakeSite, SiteHarness

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
    site: SiteHarness, client: ClientSession, method: str, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    async with client.request(method, f"{site.url}/api/run/start", data=b"{}", headers=headers) as answer:
        assert answer.status == status
        assert (await answer.json()).get("error", {}).get("code") == (
            None if status == 200 else "unsupported_media_type"
        )
    assert len(site.calls) == (status == 200)


async def test_an_action_without_a_type_is_refused(site: SiteHarness) -> None:
    status, _ = await site.raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert status == 415


# -- headers of every answer ---------------------------------------------------------------------------------------


ANSWERS = {
    "page": b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    "head": b"HEAD / HTTP/1.1\r\nHost: localhost\r\n",
    "foreign origin": b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n",
    "foreign host": b"GET / HTTP/1.1\r\nHost: evil.example\r\n",
    "malformed host": b"GET / HTTP/1.1\r\nHost: a b\r\n",
    "no host": b"GET / HTTP/1.1\r\n",
    "no json": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n",
    "socket refused": b"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nUpgrade: websocket\r\n",
    "no socket": b"GET /ws HTTP/1.1\r\nHost: localhost\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n",
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    "stream": b"GET /slow HTTP/1.0\r\nHost: localhost\r\n",
}


@pytest.mark.parametrize("request_lines", ANSWERS.values(), ids=ANSWERS)
async def test_every_answer_carries_the_headers(site: SiteHarness, request_lines: bytes) -> None:
    answered = await site.exchange(request_lines + b"Connection: close\r\n\r\n")
    head = answered.partition("\r\n\r\n")[0].split("\r\n")
    for name, value in HEADERS.items():
        assert f"{name}: {value}" in head
    assert not [line for line in head if "aiohttp" in line]


async def test_a_socket_that_is_let_in_carries_the_headers(site: SiteHarness, client: ClientSession) -> None:
    async with client.ws_connect(f"{site.url}/ws") as socket:
        assert {name: socket._response.headers[name] for name in HEADERS} == HEADERS


async def test_a_redirect_carries_the_headers(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token=TOKEN)
    async with client.get(site.url, params={"token": TOKEN}, allow_redirects=False) as answer:
        assert answer.status == 303
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_policy_of_content_lets_no_inline_code_in() -> None:
    """Pitfall: no HTML from data; CSP without `unsafe-inline`."""
    assert "unsafe" not in CSP
    assert "*" not in CSP
    assert CSP.startswith("default-src 'none'")
    parts = (
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "trusted-types service-worker",
        "manifest-src 'self'",
        "worker-src 'self'",
    )
    for part in parts:
        assert part in CSP


def test_what_the_page_has_inline_is_let_in_by_its_hash_alone() -> None:
    outside = b"<script src='/static/shell/app.js'></script>"
    page = outside + b"<SCRIPT>one()</SCRIPT ><style>b{}</style><script type='module'>\n</script>"
    made = policy(page)
    assert made.count("'sha256-") == 3
    assert "script-src 'self' 'sha256-" in made
    assert "style-src 'self' 'sha256-" in made
    assert policy(b"<p>plain</p>") == CSP
