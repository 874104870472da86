"""The login at a broker: where it is and as whom; the password is the environment's alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLogin:
    """Where the broker is, and as whom this process logs in."""

    address: str
    user: str
    password: str | None
