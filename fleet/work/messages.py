"""The messages between the coordinator of a sprint and its workers. A change of one is a new `WORK_VERSION`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from agents import Outcome, Price, Record, Usage
from fleet.stream.names import VERSION_HEADER
from fleet.stream.problems import BrokerProblem
from fleet.work.names import WORK_VERSION

RECORDS: Final = {kind.__name__: kind for kind in Record.__args__}


class ForeignMessage(BrokerProblem):
    """A message of another version, or one that cannot be read."""


class TreeRef(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a tree: HEAD, the commit with all files, and the bundle with what the other side lacks of it.

    `paths` are those that changed at the sender since the last exchange, when its HEAD was `since`; None: the other
    side takes the whole state. `bundle` is an object and `digest` its SHA-256; both are empty where nothing is lacking.
    """

    head: str
    commit: str
    since: str
    paths: tuple[str, ...] | None = None
    bundle: str = ""
    digest: str = ""


class LaneOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A job of the work queue. `top` is the lane's folder at the coordinator, by which prompts name files."""

    project: str
    lane: str
    branch: str
    top: str
    prefix: str
    agents: tuple[str, ...]
    labels: tuple[str, ...] = ()
    setup: str | None = None
    stories: tuple[str, ...] = ()
    planning: tuple[str, ...] = ()  # pathspecs below the project, of files that travel also where git ignores them
    object_format: str = "sha1"
    lease_s: float
    identity: tuple[str, str] = ("", "")  # name and address of who commits


class CallData(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call the worker needs: no program and no environment, which are its own."""

    agent: str
    kind: str
    prompt: str
    folder: str  # relative to the lane's top
    model: str | None
    fallback_model: str | None
    permission_mode: str | None
    prices: dict[str, Price]
    resume: str | None
    booked: Usage | None
    timeout_s: float
    silence_s: float
    schema: str | None
    budget_usd: float | None
    may_ask: bool


class RunCall(msgspec.Struct, frozen=True, tag="run", kw_only=True):
    """Run an agent; `id` is the mark of the call, `lease` the one for which this is meant."""

    id: str
    lease: tuple[int, int]
    call: CallData
    tree: TreeRef
    named: tuple[str, ...]  # ignored files of the tree that count


class RunCheck(msgspec.Struct, frozen=True, tag="check", kw_only=True):
    """Run the project's check."""

    id: str
    lease: tuple[int, int]
    command: str
    tree: TreeRef
    named: tuple[str, ...]


class StopCall(msgspec.Struct, frozen=True, tag="stop"):
    id: str


class SayToCall(msgspec.Struct, frozen=True, tag="say"):
    id: str
    message_id: int
    text: str


class AnswerCall(msgspec.Struct, frozen=True, tag="answer"):
    id: str
    text: str


class ReleaseLane(msgspec.Struct, frozen=True, tag="release"):
    """The lane is finished, or goes on elsewhere: then `keep` leaves a branch with its tree."""

    keep: bool


class LaneTaken(msgspec.Struct, frozen=True, tag="taken"):
    """A worker has taken the lane; `have` are commits that it has."""

    have: tuple[str, ...]


class CallProgress(msgspec.Struct, frozen=True, tag="progress"):
    """What an agent has printed, and the records that were read of it, in order."""

    id: str
    lines: bytes
    records: tuple[tuple[str, msgspec.Raw], ...]  # by the names of their classes


class CallEnded(msgspec.Struct, frozen=True, tag="ended"):
    """A call has ended; `tree` is None where nothing was started, or the work could not be sent."""

    id: str
    outcome: Outcome
    tree: TreeRef | None


class CheckEnded(msgspec.Struct, frozen=True, tag="checked", kw_only=True):
    id: str
    exit_code: int | None
    output: bytes
    duration_ms: int
    problem: str | None
    tree: TreeRef | None


class LaneReleased(msgspec.Struct, frozen=True, tag="released"):
    """The worker has nothing of the lane any more, but for what it was to keep."""


ToWorker = RunCall | RunCheck | StopCall | SayToCall | AnswerCall | ReleaseLane
ToCoordinator = LaneTaken | CallProgress | CallEnded | CheckEnded | LaneReleased


class WorkerMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The presence of a worker: its places, the agents that it has, and the lanes that it holds."""

    instance: str
    machine: str
    host: str
    place: str  # the folder of its data
    places: int
    free: int
    agents: tuple[str, ...]
    labels: tuple[str, ...]
    lanes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()  # branches of lanes that it lost
    problem: str | None = None


_to_worker: Final = msgspec.json.Decoder(ToWorker)
_to_coordinator: Final = msgspec.json.Decoder(ToCoordinator)
_offer: Final = msgspec.json.Decoder(LaneOffer)
_worker: Final = msgspec.json.Decoder(WorkerMessage)


def read_to_worker(headers: Any, data: bytes) -> ToWorker:
    """Return a message to a worker. Raises `ForeignMessage`."""
    return _read(_to_worker, headers, data)  # type: ignore[no-any-return]


def read_to_coordinator(headers: Any, data: bytes) -> ToCoordinator:
    """Return a message to a coordinator. Raises `ForeignMessage`."""
    return _read(_to_coordinator, headers, data)  # type: ignore[no-any-return]


def read_offer(headers: Any, data: bytes) -> LaneOffer:
    """Return a job. Raises `ForeignMessage`."""
    return _read(_offer, headers, data)  # type: ignore[no-any-return]


def read_worker(headers: Any, data: bytes) -> WorkerMessage:
    """Return a presence. Raises `ForeignMessage`."""
    return _read(_worker, headers, data)  # type: ignore[no-any-return]


def records_of(data: Sequence[tuple[str, msgspec.Raw]]) -> list[Record]:
    """Return the records of a message. Raises `ForeignMessage`."""
    try:
        return [msgspec.json.decode(value, type=RECORDS[name]) for name, value in data]
    except (KeyError, msgspec.DecodeError) as error:
        raise ForeignMessage(f"a record of a worker cannot be read ({error}): update both") from None


def _read(decoder: Any, headers: Any, data: bytes) -> Any:
    version = headers.get(VERSION_HEADER)
    if version != WORK_VERSION:
        raise ForeignMessage(
            f"this machine knows version {WORK_VERSION} of the messages about work, not {version}: update both"
        )
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ForeignMessage(f"a message about work cannot be read ({error}): update both") from None
