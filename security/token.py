"""The tokens, the cookies that replace them, and the throttle of addresses that guess.

Promises: tokens are compared in constant time; a wrong one is counted against the address that sent it, and after
`WRONG_MAX` of them within `WRONG_S` no token of that address is compared; the cookie is no token, cannot be computed
from it without a secret of this server, and is always accepted, so that guesses lock out no client with a cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from base.files import atomic_write
from security.grants import OPERATOR, Grants, Role, Visitor

STAYS_S: Final = 400 * 24 * 3600  # of the cookie of a device: the longest time that browsers keep one
COOKIE: Final = "sprint_runner"  # followed by a name of this server: cookies are shared by all ports of a host
SECRET_FILE: Final = "session.key"  # noqa: S105 - a name, no secret
SECRET_BYTES: Final = 32
WRONG_MAX: Final = 10  # wrong tokens of one address …
WRONG_S: Final = 60.0  # … within so many seconds: 14,400 guesses a day, far too few to find a token
ADDRESSES_MAX: Final = 1024  # addresses that are remembered; the one that guessed longest ago is forgotten first


class Throttle:
    """The number of wrong tokens by address. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, and when counting began

    def wait_s(self, address: str) -> int:
        """Return the seconds until the address may try again, rounded up; 0 when it may now."""
        count, since = self._wrong.get(_group(address), (0, 0.0))
        left = since + WRONG_S - self._clock()
        return math.ceil(left) if count >= WRONG_MAX and left > 0 else 0

    def wrong(self, address: str) -> None:
        """Count one wrong token."""
        group, now = _group(address), self._clock()
        count, since = self._wrong.pop(group, (0, now))
        self._wrong[group] = (1, now) if now - since >= WRONG_S else (count + 1, since)
        while len(self._wrong) > ADDRESSES_MAX:
            self._wrong.popitem(last=False)

    def __len__(self) -> int:
        return len(self._wrong)


class TokenAuth:
    """The tokens of one server and the cookies that replace them: the operator's, a reader's, and those of grants."""

    def __init__(
        self,
        token: str,
        secret: bytes,
        clock: Callable[[], float],
        reader_token: str | None = None,
        grants: Grants | None = None,
    ) -> None:
        self._secret = secret
        self._tokens = [(_bytes(token), OPERATOR)]
        if reader_token is not None:
            self._tokens.append((_bytes(reader_token), Visitor(Role.READER)))
        self._grants = Grants(secret) if grants is None else grants
        self.cookie = f"{COOKIE}_{hashlib.sha256(b'name:' + secret).hexdigest()[:8]}"
        self.throttle = Throttle(clock)

    def visitor_of_cookie(self, request: web.Request) -> Visitor | None:
        """Return whose cookie the request carries; None for none of this server."""
        cookie = request.cookies.get(self.cookie, "")
        shown = _bytes(cookie)
        # All of them, so that the time reveals nothing.
        same = [visitor for token, visitor in self._tokens if hmac.compare_digest(shown, self._value(token).encode())]
        if same:
            return same[0]
        grant = self._grants.by_cookie(cookie) if cookie else None
        return None if grant is None else Visitor(grant.role, grant.id)

    def visitor_of_token(self, token: str) -> Visitor | None:
        """Return whose token this is; None for a wrong one."""
        same = [visitor for known, visitor in self._tokens if hmac.compare_digest(_bytes(token), known)]
        if same:
            return same[0]
        grant = self._grants.by_token(token) if token else None
        return None if grant is None else Visitor(grant.role, grant.id)

    def shown(self, request: web.Request) -> list[str]:
        """Return the tokens of a request, from its header and its address."""
        scheme, _, rest = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        header = rest.strip() if scheme.lower() == "bearer" else request.headers.get(hdrs.AUTHORIZATION, "")
        return [token for token in (header, request.query.get("token", "")) if token]

    def set_cookie(self, response: web.StreamResponse, token: str, *, secure: bool) -> None:
        """Set the cookie in the place of a token; `secure` where the page is known to be reached over TLS."""
        grant = self._grants.by_token(token)
        value = self._value(_bytes(token)) if grant is None else self._grants.cookie_of(grant)
        response.set_cookie(self.cookie, value, httponly=True, samesite="Strict", path="/", secure=secure)

    def set_device_cookie(self, response: web.StreamResponse, cookie: str, *, secure: bool) -> None:
        """Set the cookie of a paired device, which stays; `secure` where the device came over TLS."""
        response.set_cookie(
            self.cookie, cookie, max_age=STAYS_S, httponly=True, samesite="Strict", path="/", secure=secure
        )

    def _value(self, token: bytes) -> str:
        return hmac.new(self._secret, b"cookie:" + token, hashlib.sha256).hexdigest()


def new_token() -> str:
    """Return a token that cannot be guessed: 43 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(SECRET_BYTES)


def cookie_secret(data_dir: Path) -> bytes:
    """Return the secret from which cookies of this data folder are made; stored, so that a restart ends no login."""
    file = data_dir / SECRET_FILE
    try:
        found = file.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) == SECRET_BYTES:
        return found
    made = secrets.token_bytes(SECRET_BYTES)
    atomic_write(file, made, mode=0o600)
    return made


def _group(address: str) -> str:
    """Return the address that is counted: an IPv4 address, or the /64 network of an IPv6 subscriber."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped is not None:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _bytes(text: str) -> bytes:
    """Encode a text, since `compare_digest` refuses texts that are not ASCII."""
    return text.encode("utf-8", "surrogatepass")
