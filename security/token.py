"""The token: who has shown it, who carries its cookie, and who has guessed too often.

Promises: tokens are compared in constant time; a wrong one is counted against the address that sent it, and after
`WRONG_MAX` of them within `WRONG_S` no token of that address is looked at; the cookie is no token, cannot be computed
from it without a secret of this server, and is always let in, so that a guesser locks out no client that is in already.
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

COOKIE: Final = "sprint_runner"  # followed by a name of this server: cookies are shared by all ports of a host
SECRET_FILE: Final = "session.key"  # noqa: S105 - a name, no secret
SECRET_BYTES: Final = 32
WRONG_MAX: Final = 10  # wrong tokens of one address …
WRONG_S: Final = 60.0  # … within so many seconds: 14,400 guesses a day, none of which finds a token worth the name
ADDRESSES_MAX: Final = 1024  # addresses that are remembered; the one that guessed longest ago is forgotten first


class Throttle:
    """How often each address was wrong. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, and when counting began

    def wait_s(self, address: str) -> int:
        """Whole seconds until the address may try again, 0 when it may now."""
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
    """The token of one server and the cookie that replaces it."""

    def __init__(self, token: str, secret: bytes, clock: Callable[[], float]) -> None:
        self._token = _bytes(token)
        self._value = hmac.new(secret, b"cookie:" + self._token, hashlib.sha256).hexdigest()
        self.cookie = f"{COOKIE}_{hashlib.sha256(b'name:' + secret).hexdigest()[:8]}"
        self.throttle = Throttle(clock)

    def carries_cookie(self, request: web.Request) -> bool:
        return hmac.compare_digest(_bytes(request.cookies.get(self.cookie, "")), self._value.encode())

    def shown(self, request: web.Request) -> list[str]:
        """The tokens that a request shows, as header or in its address."""
        scheme, _, rest = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        header = rest.strip() if scheme.lower() == "bearer" else request.headers.get(hdrs.AUTHORIZATION, "")
        return [token for token in (header, request.query.get("token", "")) if token]

    def accepts(self, token: str) -> bool:
        return hmac.compare_digest(_bytes(token), self._token)

    def set_cookie(self, response: web.StreamResponse) -> None:
        """Not `Secure`: there is no TLS here. A proxy in front may add that."""
        response.set_cookie(self.cookie, self._value, httponly=True, samesite="Strict", path="/")


def new_token() -> str:
    """A token that cannot be guessed: 43 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(SECRET_BYTES)


def cookie_secret(data_dir: Path) -> bytes:
    """The secret that cookies of this data folder are made with; kept, so that a restart ends no login."""
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
    """An IPv4 address, or the network that one IPv6 subscriber has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped is not None:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _bytes(text: str) -> bytes:
    """`compare_digest` refuses texts that are not ASCII."""
    return text.encode("utf-8", "surrogatepass")
