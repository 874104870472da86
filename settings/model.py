"""The settings as structs, with the entries of their sections. Durations are in the unit of their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

WORKFLOWS: Final = ("auto", "classic", "build-auto")  # the built-in ones
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
AGENT_KINDS: Final = ("claude", "codex", "gemini", "opencode", "qwen", "acp", "text")
ACP_VERSIONS: Final = (1, 2)

REPORTED: Final = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("cost_usd", "session", "version", "model"),
)


SettingValues = dict[str, Any]
"""Values by the names of settings, as a source has them, before they are validated."""


class SettingsError(ValueError):
    """A setting is invalid; the message names source, key and range."""


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent of the `agents:` section. `command` is an argv prefix, never a shell string."""

    kind: str
    command: list[str]
    model: str | None = None
    light_model: str | None = None
    review_model: str | None = None
    fallback_model: str | None = None  # while the model is overloaded, of programs that change over by themselves
    permission_mode: str | None = None
    env: dict[str, str] = {}
    patterns: dict[str, str] = {}  # of kind text: patterns of values in its output, by the names of REPORTED
    report: str | None = None  # of kind text: a JSON file with these values, relative to the project
    version_flag: str | None = None  # of kind text: the option that prints its version
    protocol_version: int = 1  # of kind acp; 2 is a draft
    auth_method: str | None = None  # of kind acp: the id of its login, where it must be named


AgentNames = str | list[str]
"""The name of an agent, or several: the next one works while those before it wait."""


def names_of(agent: AgentNames) -> tuple[str, ...]:
    """Return the names in their order."""
    return (agent,) if isinstance(agent, str) else tuple(agent)


class CommandConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command of the `commands:` section: its agent and models, if they differ from the defaults.

    Of several agents the models are those of the first.
    """

    agent: AgentNames | None = None
    model: str | None = None
    light_model: str | None = None


class PriceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price of one model of the `prices:` section, in US dollars per million tokens.

    Without their own price, tokens read from or written to the cache cost as much as input tokens.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, checked. Durations in the unit of their name, budgets in US dollars."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    reader_token: str | None = None
    public_url: str | None = None
    allowed_hosts: list[str] = []
    cors_origin: str = "*"
    data_dir: str | None = None
    tracker: str | None = None
    initiative: str | None = None
    agent: AgentNames = "claude"
    agents: dict[str, AgentConfig] = {}
    commands: dict[str, CommandConfig] = {}
    prices: dict[str, PriceConfig] = {}
    workflow: str = "auto"
    workflows: dict[str, Any] = {}
    code_review_after_build: bool = False
    verify: str | None = None
    verify_on: str = "worker"
    story_order: str = "file"
    close_epics: str = "ask"
    gates: list[str] = []
    commit_by: str = "runner"
    commit_per: str = "story"
    deliver: str = "commit"
    deliver_per: str = "story"
    deliver_branch: str = "deliver/{name}"
    deliver_base: str | None = None
    deliver_rounds: int = 3
    remote: str = "origin"
    pull_request_command: str | None = None
    pull_request_lookup_command: str | None = None
    checks_command: str | None = None
    checks_interval_s: float = 60.0
    merge_when: str = "never"
    merge_command: str | None = None
    default_batch_size: int = 2
    max_code_review_attempts: int = 10
    light_model_after_review: int = 2
    project_context_max_age_hours: float = 24.0
    command_timeout_min: float = 60.0
    silence_timeout_min: float = 15.0
    retries: int = 2
    question_timeout_min: float = 0.0
    budget_batch_usd: float | None = None
    budget_day_usd: float | None = None
    budget_batch_tokens: int | None = None
    budget_day_tokens: int | None = None
    budget_needs_prices: bool = False
    budget_story_usd: float | None = None
    budget_story_tokens: int | None = None
    budget_command_usd: float | None = None
    budget_command_tokens: int | None = None
    no_progress_usd: float | None = None
    no_progress_commands: int | None = None
    reserve_percent: float | str | None = None
    reserve_hours: str | None = None
    active_hours: str | None = None
    keep_awake: bool = True
    auto_resume: bool = False
    parallel: int = 1
    parallel_here: int = 8
    worker_labels: list[str] = []
    worktree_setup: str | None = None
    retention_days: int | None = 30
    event_retention_days: int | None = None
    receipt_notes: bool = True
    receipt_trailer: bool = False
    receipt_key: str | None = None
    notify_webhook: str | None = None
    notify_secret: str | None = None
    notify_command: str | None = None
    fleet: str | None = None
    fleet_name: str | None = None
    fleet_machine: str | None = None
    fleet_accounts: dict[str, str] = {}
    fleet_user: str | None = None
    fleet_password: str | None = None
    fleet_creds: str | None = None
    fleet_nkey: str | None = None
    heartbeat_s: float = 30.0
    pong_timeout_s: float = 10.0
    max_clients: int = 1000

    @property
    def in_lanes(self) -> bool:
        """Whether cycles run in worktrees of their own: side by side, or on other machines."""
        return self.parallel > 1 or self.parallel_here < 1

    @property
    def lanes_elsewhere(self) -> int:
        """The lanes that workers of the fleet take."""
        return max(0, self.parallel - self.parallel_here)

    @property
    def first_agent(self) -> str:
        """The agent that works unless it waits and another one takes over."""
        return names_of(self.agent)[0]

    def agents_of(self, command: str, batch: Sequence[str]) -> tuple[str, ...]:
        """Return the agents of a command in their order: its own, else those of the batch."""
        own = self.commands.get(command, CommandConfig()).agent
        return tuple(batch) if own is None else names_of(own)


# Programs that speak the Agent Client Protocol, and the commands by which they do.
ACP_COMMANDS: Final[Mapping[str, list[str]]] = {
    "auggie": ["auggie", "--acp"],
    "claude-acp": ["claude-agent-acp"],
    "cline": ["cline", "--acp"],
    "codex-acp": ["codex-acp"],
    "copilot": ["copilot", "--acp"],
    "gemini-acp": ["gemini", "--acp"],
    "goose": ["goose", "acp"],
    "junie": ["junie", "--acp=true"],
    "kimi": ["kimi", "acp"],
    "kiro": ["kiro-cli", "acp"],
    "opencode-acp": ["opencode", "acp"],
    "qwen-acp": ["qwen", "--acp"],
    "vibe": ["vibe-acp"],
}
DEFAULT_AGENTS: Final[Mapping[str, AgentConfig]] = {
    "claude": AgentConfig("claude", ["claude"], light_model="haiku", permission_mode="bypassPermissions"),
    "codex": AgentConfig("codex", ["codex"]),
    "gemini": AgentConfig("gemini", ["gemini"]),
    "opencode": AgentConfig("opencode", ["opencode"]),
    "qwen": AgentConfig("qwen", ["qwen"]),
    **{name: AgentConfig("acp", command) for name, command in ACP_COMMANDS.items()},
}
