"""Keys, accounts and users as the operator of a NATS server makes them, without its tools."""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet.stream.keys import SEED, _text

KINDS = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
UNLIMITED = {"subs": -1, "data": -1, "payload": -1}


@dataclass(frozen=True)
class Pair:
    """A key of a kind: its public name, its seed, and the claims that it signs."""

    kind: str
    private: Ed25519PrivateKey
    seed: str
    public: str

    @classmethod
    def make(cls, kind: str) -> Self:
        raw, byte = os.urandom(32), KINDS[kind]
        private = Ed25519PrivateKey.from_private_bytes(raw)
        seed = _text(bytes((SEED | byte >> 5, (byte & 31) << 3)), raw)
        return cls(kind, private, seed, _text(bytes((byte,)), private.public_key().public_bytes_raw()))

    def claims(self, of: Pair, name: str, nats: dict[str, Any]) -> str:
        """Return the JWT that says of another key what it is."""
        nats = {"type": of.kind, "version": 2, **nats}
        body = {"jti": name, "iat": int(time.time()), "iss": self.public, "name": name, "sub": of.public, "nats": nats}
        parts = [_encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body)]
        return ".".join([*parts, _encoded(self.private.sign(".".join(parts).encode()))])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def configuration_of_operator(operator: Pair, account: Pair, store: Path) -> str:
    """Return the configuration of a server that knows users by the signatures of their account."""
    storage = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    counts = {"imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
    of_account = operator.claims(account, "FLEET", {"limits": {**UNLIMITED, **counts, **storage}})
    system = Pair.make("account")
    of_system = operator.claims(system, "SYS", {"limits": {**UNLIMITED, **counts}})
    return (
        f'operator: "{operator.claims(operator, "fleet", {})}"\n'
        f"resolver: MEMORY\nsystem_account: {system.public}\n"
        f'resolver_preload: {{ {account.public}: "{of_account}", {system.public}: "{of_system}" }}\n'
        f'jetstream {{ store_dir: "{store}" }}\n'
    )


def credentials(account: Pair, user: Pair, allowed: list[str]) -> str:
    """Return the credentials file of a user who may use these subjects, as `nsc` writes it."""
    permissions = {"pub": {"allow": allowed}, "sub": {"allow": allowed}}
    jwt = account.claims(user, "laptop", {**UNLIMITED, **permissions})
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
