"""Identities as the stream spells them: random UUIDs, without the cost of importing the module for them."""

from __future__ import annotations

import os
import re

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def new() -> str:
    """A random UUID, version 4 (RFC 9562, section 5.4)."""
    octets = bytearray(os.urandom(16))
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    digits = octets.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def is_one(text: str) -> bool:
    return UUID.fullmatch(text) is not None
