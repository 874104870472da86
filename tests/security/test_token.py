"""Tests of the token on real requests: its forms, the cookie in its place, the delay of wrong ones."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from security.token import ADDRESSES_MAX, COOKIE, SECRET_FILE, WRONG_MAX, WRONG_S, Throttle, TokenAuth, cookie_secret
from tests.lines import Clock
from tests.security.conftest import TOKEN, MakeSite, SiteHarness, code

GIVEN: list[tuple[dict[str, Any], int]] = [
    ({}, 401),
    ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, 200),
    ({"headers": {"Authorization": f"bearer  {TOKEN} "}}, 200),
    ({"headers": {"Authorization": TOKEN}}, 200),
    ({"headers": {"Authorization": f"Basic {TOKEN}"}}, 401),
    ({"headers": {"Authorization": "Bearer "}}, 401),
    ({"headers": {"Authorization": f"Bearer {TOKEN}x"}}, 401),
    ({"headers": {"Authorization": f"Bearer {TOKEN[:-1]}"}}, 401),
    ({"headers": {"Authorization": "Bearer \u00e9\u00e9"}}, 401),
    ({"params": {"token": TOKEN}}, 200),
    ({"params": {"token": ""}}, 401),
    ({"params": {"token": "wrong"}}, 401),
    ({"params": [("token", "wrong"), ("token", TOKEN)]}, 401),
    ({"headers": {"Cookie": f"{COOKIE}=wrong"}}, 401),
    ({"headers": {"Cookie": f"{COOKIE}={TOKEN}"}}, 401),
    ({"headers": {"Cookie": f"{COOKIE}="}}, 401),
    ({"headers": {"Cookie": ";;;=;\u00fc"}}, 401),
]


def door_of(site: SiteHarness) -> TokenAuth:
    assert site.guard.token_auth is not None
    return site.guard.token_auth


async def cookie_of(site: SiteHarness, token: str = TOKEN) -> str:
    query = {"token": token}
    async with ClientSession() as session, session.get(site.url, params=query, allow_redirects=False) as answer:
        return f"{door_of(site).cookie}={answer.cookies[door_of(site).cookie].coded_value}"


@pytest.mark.parametrize(("given", "status"), GIVEN, ids=[f"{n}" for n in range(len(GIVEN))])
@pytest.mark.parametrize("path", ["/api/run", "/sprint-status.yaml", "/healthz"])
async def test_with_a_token_every_request_must_carry_it(
    make_site: MakeSite, client: ClientSession, given: dict[str, Any], status: int, path: str
) -> None:
    site = await make_site(token=TOKEN)
    async with client.get(site.url + path, **given) as answer:
        assert answer.status == status
        if status == 401:
            assert (await answer.json())["error"]["code"] == "token_needed"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert TOKEN not in await answer.text()
    assert len(site.calls) == (status == 200)


@pytest.mark.parametrize("query", [b"?token=%ff%fe", b"?token=%ED%A0%80", b"?token=\xff", b"?token=%", b"?&&=;token"])
async def test_odd_bytes_for_a_token_are_no_fault(make_site: MakeSite, query: bytes) -> None:
    site = await make_site(token=TOKEN)
    cookie = f"Cookie: {door_of(site).cookie}=".encode() + b"\xff"
    headers = (b"Host: localhost", b"Authorization: Bearer \xff\xfe", cookie)
    assert (await site.get(*headers, path=b"/" + query))[0] in (400, 401)
    assert site.calls == []


async def test_a_token_that_is_no_text_is_compared_all_the_same(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token="\udcff")  # what the environment makes of the byte 0xFF
    async with client.get(site.url, headers={"Authorization": "Bearer x"}) as answer:
        assert answer.status == 401


async def test_a_socket_needs_the_token(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token=TOKEN)
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(f"{site.url}/ws")
    assert caught.value.status == 401
    async with client.ws_connect(f"{site.url}/ws", headers={"Authorization": f"Bearer {TOKEN}"}):
        assert site.calls == ["WS"]


async def test_the_token_does_not_open_the_door_to_foreign_pages(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token=TOKEN)
    headers = {"Origin": "http://evil.example"}
    async with client.get(site.url, params={"token": TOKEN}, headers=headers) as answer:
        assert answer.status == 403
    async with client.get(site.url, params={"token": TOKEN}, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403


# -- the cookie ----------------------------------------------------------------------------------------------------


async def test_the_first_visit_leads_on_without_the_token_and_with_a_cookie(
    make_site: MakeSite, client: ClientSession
) -> None:
    site = await make_site(token=TOKEN)
    query = {"token": TOKEN, "theme": "dark"}
    async with client.get(site.url, params=query, allow_redirects=False) as answer:
        cookie = answer.cookies[door_of(site).cookie]
        assert (answer.status, answer.headers["Location"]) == (303, "/?theme=dark")
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
        assert answer.headers["Cache-Control"] == "no-store"
        assert TOKEN not in str(answer.headers)
    assert site.calls == []
    async with client.get(site.url, headers={"Cookie": await cookie_of(site)}) as answer:
        assert answer.status == 200
        assert not answer.cookies


@pytest.mark.parametrize(("host", "secure"), [("box.example", True), ("127.0.0.1", False)])
async def test_the_cookie_is_secure_where_the_page_is_reached_over_tls(
    make_site: MakeSite, client: ClientSession, host: str, secure: bool
) -> None:
    site = await make_site(token=TOKEN, hosts=("box.example",), tls_host="box.example")
    query, headers = {"token": TOKEN}, {"Host": host}
    async with client.get(site.url, params=query, headers=headers, allow_redirects=False) as answer:
        assert bool(answer.cookies[door_of(site).cookie]["secure"]) is secure


async def test_the_cookie_is_no_token(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token=TOKEN)
    value = (await cookie_of(site)).partition("=")[2]
    async with client.get(site.url, headers={"Authorization": f"Bearer {value}"}) as answer:
        assert answer.status == 401


async def test_a_cookie_of_another_server_opens_nothing(make_site: MakeSite, client: ClientSession) -> None:
    """Cookies are shared by all ports of a host: each server has a name and a secret of its own."""
    one, other = await make_site(token=TOKEN), await make_site(token=TOKEN)
    assert door_of(one).cookie != door_of(other).cookie
    value = (await cookie_of(one)).partition("=")[2]
    async with client.get(other.url, headers={"Cookie": f"{door_of(other).cookie}={value}"}) as answer:
        assert answer.status == 401


async def test_a_wrong_token_gives_no_cookie(make_site: MakeSite, client: ClientSession) -> None:
    site = await make_site(token="a-secret")
    async with client.get(site.url, params={"token": "guess"}) as answer:
        assert (answer.status, bool(answer.cookies)) == (401, False)


def test_the_secret_of_cookies_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    made = cookie_secret(tmp_path)
    assert len(made) == 32
    assert cookie_secret(tmp_path) == made
    assert (tmp_path / SECRET_FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / SECRET_FILE).write_bytes(b"short")
    assert cookie_secret(tmp_path) != made


# -- guessing ------------------------------------------------------------------------------------------------------


async def test_who_guesses_is_made_to_wait(make_site: MakeSite, client: ClientSession) -> None:
    clock = Clock()
    site = await make_site(token=TOKEN, clock=clock)
    right = {"headers": {"Authorization": f"Bearer {TOKEN}"}}
    cookie = await cookie_of(site)

    async def ask(**given: Any) -> int:
        async with client.get(f"{site.url}/api/run", **given) as answer:
            if answer.status == 429:
                assert answer.headers["Retry-After"] == str(int(WRONG_S))
                assert code(await answer.text()) == "too_many_tokens"
            return answer.status

    for number in range(WRONG_MAX):
        assert await ask(params={"token": f"guess-{number}"}) == 401
    assert await ask(params={"token": "guess"}) == 429
    assert await ask(**right) == 429  # else the answer would say which guess was right
    assert await ask() == 401  # who shows no token guesses none
    assert await ask(headers={"Cookie": cookie}) == 200  # the operator is in, and stays in
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(f"{site.url}/ws?token={WRONG_MAX}")
    assert caught.value.status == 429
    clock.now += WRONG_S
    assert await ask(**right) == 200


def test_each_address_is_counted_for_itself_in_bounded_memory() -> None:
    clock = Clock()
    turns = Throttle(clock)
    for _ in range(WRONG_MAX):
        turns.wrong("10.0.0.1")
    assert turns.wait_s("10.0.0.1") == WRONG_S
    assert turns.wait_s("::ffff:10.0.0.1") == WRONG_S  # the same one, as an IPv6 socket shows it
    assert turns.wait_s("10.0.0.2") == 0
    for number in range(3 * ADDRESSES_MAX):
        turns.wrong(f"10.1.{number // 256}.{number % 256}")
    assert len(turns) == ADDRESSES_MAX


def test_the_addresses_of_one_ipv6_subscriber_are_one() -> None:
    turns = Throttle(Clock())
    for number in range(WRONG_MAX):
        turns.wrong(f"2001:db8:1:2::{number:x}")
    assert turns.wait_s("2001:db8:1:2:ffff::1%eth0") == WRONG_S
    assert turns.wait_s("2001:db8:1:3::1") == 0
    assert turns.wait_s("no address at all") == 0


def test_an_hour_later_an_address_begins_anew() -> None:
    clock = Clock()
    turns = Throttle(clock)
    for _ in range(WRONG_MAX - 1):
        turns.wrong("10.0.0.1")
    clock.now += 3600
    turns.wrong("10.0.0.1")
    assert turns.wait_s("10.0.0.1") == 0


async def test_no_token_is_ever_logged(
    make_site: MakeSite, client: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site = await make_site(token="a-most-secret-token")
    for path in ("/", "/api/run", "/ws", "/nowhere"):
        async with client.get(site.url + path, params={"token": "a-most-secret-token"}) as answer:
            await answer.read()
    await site.raw(b"GET /?token=a-most-secret-token \x00 HTTP/9.9\r\n\r\n")
    assert "a-most-secret-token" not in caplog.text
