"""Links that do one thing: what a link does is in its address, signed with a key of this server.

A link is bound to one question or gate as it was when the link was made, to one answer, and to a time. That it works
once is for its user to keep: `digest_of` the address identifies it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final, Literal

import msgspec

LINK_S: Final = 24 * 3600  # for which a link works
SIGNATURE_BYTES: Final = 16
TEXT_MAX: Final = 2000  # characters of the part of an address that is looked at


class WrongSignature(ValueError):
    """The address was not made by this server, or was changed."""


class LinkExpired(ValueError):
    """The link's time is over."""


class LinkClaim(msgspec.Struct, frozen=True, array_like=True):
    """What a link does: `answer` to the question of a command, or at a gate, with this `id`.

    `mark` identifies the question or what the gate showed; `until` is in seconds since the epoch.
    """

    kind: Literal["question", "gate"]
    id: int
    mark: str
    answer: str
    until: int


def link_key(secret: bytes) -> bytes:
    """Return the key of links, which is no other secret of the server."""
    return hmac.new(secret, b"links", hashlib.sha256).digest()


def signed(key: bytes, claim: LinkClaim) -> str:
    """Return the claim as a part of an address."""
    content = _encoded(msgspec.json.encode(claim))
    return f"{content}.{_signature(key, content)}"


def claim_of(key: bytes, text: str, now: float) -> LinkClaim:
    """Return what a link does. Raises `WrongSignature`, and `LinkExpired` where only the time is wrong."""
    content, _, signature = text[:TEXT_MAX].partition(".")
    if not hmac.compare_digest(_signature(key, content).encode(), signature.encode("utf-8", "surrogatepass")):
        raise WrongSignature
    try:
        claim = msgspec.json.decode(_decoded(content), type=LinkClaim)
    except (msgspec.DecodeError, binascii.Error):  # signed by an older program
        raise WrongSignature from None
    if now >= claim.until:
        raise LinkExpired
    return claim


def _signature(key: bytes, content: str) -> str:
    digest = hmac.new(key, content.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return _encoded(digest[:SIGNATURE_BYTES])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


__all__ = ["LINK_S", "LinkClaim", "LinkExpired", "WrongSignature", "claim_of", "link_key", "signed"]
