"""Access beside the token: paired devices and the links of readers, each with a role, and what it takes to end one.

Promises: of a cookie or a token only its SHA-256 is kept; a grant that is revoked opens nothing from that moment on,
and the sockets that it had opened are closed.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SEEN_S: Final = 60.0  # between two records of when a grant was last used


class Role(StrEnum):
    """What a visitor may do: everything that the page can do, or see it."""

    OPERATOR = "operator"
    READER = "reader"


class GrantKind(StrEnum):
    """How a visitor shows a grant: by the cookie of a paired device, or by the token of a reader's link."""

    DEVICE = "device"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Grant:
    """An access that the operator has given. `digest` is that of its secret; `made_at` in ms since the epoch."""

    id: int
    kind: GrantKind
    role: Role
    name: str
    digest: str
    made_at: int


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends a request: the role, and the grant by which it has it; None for a token of the settings or none."""

    role: Role
    grant_id: int | None = None


OPERATOR: Final = Visitor(Role.OPERATOR)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret. It has 128 bits or more, so that a plain hash of it cannot be reversed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Grants:
    """The grants in force, in memory: every request asks them. `clock` returns seconds since the epoch.

    `on_seen` is called with a grant's id and the time in ms, once a minute at most.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock
        self._by_id: dict[int, Grant] = {}
        self._by_cookie: dict[str, Grant] = {}  # by the digest of the cookie
        self._by_token: dict[str, Grant] = {}
        self._seen: dict[int, float] = {}
        self._closers: dict[int, set[Callable[[], None]]] = {}
        self.on_seen: Callable[[int, int], None] = lambda grant_id, at: None

    def load(self, grants: Iterable[Grant], seen_at: Callable[[int], int | None] = lambda id: None) -> None:
        """Add the grants of the last server; `seen_at` returns when one was last used, in ms."""
        for grant in grants:
            self.add(grant)
            if (at := seen_at(grant.id)) is not None:
                self._seen[grant.id] = at / 1000

    def add(self, grant: Grant) -> None:
        self._by_id[grant.id] = grant
        if grant.kind is GrantKind.DEVICE:
            self._by_cookie[grant.digest] = grant
        else:
            self._by_token[grant.digest] = grant
            self._by_cookie[digest_of(self.cookie_of(grant))] = grant

    def remove(self, grant_id: int) -> bool:
        """Revoke a grant and close its sockets; return whether there was one."""
        grant = self._by_id.pop(grant_id, None)
        if grant is None:
            return False
        for known in (self._by_cookie, self._by_token):
            for digest in [digest for digest, one in known.items() if one is grant]:
                del known[digest]
        for close in self._closers.pop(grant_id, set()):
            close()
        return True

    def all(self) -> list[Grant]:
        """Return the grants in force, oldest first."""
        return sorted(self._by_id.values(), key=lambda grant: grant.id)

    def cookie_of(self, grant: Grant) -> str:
        """Return the cookie that replaces the token of a link: no token, and not computed without the secret."""
        return hmac.new(self._secret, b"link:" + grant.digest.encode(), hashlib.sha256).hexdigest()

    def by_cookie(self, cookie: str) -> Grant | None:
        # A look-up by digest: its time reveals nothing about the secret.
        return self._note(self._by_cookie.get(digest_of(cookie)))

    def by_token(self, token: str) -> Grant | None:
        return self._note(self._by_token.get(digest_of(token)))

    def seen_ms(self, grant_id: int) -> int | None:
        """Return when a grant was last used, in ms since the epoch; None: never."""
        seen = self._seen.get(grant_id)
        return None if seen is None else int(seen * 1000)

    @contextmanager
    def socket(self, grant_id: int | None, close: Callable[[], None]) -> Iterator[None]:
        """Close a socket with `close` when its grant is revoked inside the block, or was before it."""
        if grant_id is None:
            yield
            return
        if grant_id not in self._by_id:
            close()
        self._closers.setdefault(grant_id, set()).add(close)
        try:
            yield
        finally:
            self._closers.get(grant_id, set()).discard(close)

    def _note(self, grant: Grant | None) -> Grant | None:
        if grant is not None:
            now = self._clock()
            if now - self._seen.get(grant.id, 0.0) >= SEEN_S:
                self._seen[grant.id] = now
                self.on_seen(grant.id, int(now * 1000))
        return grant
