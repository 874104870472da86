"""The codes that pair a device: each works once, for one minute, and in this process only."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from security.grants import Role, digest_of

CODE_S: Final = 60.0
CODE_BYTES: Final = 16  # 128 bits, which cannot be guessed within a minute
CODES_MAX: Final = 8  # that are open at once; the oldest gives way


class Pairing:
    """The open codes of one server. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[Role, float]] = OrderedDict()  # by digest; the time at which a code ends

    def new(self, role: Role) -> str:
        """Return a code for a device of this role."""
        code = secrets.token_urlsafe(CODE_BYTES)
        self._open[digest_of(code)] = (role, self._clock() + CODE_S)
        while len(self._open) > CODES_MAX:
            self._open.popitem(last=False)
        return code

    def role_of(self, code: str) -> Role | None:
        """Return the role that an open code gives, without using it; None for any other text."""
        role, until = self._open.get(digest_of(code), (None, 0.0))
        return role if self._clock() < until else None

    def use(self, code: str) -> Role | None:
        """Return the role that an open code gives, and end the code."""
        role = self.role_of(code)
        self._open.pop(digest_of(code), None)
        return role
