"""How runners are reached: the news of a way to them, and what can be asked of a runner.

A source yields news in the order in which they happened to each runner: `Listed` first, then `Snapshot`, then
`Committed` without a gap. What it cannot deliver without a gap it begins anew with a `Snapshot`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

import msgspec

from runstate.server_state import ServerState
from security.grants import Role

UNREACHABLE: Final = 502  # the status of a response in the place of a runner that cannot be asked


class RunnerId(msgspec.Struct, frozen=True, order=True):
    """A runner among all: the source by which it is reached, and its name there, of letters, digits and `-`."""

    source: str
    key: str

    def __str__(self) -> str:
        return f"{self.source}.{self.key}"


class RunnerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner is: its project, machine and folder. `branch` is null without git, `started_at` in ms.

    `machine` is what its operator calls the machine, `host` its own name; `epoch` is that of the database, "" unknown.
    """

    project: str
    machine: str
    folder: str = ""
    branch: str | None = None
    started_at: int = 0
    epoch: str = ""
    host: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """An event as it goes over every wire."""

    type: str
    payload: dict[str, Any]
    timestamp: int
    seq: int
    batch_id: int | None = None


class Listed(msgspec.Struct, frozen=True):
    """The runner is there, or something of what it is has changed."""

    runner: RunnerId
    info: RunnerInfo


class Removed(msgspec.Struct, frozen=True):
    """The runner is not to be shown any more."""

    runner: RunnerId


class Heard(msgspec.Struct, frozen=True):
    """The runner was heard at this time, in ms since the epoch, and can be reached."""

    runner: RunnerId
    at: int


class Lost(msgspec.Struct, frozen=True):
    """The runner cannot be reached; `reason` is a sentence."""

    runner: RunnerId
    reason: str


class Snapshot(msgspec.Struct, frozen=True):
    """The state of a runner as of `seq` of its database `epoch`: `run` is the JSON of `GET /api/run`."""

    runner: RunnerId
    epoch: str
    seq: int
    run: bytes
    at: int


class Committed(msgspec.Struct, frozen=True):
    """Events of a runner, oldest first; events that were delivered before do no harm."""

    runner: RunnerId
    epoch: str
    events: tuple[Envelope, ...]
    at: int


class Facts(msgspec.Struct, frozen=True):
    """What only the runner's server knows and no event carries: cost of the day, counts of stories, agent."""

    runner: RunnerId
    facts: ServerState


class SourceProblem(msgspec.Struct, frozen=True):
    """What keeps all runners of a source from being reached, a sentence; None when that is over."""

    source: str
    problem: str | None


RunnerNews = Listed | Removed | Heard | Lost | Snapshot | Committed | Facts
News = RunnerNews | SourceProblem


class RunnerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a runner's HTTP API, which judges it by itself. `path` has the query, and begins with `/`."""

    method: str
    path: str
    role: Role
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class RunnerResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner responds; `body` yields it in pieces, and is to be read to its end or closed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: AsyncIterator[bytes]


class Unreachable(Exception):
    """The runner cannot be asked; the message is a sentence."""


class StreamEnded(Exception):
    """The messages of a runner's `/ws` have ended with this close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class RunnerSource(Protocol):
    """One way to runners. `name` is the `source` of their ids."""

    name: str

    def news(self) -> AsyncIterator[News]:
        """Yield the news of all its runners until it is closed."""
        ...

    def resync(self, runner: RunnerId) -> None:
        """Begin a runner anew with a `Snapshot`: what was delivered of it had a gap."""
        ...

    async def request(self, runner: RunnerId, request: RunnerRequest) -> RunnerResponse:
        """Send a request to a runner. Raises `Unreachable`."""
        ...

    def messages(self, runner: RunnerId, query: str, role: Role) -> AsyncIterator[bytes]:
        """Yield the text messages of the runner's `/ws`, opened with this query (`since` and `epoch`).

        Raises `StreamEnded` when the runner ends it, and `Unreachable`.
        """
        ...


__all__ = [
    "UNREACHABLE",
    "Committed",
    "Envelope",
    "Facts",
    "Heard",
    "Listed",
    "Lost",
    "News",
    "Removed",
    "RunnerId",
    "RunnerInfo",
    "RunnerNews",
    "RunnerRequest",
    "RunnerResponse",
    "RunnerSource",
    "Snapshot",
    "SourceProblem",
    "StreamEnded",
    "Unreachable",
]
