"""The request bodies: one struct for each, and their decoder.

The type and `Meta` of a field limit its value; the description of the field is the error message for a wrong value, and
its description in the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from settings import BATCH_MAX, SettingValues

AGENTS_MAX: Final = 20  # of a list of which the next one works while those before it wait
ANSWER_MAX: Final = 20_000  # characters of an answer to an agent; a longer text belongs in a file of the project
HINT_MAX: Final = 16 * 1024  # bytes of a hint in UTF-8
ID_MAX: Final = 2**63 - 1  # SQLite's largest row id
BUDGET_MAX: Final = 1_000_000  # US dollars
_FIELD: Final = re.compile(r" - at `\$\.(\w+)[^`]*`$")  # the end of msgspec's message about a field

B = TypeVar("B", bound="Body")


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of all bodies; an unknown field is rejected, since it may be a misspelt one."""


class BadJson(ValueError):
    """The body is not a JSON object."""


class BadField(ValueError):
    """A field is unknown or its value is wrong; the message begins with its name."""


Cycles = Annotated[int, Meta(ge=1, le=BATCH_MAX)] | Literal["all"]
WritableStatus = Literal["backlog", "blocked", "done", "in-progress", "ready-for-dev", "review"]
Budget = Annotated[float, Meta(gt=0, le=BUDGET_MAX)]


class StartBody(Body, frozen=True):
    """`batch_size` is the number of cycles; without it the setting `default_batch_size`.

    `write_tracker` allows to write a tracker that says that another program makes it; the permission is kept.
    `start_at` is the next time of this machine's clock at which the batch begins to work.
    `synced` says that the copy of tickets that a tracker keeps is fresh.
    """

    batch_size: Annotated[
        Cycles | UnsetType, Meta(description=f'must be a whole number from 1 to {BATCH_MAX}, or "all"')
    ] = UNSET
    stories: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None, Meta(description="must be a list of story keys")
    ] = None
    agent: Annotated[
        str | Annotated[list[str], Meta(min_length=1, max_length=AGENTS_MAX)] | None,
        Meta(description="must be the name of an agent, or a list of names in their order"),
    ] = None
    budget_usd: Annotated[Budget | None, Meta(description=f"must be a number above 0, at most {BUDGET_MAX}")] = None
    gates: Annotated[
        list[Literal["plan", "commit", "done"]] | None, Meta(description="must be a list of plan, commit, done")
    ] = None
    write_tracker: Annotated[bool, Meta(description="must be true or false")] = False
    start_at: Annotated[
        Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None,
        Meta(description='must be a time such as "22:30"'),
    ] = None
    synced: Annotated[bool, Meta(description="must be true or false")] = False


class NewLinkBody(Body, frozen=True):
    """The name of a new reader's link, for the list in Settings."""

    name: Annotated[str, Meta(min_length=1, max_length=60, description="must be a name of at most 60 characters")]


class PairBody(Body, frozen=True):
    """The role of the device that is paired."""

    role: Annotated[Literal["operator", "reader"], Meta(description='must be "operator" or "reader"')] = "operator"


class SubscriptionBody(Body, frozen=True):
    """The subscription of a browser to messages, as its `pushManager` gives it; `name` where the device has none."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=2048, description="must be an https address")]
    p256dh: Annotated[str, Meta(pattern=r"^[\w-]{86,88}=*$", description="must be the browser's public key")]
    auth: Annotated[str, Meta(pattern=r"^[\w-]{22}=*$", description="must be the browser's secret")]
    name: Annotated[str, Meta(max_length=60, description="must be a name of at most 60 characters")] = "Browser"


class StopBody(Body, frozen=True):
    mode: Annotated[Literal["graceful", "now"], Meta(description='must be "graceful" or "now"')] = "graceful"


class LineComment(Body, frozen=True):
    """An operator's comment on one line of a plan or of a change."""

    path: Annotated[str, Meta(min_length=1, max_length=1000, description="must be a path of the project")]
    line: Annotated[int, Meta(ge=1, le=ID_MAX, description="must be the number of a line, from 1")]
    text: Annotated[str, Meta(min_length=1, max_length=ANSWER_MAX, description="must be a text")]


