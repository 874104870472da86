"""What can be wrong with a broker: each is a sentence without a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

WRONG_SEQUENCE: Final = {10071, 10164}  # error codes of JetStream
FULL: Final = {10023, 10026, 10028, 10047, 10077}


class BrokerProblem(Exception):
    """The broker cannot be used as it should be; the message is a sentence without a period."""


class BrokerLost(BrokerProblem):
    """There is no connection, or no answer."""


class NoStream(BrokerProblem):
    """There is no such stream."""


class WrongSequence(BrokerProblem):
    """Something else was stored since the position that was given."""


class NotAllowed(BrokerProblem):
    """The broker does not let this user ask that."""


class StreamFull(BrokerProblem):
    """The broker stores nothing more."""


class RefusedByBroker(BrokerProblem):
    """An error of JetStream's interface; `code` is its own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def refused_by_broker(error: Mapping[str, Any]) -> BrokerProblem:
    code, words = int(error.get("err_code", 0)), str(error.get("description", "refused"))
    if code in WRONG_SEQUENCE:
        return WrongSequence(words)
    if code in FULL:
        return StreamFull(f"the broker stores nothing more ({words})")
    if error.get("code") == 404:
        return NoStream(words)
    return RefusedByBroker(f"the broker refuses: {words}", code)
