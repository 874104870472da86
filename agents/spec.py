"""The specification of an agent, of one call, and the outcome of a call.

Plain frozen values shared by every adapter and by the orchestrator; no I/O and no rule lives here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DEFAULT_TIMEOUT_S = 3600.0  # wall clock of one command; a long dev-story takes about half of it
DEFAULT_SILENCE_S = 900.0  # retries and rate-limit waits are silent for minutes, a hung agent for ever


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. Cache writes are those of the shortest lifetime (5 minutes)."""

    input: float
    output: float
    cache_read: float
    cache_write: float


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A configured agent: which adapter reads it (`kind`) and the argv prefix that starts it.

    `prices` are the operator's own, by a model's name or pattern; they count before the table that is shipped.
    `patterns`, `report` (a JSON file, relative to the project) and `version_flag` say how plain text is read,
    `protocol_version` and `auth_method` how a program is talked to over the Agent Client Protocol.
    `fallback_model` is used by the program itself while its model is overloaded, where it can do that.
    `folder` is the project's: where the program is asked for its version, help and windows; None for the server's own.
    """

    name: str
    kind: str
    command: tuple[str, ...]
    model: str | None = None
    light_model: str | None = None
    fallback_model: str | None = None
    permission_mode: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    report: str | None = None
    version_flag: str | None = None
    protocol_version: int = 1
    auth_method: str | None = None
    folder: Path | None = None

    @property
    def home(self) -> Path:
        """The folder that relative words of `command` start from."""
        return self.folder or Path.cwd()


@dataclass(frozen=True, slots=True)
class Call:
    """One run of an agent. `mark` identifies its processes; `stream_path` receives its raw stdout.

    `model` overrides the spec's; `resume` is a session id of the same agent. Some agents report a resumed session's
    total: `booked` is what earlier calls of that session were booked with, and is subtracted. Times are seconds.
    `options` are those that the program has by its own help, beyond what every version of it understands. Where they
    allow it, `schema` (JSON Schema) is the form of a structured verdict, `budget_usd` what the call may cost.
    `may_ask`: the operator answers what a program asks while it waits, where it can be talked to.
    """

    prompt: str
    cwd: Path
    mark: str
    stream_path: Path
    model: str | None = None
    resume: str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    silence_s: float = DEFAULT_SILENCE_S
    booked: Usage | None = None
    options: frozenset[str] = frozenset()
    schema: str | None = None
    budget_usd: float | None = None
    may_ask: bool = False


class OutcomeKind(StrEnum):
    """The kind of an outcome. Only a `success` has a verdict."""

    SUCCESS = "success"
    FAILED = "failed"
    LIMIT = "limit"  # turns, budget, output or schema limit of the agent itself
    USAGE_LIMIT = "usage-limit"  # the subscription's window is used up; `resets_at` when known
    AUTH = "auth"  # key, login or billing: a retry cannot help
    TRANSIENT = "transient"  # 429, 5xx, connection: worth a retry
    STALLED = "stalled"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    COULD_NOT_START = "could-not-start"
    TRUNCATED = "truncated"  # ended without its final record


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `input_tokens` excludes what was read from or written to the cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        """The difference, never below zero."""
        return Usage(
            max(0, self.input_tokens - other.input_tokens),
            max(0, self.output_tokens - other.output_tokens),
            max(0, self.cache_read_tokens - other.cache_read_tokens),
            max(0, self.cache_write_tokens - other.cache_write_tokens),
        )

    def __bool__(self) -> bool:
        return bool(self.total)

    @property
    def total(self) -> int:
        """All tokens of the four kinds."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one call: its kind, the text, the usage.

    `reason` is one sentence, empty on success. `text` is what the main agent said, in order, its pieces joined by
    newlines (of very much the end); subagents and API errors printed as text are not in it. `duration_ms` is our wall
    clock. `refused` is a sentence about permissions that were denied, empty where none was. `cost_usd` is the agent's
    own figure, plus an estimate from the price table for what it did not report; `estimated_usd` is that part of it.
    `structured` is the JSON of the verdict that the agent gave in the form of the call's schema, None without one.
    """

    kind: OutcomeKind
    reason: str
    exit_code: int | None
    text: str
    usage: Usage
    cost_usd: float | None
    estimated_usd: float
    session_id: str | None
    model: str | None
    turns: int | None
    duration_ms: int
    resets_at: float | None
    malformed_lines: int
    last_activity: str
    refused: str = ""
    structured: str | None = None
    taken: tuple[int, ...] = ()  # ids of the messages of the operator that the agent has taken
    doubts: tuple[str, ...] = ()  # claims in numbers that were not believed, one sentence each


@dataclass(frozen=True, slots=True)
class Preflight:
    """The result of a preflight: the version line of the agent, and the problem for the operator, if any."""

    version: str | None
    problem: str | None