class GateBody(Body, frozen=True):
    """`comments` are about lines, `text` about the whole; both go to the agent with `back`."""

    decision: Annotated[Literal["go", "back", "skip", "stop"], Meta(description="must be one of go, back, skip, stop")]
    comments: Annotated[
        list[LineComment], Meta(max_length=100, description="must be a list of {path, line, text}")
    ] = []
    text: Annotated[str, Meta(max_length=ANSWER_MAX, description=f"must be at most {ANSWER_MAX} characters")] = ""


class DeliveryBody(Body, frozen=True):
    """`retry` takes the step again that failed, `stop` gives the delivery up."""

    decision: Annotated[Literal["retry", "stop"], Meta(description="must be one of retry, stop")]


class BoardViewBody(Body, frozen=True):
    """A view of the Board by its name; `query` has its filter, order and layout, null removes it."""

    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=60)], Meta(description="must be a text of 1 to 60 characters")
    ]
    query: Annotated[
        Annotated[str, Meta(max_length=1000)] | None,
        Meta(description="must be a text of at most 1000 characters, or null"),
    ]


class QueueBody(Body, frozen=True):
    """What runs next, and when the batch stops. `only`: nothing else runs; `at` in ms since the epoch, with `time`."""

    stories: Annotated[
        Annotated[list[str], Meta(max_length=BATCH_MAX)] | UnsetType,
        Meta(description=f"must be a list of at most {BATCH_MAX} story keys"),
    ] = UNSET
    only: Annotated[bool | UnsetType, Meta(description="must be true or false")] = UNSET
    after: Annotated[
        Literal["story", "cycle", "time"] | UnsetType | None,
        Meta(description="must be one of story, cycle, time, or null"),
    ] = UNSET
    at: Annotated[
        Annotated[int, Meta(ge=1, le=ID_MAX)] | None, Meta(description="must be a time in ms since the epoch")
    ] = None


class TicketBody(Body, frozen=True):
    place: Annotated[Literal["backlog", "inbox"], Meta(description="must be backlog or inbox")]


class AnswerBody(Body, frozen=True):
    command_id: Annotated[int, Meta(ge=1, le=ID_MAX, description="must be the id of the command that asked")]
    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=ANSWER_MAX,
            pattern=r"\S",
            description=f"must be a text of 1 to {ANSWER_MAX} characters",
        ),
    ]


HINT_RULE: Final = f"must be a text of 1 to {HINT_MAX} bytes"
HintText = Annotated[str, Meta(min_length=1, max_length=HINT_MAX, pattern=r"\S")]


class HintBody(Body, frozen=True):
    """`text` is given to the story's next command."""

    text: Annotated[HintText, Meta(description=HINT_RULE)]


class MessageBody(Body, frozen=True):
    """`text` is sent to the agent while it works."""

    text: Annotated[HintText, Meta(description=HINT_RULE)]


class BranchBody(Body, frozen=True):
    """`name` is that of the new branch, null for the proposed one."""

    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None, Meta(description="must be the name of a branch")
    ] = None


EntryStatus = Literal["backlog", "in-progress", "ready-for-dev", "review"]


class RetryBody(Body, frozen=True):
    """`hint` is given to the story's next command; `confirm` allows to delete the file of a story of a list.

    `status` is the one that the story gets, by which it enters the workflow at a step: review at its code review.
    """

    hint: Annotated[HintText | None, Meta(description=HINT_RULE)] = None
    confirm: Annotated[bool, Meta(description="must be true or false")] = False
    status: Annotated[EntryStatus, Meta(description=f"must be one of {', '.join(get_args(EntryStatus))}")] = (
        "ready-for-dev"
    )


RevertedStatus = Literal["backlog", "blocked", "in-progress", "ready-for-dev", "review"]


class RevertBody(Body, frozen=True):
    """`status` is that of the story after its commit is reverted."""

    status: Annotated[RevertedStatus, Meta(description=f"must be one of {', '.join(get_args(RevertedStatus))}")] = (
        "ready-for-dev"
    )


