"""Codes that pair a device and the grants in force, with a clock that is moved by hand."""

from __future__ import annotations

import pytest

from security.grants import Grant, GrantKind, Grants, Role, digest_of
from security.pairing import CODE_S, CODES_MAX, Pairing
from tests.lines import Clock


def test_a_code_works_once() -> None:
    pairing = Pairing(Clock())
    code = pairing.new(Role.READER)
    assert pairing.role_of(code) is Role.READER
    assert pairing.role_of(f"{code}x") is None
    assert pairing.use(code) is Role.READER
    assert pairing.use(code) is None


def test_a_code_works_for_a_minute() -> None:
    clock = Clock()
    pairing = Pairing(clock)
    code = pairing.new(Role.OPERATOR)
    clock.now += CODE_S - 1
    assert pairing.role_of(code) is Role.OPERATOR
    clock.now += 1
    assert pairing.use(code) is None


def test_codes_are_few() -> None:
    pairing = Pairing(Clock())
    codes = [pairing.new(Role.OPERATOR) for _ in range(CODES_MAX + 1)]
    assert [pairing.role_of(code) for code in codes] == [None, *[Role.OPERATOR] * CODES_MAX]


@pytest.mark.parametrize("kind", list(GrantKind))
def test_a_grant_opens_until_it_is_revoked(kind: GrantKind) -> None:
    grants, ended = Grants(b"k" * 32, Clock()), list[str]()
    grant = Grant(1, kind, Role.READER, "x", digest_of("secret"), 0)
    grants.add(grant)
    cookie = "secret" if kind is GrantKind.DEVICE else grants.cookie_of(grant)
    assert grants.by_cookie(cookie) == grant
    assert grants.by_token("secret") == (grant if kind is GrantKind.LINK else None)
    assert grants.by_cookie(grant.digest) is None
    with grants.socket(1, lambda: ended.append("open")):
        assert grants.remove(1)
        assert ended == ["open"]
    with grants.socket(1, lambda: ended.append("late")):  # connected while it was revoked
        assert ended == ["open", "late"]
    assert (grants.by_cookie(cookie), grants.by_token("secret"), grants.all()) == (None, None, [])
    assert not grants.remove(1)


def test_when_it_was_seen_is_noted_once_a_minute() -> None:
    clock, noted = Clock(), list[tuple[int, int]]()
    clock.now = 1000.0
    grants = Grants(b"k" * 32, clock)
    grants.on_seen = lambda id, at: noted.append((id, at))
    grants.load([Grant(7, GrantKind.DEVICE, Role.OPERATOR, "x", digest_of("c"), 0)], lambda id: 5_000)
    assert grants.seen_ms(7) == 5_000
    for _ in range(3):
        grants.by_cookie("c")
    clock.now += 60
    grants.by_cookie("c")
    assert noted == [(7, 1_000_000), (7, 1_060_000)]
