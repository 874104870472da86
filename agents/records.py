"""The small set of records every agent's stream is turned into.

Adapters produce them, the tally and the orchestrator read them; nothing else of an agent's format leaves this
package. `subagent` is the id of the tool call that started a subagent, None for the main agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from agents.spec import OutcomeKind, Usage


class Action(StrEnum):
    """The kind of a tool call, independent of the agent's name for the tool."""

    READ = "read"
    EDIT = "edit"
    RUN = "run"
    SEARCH = "search"
    PLAN = "plan"
    DELEGATE = "delegate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Started:
    """The agent is up (again: some print this once per turn)."""

    session_id: str | None
    model: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A complete piece of the agent's text."""

    text: str
    subagent: str | None = None


@dataclass(frozen=True, slots=True)
class EditHunk:
    """Lines that belong together, each behind its sign; the numbers of the first one are 0 where they are unknown."""

    old: int
    new: int
    lines: list[str]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit as it was reported. Where `patch` is None, `old` becomes `new`; both None: only the path is known."""

    path: str
    old: str | None = None
    new: str | None = None
    patch: tuple[EditHunk, ...] | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool is being used. `summary` is one line, such as "Edit src/app.py".

    `is_verdict`: it does nothing but hand over the structured verdict; the text before it is still the last reply.
    `edits` is what it changes in files, as far as the agent reports it.
    """

    id: str
    name: str
    summary: str
    action: Action = Action.OTHER
    subagent: str | None = None
    is_verdict: bool = False
    edits: tuple[Edit, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool has answered. `text` is bounded, `size` is the full length in characters.

    `edits`, if there are any, is what it has really changed, in place of what the call announced.
    """

    id: str
    ok: bool
    text: str
    size: int = 0
    subagent: str | None = None
    edits: tuple[Edit, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """Tokens of one reply; a later one with the same `message_id` replaces it. `cost_usd` when reported.

    `guessed`: the program said nothing; the figures follow from the length of what was read and written.
    """

    # Claude Code repeats the usage of a reply with each of its content blocks, so sums are made by this id.
    message_id: str
    usage: Usage
    model: str | None = None
    cost_usd: float | None = None
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class SubSession:
    """A sub-agent works in a session of its own, whose tokens the stream does not report."""

    id: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The agent tries a request again in `delay_s`. `fatal`: no retry can help (a refused key)."""

    attempt: int
    max_attempts: int | None
    delay_s: float | None
    error: str
    status: int | None = None
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class LimitSeen:
    """The state of the agent's usage window. `resets_at` is epoch seconds."""

    rejected: bool
    resets_at: float | None
    window: str | None = None
    used_fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """A tool was not permitted."""

    tool: str
    tool_id: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the agent. `live`: the program waits for the answer; else it cannot be given within the call."""

    text: str
    live: bool = False


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """The agent has taken a message of the operator (`id`) into its work, at this place."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An API error that the agent reports, with its own word for it."""

    error: str
    message: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line in the log: a fallback model, a compaction, a background task."""

    text: str


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that were not a record. `text` is a bounded excerpt, `size` the number of bytes skipped."""

    text: str
    size: int


@dataclass(frozen=True, slots=True)
class Final:
    """The agent's own word about its end. Several may come; the last one counts.

    `cumulative`: usage and cost are totals of this process so far, not of the time since the last Final.
    `whole_session`: they also include the earlier processes of a resumed session.
    `more_expected`: background work continues and another turn will follow.
    `structured`: the JSON of the verdict in the form that was asked for. `exit_code`: the one that goes with a success.
    """

    kind: OutcomeKind
    reason: str = ""
    session_id: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    cumulative: bool = False
    whole_session: bool = False
    turns: int | None = None
    more_expected: bool = False
    structured: str | None = None
    exit_code: int = 0


Record = (
    Started
    | Text
    | ToolCall
    | ToolResult
    | UsageSeen
    | SubSession
    | Retry
    | LimitSeen
    | Denied
    | Question
    | MessageTaken
    | Failure
    | Note
    | Noise
    | Final
)
