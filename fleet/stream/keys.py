"""Logins by a key instead of a password: the seed of an NKey in a file, alone or with the JWT of a credentials file.

The server sends a nonce, which the key signs, so that the seed never leaves this machine. Promises: a file is read anew
for each connection, and only one that nobody but its owner may read; what is wrong with it is one sentence without a
period, which names the file and nothing of its content.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.regular import read_regular
from fleet.stream.problems import BrokerProblem

FILE_BYTES: Final = 64 << 10  # a credentials file has one or two
SEED_BYTES: Final = 32
SEED, USER = 18 << 3, 20 << 3  # the first byte of what begins with `S`, and of what begins with `U`
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
NO_PACKAGE: Final = "a login by a key needs the package cryptography: `pip install cryptography`"

_SECTION: Final = re.compile(rb"-+BEGIN ([A-Z ]+)-+\s+(\S+)\s+-+END \1-+")
JWT_SECTION, SEED_SECTION = b"NATS USER JWT", b"USER NKEY SEED"


@dataclass(frozen=True, slots=True)
class Key:
    """A user's key: `public` is its name at the server, `sign` returns the signature of a nonce in base 64."""

    public: str
    jwt: str | None
    sign: Callable[[str], bytes]


def nkey_of(file: str) -> Key:
    """Return the key whose seed a file holds. Raises `BrokerProblem`."""
    return _key(file, _read(file).strip(), None)


def credentials_of(file: str) -> Key:
    """Return the key and the JWT of a credentials file, as `nsc` writes them. Raises `BrokerProblem`."""
    found = dict(_SECTION.findall(_read(file)))
    if JWT_SECTION not in found or SEED_SECTION not in found:
        raise BrokerProblem(f"{file} is no credentials file: it must have a user's JWT and the seed of its NKey")
    jwt = found[JWT_SECTION]
    if not jwt.isascii():
        raise BrokerProblem(f"the JWT in {file} cannot be read")
    return _key(file, found[SEED_SECTION], jwt.decode())


def new_nkey(file: Path) -> str:
    """Write the seed of a new NKey into a new file, for its owner only; return its public name. Raises OSError."""
    seed = os.urandom(SEED_BYTES)
    text = _text(bytes((SEED | USER >> 5, (USER & 31) << 3)), seed)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"{text}\n")
    return nkey_of(str(file)).public


def _read(file: str) -> bytes:
    try:
        content = read_regular(file, FILE_BYTES)
        mode = os.stat(file).st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise BrokerProblem(f"{file} cannot be read ({reason})") from None
    if mode & OTHERS:
        raise BrokerProblem(f"{file} may be read by others than its owner: `chmod 600` makes it private")
    return content


def _key(file: str, text: bytes, jwt: str | None) -> Key:
    seed = _seed(text)
    if seed is None:
        raise BrokerProblem(f"{file} has no seed of a user's NKey, which begins with SU")
    if importlib.util.find_spec("cryptography") is None:
        raise BrokerProblem(NO_PACKAGE)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = _text(bytes((USER,)), private.public_key().public_bytes_raw())
    return Key(public, jwt, lambda nonce: base64.b64encode(private.sign(nonce.encode())))


def _seed(text: bytes) -> bytes | None:
    """Return the 32 bytes of a user's seed; None for anything else."""
    try:
        raw = base64.b32decode(text + b"=" * (-len(text) % 8))
    except binascii.Error:
        return None
    if len(raw) != 2 + SEED_BYTES + 2 or _checksum(raw[:-2]) != raw[-2:]:
        return None
    kind = (raw[0] & 7) << 5 | raw[1] >> 3
    return raw[2:-2] if (raw[0] & 0xF8, kind) == (SEED, USER) else None


def _text(prefix: bytes, key: bytes) -> str:
    """Return a key as text: base 32 of its kind, its bytes and their checksum."""
    raw = prefix + key
    return base64.b32encode(raw + _checksum(raw)).decode().rstrip("=")


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(2, "little")
