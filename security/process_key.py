"""The key by which other programs of this user on this machine are let in: it is as old as the process, and no token.

The server writes it into the user's state folder, which only the user can read; who has it could as well read the
settings with the token. Promises: a program that has the key is let in by its header alone, and from this machine
alone; the secret itself opens nothing, only what is derived from it for a role, so that a reader's requests can be
passed on as those of a reader.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from typing import Final

from aiohttp import hdrs, web

from security.grants import OPERATOR, Role, Visitor

SECRET_BYTES: Final = 32


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def key_of(secret: str, role: Role) -> str:
    """Return what a program sends as `Authorization: Bearer …` to act in a role."""
    return hmac.new(secret.encode(), f"role:{role}".encode(), hashlib.sha256).hexdigest()


class ProcessKey:
    """The key of this process."""

    def __init__(self, secret: str) -> None:
        readers = Visitor(Role.READER)
        self._visitors = [(key_of(secret, visitor.role).encode(), visitor) for visitor in (OPERATOR, readers)]

    def visitor_of(self, request: web.Request) -> Visitor | None:
        """Return as whom a program of this machine acts; None for every other request."""
        scheme, _, rest = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or not _is_loopback(request.remote or ""):
            return None
        shown = rest.strip().encode("utf-8", "surrogatepass")
        # All of them, so that the time reveals nothing.
        same = [visitor for key, visitor in self._visitors if hmac.compare_digest(shown, key)]
        return same[0] if same else None


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
