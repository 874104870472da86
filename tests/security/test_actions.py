"""The guard on real requests: how actions are sent, the token, and the headers of every answer."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from security import COOKIE, CSP, HEADERS
from tests.security.conftest import TOKEN, MakeSite, Site

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
