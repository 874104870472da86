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
    code, reason = int(error.get("err_code", 0)), str(error.get("description", "refused"))
    if code in WRONG_SEQUENCE:
        return WrongSequence(reason)
    if code in FULL:
        return StreamFull(f"the broker stores nothing more ({reason})")
    if error.get("code") == 404:
        return NoStream(reason)
    return RefusedByBroker(f"the broker refuses: {reason}", code)


def problem_of(error: BaseException) -> BrokerProblem:
    """Return what an error of the package means."""
    import nats.errors
    import nats.js.errors

    if isinstance(error, BrokerProblem):
        return error
    if isinstance(error, nats.js.errors.APIError):
        return refused_by_broker(
            {"err_code": error.err_code or 0, "code": error.code, "description": error.description}
        )
    if isinstance(error, nats.errors.NoRespondersError | nats.js.errors.NoStreamResponseError):
        return NoStream("nobody listens")
    if isinstance(error, TimeoutError | nats.errors.TimeoutError):
        return BrokerLost("the broker does not answer")
    if isinstance(error, nats.errors.MaxPayloadError):
        return BrokerProblem("a message is larger than the broker takes")
    return BrokerLost(f"the connection to the broker was lost ({words(error)})")


def is_refused_login(reason: str) -> bool:
    return "authorization" in reason.lower() or "authentication" in reason.lower()


def not_connected(address: str, who: str, reason: str) -> BrokerProblem:
    """Return why there is no connection."""
    if is_refused_login(reason):
        return BrokerProblem(
            f"the NATS server at {address} refuses {who}: check SPRINT_RUNNER_FLEET_USER and "
            "SPRINT_RUNNER_FLEET_PASSWORD, or _CREDS or _NKEY instead"
        )
    return BrokerLost(f"the NATS server at {address} cannot be reached ({reason})")


def words(error: BaseException) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return " ".join(str(error).removeprefix("nats: ").split()).strip("'\"") or type(error).__name__
