"""The payload of every event type: the msgspec class is the schema.

Owns the event types, their payloads and the check of a payload before it may become an event. A new event type is
one member of `EventType`, one class and one row of `PAYLOADS`. Types, keys and codes are the public protocol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any, Final, Literal

import msgspec

MAX_DEPTH: Final = 64  # levels of nesting in a payload; deeper ones are a mistake, and cost every reader a stack
INT64_MAX: Final = 2**63 - 1  # the largest integer that SQLite and most clients can hold


class InvalidEvent(ValueError):
    """A type or payload that protocol.md does not allow; the message names the type and the field."""


class EventType(StrEnum):
    """Every type of event, as it is written on the wire."""

    BATCH_START = "batch:start"
    BATCH_END = "batch:end"
    BATCH_PAUSE = "batch:pause"
    BATCH_RESUME = "batch:resume"
    BATCH_WARNING = "batch:warning"
    CYCLE_START = "cycle:start"
    CYCLE_END = "cycle:end"
    COMMAND_START = "command:start"
    COMMAND_PROGRESS = "command:progress"
    COMMAND_END = "command:end"
    STORY_STATUS = "story:status"
    ERROR = "error"
    CONTEXT_CREATE = "context:create"
    CONTEXT_REFRESH = "context:refresh"
    CONTEXT_COMPLETE = "context:complete"
    ATTENTION = "attention"


class Payload(msgspec.Struct, kw_only=True):
    """Base of all payloads. Optional keys are left out of the JSON when unset; unknown keys are allowed and kept."""


class Metrics(Payload, omit_defaults=True):
    """What a command used. Durations in milliseconds, cost in US dollars, everything optional."""

    duration_ms: int | float | msgspec.UnsetType = msgspec.UNSET
    input_tokens: int | msgspec.UnsetType = msgspec.UNSET
    output_tokens: int | msgspec.UnsetType = msgspec.UNSET
    cache_read_tokens: int | msgspec.UnsetType = msgspec.UNSET
    cache_write_tokens: int | msgspec.UnsetType = msgspec.UNSET
    cost_usd: int | float | msgspec.UnsetType = msgspec.UNSET
    estimated_usd: int | float | msgspec.UnsetType = msgspec.UNSET
    turns: int | msgspec.UnsetType = msgspec.UNSET
    exit_code: int | msgspec.UnsetType = msgspec.UNSET
    files_changed: int | msgspec.UnsetType = msgspec.UNSET
    lines_added: int | msgspec.UnsetType = msgspec.UNSET
    lines_removed: int | msgspec.UnsetType = msgspec.UNSET


class BatchStart(Payload):
    batch_id: int
    max_cycles: int | Literal["all"]


class BatchEnd(Payload):
    batch_id: int
    cycles_completed: int
    status: Literal["completed", "stopped", "error"]
    reason: str | msgspec.UnsetType = msgspec.UNSET


class BatchPause(Payload):
    batch_id: int
    reason: str
    until: int | msgspec.UnsetType = msgspec.UNSET


class BatchResume(Payload):
    batch_id: int
    reason: str


class BatchWarning(Payload):
    batch_id: int
    warning_type: str
    message: str


class CycleStart(Payload):
    cycle_number: int
    story_keys: list[str]


class CycleEnd(Payload):
    cycle_number: int
    completed_stories: list[str]


class CommandStart(Payload):
    story_key: str
    command: str
    task_id: str
    command_id: int | msgspec.UnsetType = msgspec.UNSET
    attempt: int | msgspec.UnsetType = msgspec.UNSET
    agent: str | msgspec.UnsetType = msgspec.UNSET
    model: str | msgspec.UnsetType = msgspec.UNSET


class CommandProgress(CommandStart, kw_only=True):
    message: str


class CommandEnd(CommandStart, kw_only=True):
    status: str
    metrics: Metrics | msgspec.UnsetType = msgspec.UNSET


class StoryStatus(Payload):
    story_key: str
    old_status: str
    new_status: str


class Error(Payload):
    type: str
    message: str
    context: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Context(Payload):
    status: str
    task_id: str | msgspec.UnsetType = msgspec.UNSET
    message: str | msgspec.UnsetType = msgspec.UNSET


class Attention(Payload):
    kind: str
    message: str
    story_key: str | msgspec.UnsetType = msgspec.UNSET


PAYLOADS: Final[Mapping[EventType, type[Payload]]] = {
    EventType.BATCH_START: BatchStart,
    EventType.BATCH_END: BatchEnd,
    EventType.BATCH_PAUSE: BatchPause,
    EventType.BATCH_RESUME: BatchResume,
    EventType.BATCH_WARNING: BatchWarning,
    EventType.CYCLE_START: CycleStart,
    EventType.CYCLE_END: CycleEnd,
    EventType.COMMAND_START: CommandStart,
    EventType.COMMAND_PROGRESS: CommandProgress,
    EventType.COMMAND_END: CommandEnd,
    EventType.STORY_STATUS: StoryStatus,
    EventType.ERROR: Error,
    EventType.CONTEXT_CREATE: Context,
    EventType.CONTEXT_REFRESH: Context,
    EventType.CONTEXT_COMPLETE: Context,
    EventType.ATTENTION: Attention,
}


def validate_payload(type: EventType | str, payload: Mapping[str, Any]) -> EventType:
    """Check a payload against the schema of its type and return the type; raises `InvalidEvent`."""
    try:
        event_type = EventType(type)
    except ValueError:
        raise InvalidEvent(f"unknown event type {type!r}") from None
    if not isinstance(payload, Mapping):
        raise InvalidEvent(f"{event_type}: the payload must be an object, not {_kind(payload)}")
    _check_plain(event_type, payload, "$", 0)
    try:
        msgspec.convert(payload, PAYLOADS[event_type], strict=True)
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"{event_type}: {error}") from None
    return event_type


def json_schema() -> dict[str, Any]:
    """JSON Schema of all events: `oneOf` the envelopes, each with its type as a constant."""
    structs = [PAYLOADS[event_type] for event_type in EventType]
    refs, components = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    envelopes = [_envelope_schema(kind, ref) for kind, ref in zip(EventType, refs, strict=True)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "oneOf": envelopes,
        "$defs": components,
    }


def _check_plain(type: EventType, value: object, path: str, depth: int) -> None:
    """Refuse what JSON cannot carry unchanged: non-finite numbers, huge integers, sets, bytes, foreign objects."""
    if value.__class__ in _SCALARS or isinstance(value, Enum):
        _check_scalar(type, value, path)
    elif depth >= MAX_DEPTH:
        raise InvalidEvent(f"{type}: {path} is nested deeper than {MAX_DEPTH} levels")
    elif isinstance(value, dict) or (depth == 0 and isinstance(value, Mapping)):
        _check_mapping(type, value, path, depth)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_plain(type, item, f"{path}[{index}]", depth + 1)
    else:
        raise InvalidEvent(f"{type}: {path} is {_kind(value)}, which JSON does not have")


def _check_scalar(type: EventType, value: object, path: str) -> None:
    match value:
        case None | bool():
            return
        case str():
            _check_text(type, value, path)
        case int() if -INT64_MAX <= value <= INT64_MAX:
            return
        case float() if math.isfinite(value):
            return
        case float():
            raise InvalidEvent(f"{type}: {path} is {value}, not a finite number")
        case int():
            raise InvalidEvent(f"{type}: {path} is an integer of more than 64 bits")
        case _:
            raise InvalidEvent(f"{type}: {path} is {_kind(value)}, which JSON does not have")


def _check_text(type: EventType, value: str, path: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidEvent(f"{type}: {ascii(path)[1:-1]} holds a lone surrogate, which is no character") from None


def _check_mapping(type: EventType, value: Mapping[Any, Any], path: str, depth: int) -> None:
    for key, item in value.items():
        if key.__class__ is not str:
            raise InvalidEvent(f"{type}: {path} has the key {key!r}; keys must be text")
        _check_text(type, key, f"{path}.{key}")
        _check_plain(type, item, f"{path}.{key}", depth + 1)


_SCALARS: Final = (None.__class__, bool, int, float, str)  # no classes of their own: nobody could write those down


def _kind(value: object) -> str:
    return value.__class__.__name__


def _envelope_schema(type: EventType, payload: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "type": {"const": type.value},
        "payload": payload,
        "timestamp": {"type": "integer", "description": "ms since the epoch"},
        "seq": {"type": "integer", "minimum": 1},
        "batch_id": {"type": ["integer", "null"]},
    }
    return {"type": "object", "title": type.value, "properties": properties, "required": list(properties)}