class PromptBody(Body, frozen=True):
    """`text` replaces the built-in prompt, null takes that one again. `expected` is the `digest` of the own copy as the
    client knows it, null for none."""

    text: Annotated[str | None, Meta(description="must be a text, or null for the built-in prompt")]
    expected: Annotated[
        Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")] | None,
        Meta(description="must be the digest of GET /api/prompts, or null"),
    ]


SKIP_RULE: Final = f"must be a reason of 1 to {HINT_MAX} bytes"


class SkipBody(Body, frozen=True):
    """`reason` is kept with the story and shown wherever it is."""

    reason: Annotated[HintText, Meta(description=SKIP_RULE)]


class StatusBody(Body, frozen=True):
    """`expected` is the current status as the client knows it."""

    status: Annotated[WritableStatus, Meta(description=f"must be one of {', '.join(get_args(WritableStatus))}")]
    expected: Annotated[str, Meta(min_length=1, description="must be a status")]


class TrustBody(Body, frozen=True):
    """`hash` is that of the list which the operator has read."""

    hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="must be the hash of GET /api/trust")]


class TrackerBody(Body, frozen=True):
    """`expected` is the hash of the text that the operator has seen."""

    expected: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="must be the hash of GET /api/plan/proposal")]


class PlanningBody(Body, frozen=True):
    """The batch that plans the sprint: its agent and budget."""

    agent: Annotated[str | None, Meta(description="must be the name of an agent")] = None
    budget_usd: Annotated[Budget | None, Meta(description=f"must be a number above 0, at most {BUDGET_MAX}")] = None


class InitiativeBody(Body, frozen=True):
    """`initiative` is the name of one, null for the one that BMAD's configuration names."""

    initiative: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1000)] | None,
        Meta(description="must be the name of an initiative, or null"),
    ]


class NoticeTestBody(Body, frozen=True):
    """The channel by which a test is sent."""

    channel: Annotated[Literal["webhook", "command"], Meta(description='must be "webhook" or "command"')]


class EmptyBody(Body, frozen=True):
    """An empty object, or no body at all."""


def decode_body(raw: bytes, kind: type[B]) -> B:
    """Return the body as its struct; an absent body is an empty object. Raises `BadJson` and `BadField`."""
    names = _decode(raw or b"{}", dict[str, msgspec.Raw])
    known = kind.__struct_fields__
    for name in names:
        if name not in known:
            raise BadField(f"{name}: there is no such field; known are {', '.join(known)}")
    try:
        body: B = _decode(raw or b"{}", kind)
    except msgspec.ValidationError as error:
        raise BadField(_refusal(str(error), kind, names)) from None
    return body


def decode_object(raw: bytes) -> SettingValues:
    """Return a body whose keys are names of settings. Raises `BadJson` and `BadField`."""
    fields = {}
    for name, value in _decode(raw or b"{}", dict[str, msgspec.Raw]).items():
        try:
            fields[name] = _decode(value, Any)
        except msgspec.ValidationError:  # with `Any` as type, only a number out of range is invalid
            raise BadField(f"{name}: contains a number that is out of range") from None
    return fields


def _decode(raw: bytes | msgspec.Raw, kind: Any) -> Any:
    """Decode JSON as a type. Raises `BadJson`, and `msgspec.ValidationError` for JSON of another type."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        # A number that is out of range is refused before it is seen that it is no object.
        is_object = kind != dict[str, msgspec.Raw] and not str(error).startswith("Expected `object`")
        if not is_object and " - at " not in str(error):
            raise BadJson("the body must be a JSON object") from None
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadJson("the body is not JSON") from None


def _refusal(message: str, kind: type[Body], names: Container[str]) -> str:
    """Return the error message of the field that msgspec names, or of the first missing one."""
    found = _FIELD.search(message)
    missing = (field.name for field in msgspec.structs.fields(kind) if field.required and field.name not in names)
    name = found[1] if found else next(missing, "body")
    rules = {field.name: _description(field.type) for field in msgspec.structs.fields(kind)}
    return f"{name}: {rules.get(name) or message}"


def _description(kind: Any) -> str | None:
    metas: tuple[Meta, ...] = getattr(kind, "__metadata__", ())
    return next((meta.description for meta in metas if meta.description), None)
