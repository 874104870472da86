"""The payload class of every event type: the msgspec class is the schema.

Owns the event types, their payloads and the validation of a payload before it becomes an event. A new event type is
one member of `EventType`, one class and one row of `PAYLOADS`. Types, keys and codes are the public protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from base.plain_json import JsonObject, NotPlain, check_plain, kind_of

BatchEndStatus = Literal["completed", "stopped", "error"]
T = TypeVar("T")
D = TypeVar("D")


class InvalidEvent(ValueError):
    """A type or payload outside of the protocol; the message names the type and the field."""


class EventType(StrEnum):
    """The event types, by their names on the wire."""

    BATCH_START = "batch:start"
    BATCH_END = "batch:end"
    BATCH_PAUSE = "batch:pause"
    BATCH_RESUME = "batch:resume"
    BATCH_WARNING = "batch:warning"
    CYCLE_START = "cycle:start"
    CYCLE_END = "cycle:end"
    LANE_CHANGE = "lane:change"
    COMMAND_START = "command:start"
    COMMAND_PROGRESS = "command:progress"
    COMMAND_END = "command:end"
    STORY_STATUS = "story:status"
    STORY_HINT = "story:hint"
    STORY_SKIP = "story:skip"
    STORY_TAKEOVER = "story:takeover"
    STORY_DELIVERY = "story:delivery"
    RUN_QUEUE = "run:queue"
    PLAN_CHANGE = "plan:change"
    PROMPT_CHANGE = "prompt:change"
    QUOTA_CHANGE = "quota:change"
    AGENT_SWITCH = "agent:switch"
    ERROR = "error"
    CONTEXT_CREATE = "context:create"
    CONTEXT_REFRESH = "context:refresh"
    CONTEXT_COMPLETE = "context:complete"
    ATTENTION = "attention"


class Payload(msgspec.Struct, kw_only=True):
    """The base of all payloads. Unset optional keys are omitted from the JSON; unknown keys are allowed and kept."""


# Every key is optional, since agents report different figures; an absent one is unknown, not zero.
class Metrics(Payload, omit_defaults=True):
    """The resources that a command used: durations in milliseconds, cost in US dollars, every key optional."""

    duration_ms: int | float | UnsetType = UNSET
    input_tokens: int | UnsetType = UNSET
    output_tokens: int | UnsetType = UNSET
    cache_read_tokens: int | UnsetType = UNSET
    cache_write_tokens: int | UnsetType = UNSET
    cost_usd: int | float | UnsetType = UNSET
    estimated_usd: int | float | UnsetType = UNSET
    turns: int | UnsetType = UNSET
    exit_code: int | UnsetType = UNSET
    files_changed: int | UnsetType = UNSET
    lines_added: int | UnsetType = UNSET
    lines_removed: int | UnsetType = UNSET


class BatchForecast(Payload, kw_only=True, omit_defaults=True):
    """What was expected at the start, as ranges of 80 %: low and high. `cost_usd` is null where it is unknown.

    `seconds` are from the start to the end; `basis` says what the ranges rest on.
    """

    cost_usd: tuple[float, float] | None
    seconds: tuple[float, float]
    stories: int
    basis: str
    tokens: tuple[int, int] | None = None


class BatchStart(Payload, kw_only=True):
    batch_id: int
    max_cycles: int | Literal["all"]
    agent: str | UnsetType = UNSET
    agents: list[str] | UnsetType = UNSET
    workflow: str | UnsetType = UNSET
    workflow_reason: str | UnsetType = UNSET
    budget_usd: int | float | UnsetType = UNSET
    label: str | UnsetType = UNSET
    gates: list[str] | UnsetType = UNSET
    forecast: BatchForecast | UnsetType = UNSET


class BatchEnd(Payload, kw_only=True):
    batch_id: int
    cycles_completed: int
    status: BatchEndStatus
    reason: str | UnsetType = UNSET


class BatchPause(Payload, kw_only=True):
    batch_id: int
    reason: str
    until: int | UnsetType = UNSET


class BatchResume(Payload, kw_only=True):
    batch_id: int
    reason: str


class BatchWarning(Payload, kw_only=True):
    batch_id: int
    warning_type: str
    message: str
    command_id: int | UnsetType = UNSET
    story_key: str | UnsetType = UNSET
    gate_id: int | UnsetType = UNSET


class CycleStart(Payload, kw_only=True):
    cycle_number: int
    story_keys: list[str]
    branch: str | UnsetType = UNSET


class LaneChange(Payload, kw_only=True):
    """A lane has got a place for its commands, waits for one on a worker, or its worker has lost it."""

    cycle_number: int
    story_keys: list[str]
    state: Literal["waiting", "here", "worker", "lost"]
    message: str
    machine: str | UnsetType = UNSET


class CycleEnd(Payload, kw_only=True):
    cycle_number: int
    completed_stories: list[str]
    blocked_stories: list[str] | UnsetType = UNSET
    merge: str | UnsetType = UNSET


class CommandStart(Payload, kw_only=True):
    """The base of the three command payloads: `story_keys` are all stories of the command, `story_key` the first."""

    story_key: str
    command: str
    task_id: str
    command_id: int | UnsetType = UNSET
    attempt: int | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    background: bool | UnsetType = UNSET
    story_keys: list[str] | UnsetType = UNSET
    cycle_number: int | UnsetType = UNSET
    machine: str | UnsetType = UNSET  # that the agent runs on; not set: the runner's own


class CommandProgress(CommandStart, kw_only=True):
    message: str
    kind: str | UnsetType = UNSET
    metrics: Metrics | UnsetType = UNSET


class CommandEnd(CommandStart, kw_only=True):
    status: str
    metrics: Metrics | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    verdict: str | UnsetType = UNSET


class StoryStatus(Payload, kw_only=True):
    story_key: str
    old_status: str
    new_status: str
    reason: str | UnsetType = UNSET


class StoryHint(Payload, kw_only=True):
    """A hint of the operator was stored; with `command_id`, that command got it. `message` is its beginning.

    `sent_to`: it is a message to this command, which was running.
    """

    story_key: str
    hint_id: int
    message: str
    command_id: int | UnsetType = UNSET
    sent_to: int | UnsetType = UNSET


class PlanChange(Payload, kw_only=True):
    """The project has another plan: `reason` is `made` of its epics, `found`, or `initiative`, which was chosen."""

    tracker: str
    kind: str
    reason: str
    initiative: str | UnsetType = UNSET


class PromptChange(Payload, kw_only=True):
    """A prompt of the project was changed by the operator: `source` is own, or built-in after its copy was removed."""

    command: str
    source: Literal["own", "built-in"]
    message: str | UnsetType = UNSET


class QuotaChange(Payload, kw_only=True):
    """An agent has reported a usage window of its account: `used_fraction` from 0 to 1.

    `at` is when it was reported, `resets_at` when the window opens again, both in ms.
    """

    account: str
    window: str
    used_fraction: int | float
    at: int
    resets_at: int | UnsetType = UNSET


class AgentSwitch(Payload, kw_only=True):
    """A command has another agent than the one before it, of those that the settings name in order."""

    story_key: str
    command: str
    from_agent: str
    to_agent: str
    reason: str
    command_id: int | UnsetType = UNSET


class StorySkip(Payload, kw_only=True):
    """The operator has put a story aside, with a reason, or with `skipped` false has brought it back."""

    story_key: str
    skipped: bool
    reason: str | UnsetType = UNSET


class StoryTakeover(Payload, kw_only=True):
    """The operator takes a story over: `requested` while its command ends, `taken`, then `returned` with the change.

    `command_line` continues its agent's session in `folder`; without one `message` says why there is none.
    """

    story_key: str
    takeover_id: int
    state: Literal["requested", "taken", "returned"]
    folder: str
    message: str
    command_line: str | UnsetType = UNSET
    metrics: Metrics | UnsetType = UNSET


class StoryDelivery(Payload, kw_only=True):
    """The delivery of finished work has changed: `state` as in `GET /api/deliveries`, `message` in words.

    `problem`: it waits for the operator. `head` is the commit of the branch, `url` that of the request.
    """

    story_key: str
    delivery_id: int
    state: str
    branch: str
    message: str
    story_keys: list[str] | UnsetType = UNSET
    head: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    checks: str | UnsetType = UNSET
    round: int | UnsetType = UNSET
    problem: bool | UnsetType = UNSET


class RunQueueChange(Payload, kw_only=True):
    """What the operator has put first, and when the batch stops: `after` story, cycle or time, `at` in ms."""

    stories: list[str]
    only: bool | UnsetType = UNSET
    after: str | UnsetType = UNSET
    at: int | UnsetType = UNSET


class Error(Payload, kw_only=True):
    type: str
    message: str
    context: dict[str, Any] | UnsetType = UNSET


class ContextCreate(Payload, kw_only=True):
    status: str
    task_id: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


class ContextRefresh(ContextCreate):
    """Like `ContextCreate`, for a context file that exists but is outdated."""


class ContextComplete(ContextCreate, kw_only=True):
    metrics: Metrics | UnsetType = UNSET


class Attention(Payload, kw_only=True):
    """A request for the operator's attention.

    Kind `question` names the command that asked and the options it gives, `breaker` the stories that failed, `gate`
    and `delivery` what waits, with the decisions about it.
    """

    kind: str
    message: str
    story_key: str | UnsetType = UNSET
    command: str | UnsetType = UNSET
    command_id: int | UnsetType = UNSET
    question: str | UnsetType = UNSET
    options: list[str] | UnsetType = UNSET
    gate_id: int | UnsetType = UNSET
    delivery_id: int | UnsetType = UNSET
    decisions: list[str] | UnsetType = UNSET
    story_keys: list[str] | UnsetType = UNSET


PAYLOADS: Final[Mapping[EventType, type[Payload]]] = {
    EventType.BATCH_START: BatchStart,
    EventType.BATCH_END: BatchEnd,
    EventType.BATCH_PAUSE: BatchPause,
    EventType.BATCH_RESUME: BatchResume,
    EventType.BATCH_WARNING: BatchWarning,
    EventType.CYCLE_START: CycleStart,
    EventType.CYCLE_END: CycleEnd,
    EventType.LANE_CHANGE: LaneChange,
    EventType.COMMAND_START: CommandStart,
    EventType.COMMAND_PROGRESS: CommandProgress,
    EventType.COMMAND_END: CommandEnd,
    EventType.STORY_STATUS: StoryStatus,
    EventType.STORY_HINT: StoryHint,
    EventType.STORY_SKIP: StorySkip,
    EventType.STORY_TAKEOVER: StoryTakeover,
    EventType.STORY_DELIVERY: StoryDelivery,
    EventType.RUN_QUEUE: RunQueueChange,
    EventType.PLAN_CHANGE: PlanChange,
    EventType.PROMPT_CHANGE: PromptChange,
    EventType.QUOTA_CHANGE: QuotaChange,
    EventType.AGENT_SWITCH: AgentSwitch,
    EventType.ERROR: Error,
    EventType.CONTEXT_CREATE: ContextCreate,
    EventType.CONTEXT_REFRESH: ContextRefresh,
    EventType.CONTEXT_COMPLETE: ContextComplete,
    EventType.ATTENTION: Attention,
}


def or_unset(value: T | None) -> T | UnsetType:
    """Return the value of an optional key, UNSET for None, so that the key is omitted."""
    return UNSET if value is None else value


def value_or(value: T | UnsetType, default: D) -> T | D:
    """Return the value of an optional key, the default where the key is absent."""
    return default if isinstance(value, UnsetType) else value


def validate_payload(type: EventType | str, payload: Mapping[str, Any]) -> EventType:
    """Check a payload against the schema of its type and return the type; raises `InvalidEvent`."""
    try:
        event_type = EventType(type)
    except ValueError:
        raise InvalidEvent(f"unknown event type {type!r}") from None
    if not isinstance(payload, Mapping):
        raise InvalidEvent(f"{event_type}: the payload must be an object, not {kind_of(payload)}")
    try:
        # First, because msgspec accepts what cannot be stored: NaN, and integers of more than 64 bits.
        check_plain(payload)
        # The result is not used: keys that no class declares are stored as well.
        msgspec.convert(payload, PAYLOADS[event_type], strict=True)
    except (NotPlain, msgspec.ValidationError) as error:
        raise InvalidEvent(f"{event_type}: {error}") from None
    return event_type


def json_schema() -> JsonObject:
    """Return the JSON Schema of all events: `oneOf` the envelopes, each with its type as a constant."""
    structs = [PAYLOADS[event_type] for event_type in EventType]
    refs, components = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    envelopes = [_envelope_schema(kind, ref) for kind, ref in zip(EventType, refs, strict=True)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "oneOf": envelopes,
        "$defs": components,
    }


def _envelope_schema(type: EventType, payload: JsonObject) -> JsonObject:
    properties = {
        "type": {"const": type.value},
        "payload": payload,
        "timestamp": {"type": "integer", "description": "ms since the epoch"},
        "seq": {"type": "integer", "minimum": 1},
        "batch_id": {"type": ["integer", "null"]},
    }
    return {"type": "object", "title": type.value, "properties": properties, "required": list(properties)}
