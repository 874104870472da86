"""The login at a broker: where it is, as whom, and by what; passwords and keys are the environment's alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fleet.stream.keys import Key, credentials_of, nkey_of
from fleet.stream.problems import BrokerProblem

USER, PASSWORD, CREDS, NKEY = (f"SPRINT_RUNNER_FLEET_{name}" for name in ("USER", "PASSWORD", "CREDS", "NKEY"))
ONE: Final = f"only one of {PASSWORD}, {CREDS} and {NKEY} can be set"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLogin:
    """Where the broker is, and as whom this process logs in: by a password, or by the key in one of two files."""

    address: str
    user: str
    password: str | None = None
    creds: str | None = None
    nkey: str | None = None

    def secret(self) -> str | Key | None:
        """Return what proves who this is. Raises `BrokerProblem`."""
        if sum(given is not None for given in (self.password, self.creds, self.nkey)) > 1:
            raise BrokerProblem(ONE)
        if self.creds is not None:
            return credentials_of(self.creds)
        return self.password if self.nkey is None else nkey_of(self.nkey)
