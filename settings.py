"""Settings: what can be set, within which range, and where each value came from.

Order of precedence: flag, environment `SPRINT_RUNNER_…`, `sprint-runner.yaml` in the project, default. An unknown key
or a bad value stops the start with one sentence that names the source, the key and the range.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

FILE_NAME: Final = "sprint-runner.yaml"
ENVIRONMENT_PREFIX: Final = "SPRINT_RUNNER_"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
SHOWN_CHARS: Final = 200  # of a wrong value in a message
AGENT_KINDS: Final = ("claude", "codex", "gemini", "opencode", "qwen", "text")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names source, key and range."""


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent of the `agents:` section. `command` is an argv prefix, never a shell string."""

    kind: str
    command: list[str]
    model: str | None = None
    light_model: str | None = None
    review_model: str | None = None
    permission_mode: str | None = None
    env: dict[str, str] = {}


class CommandConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command of the `commands:` section: which agent and model it uses instead of the usual ones."""

    agent: str | None = None
    model: str | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, checked. Durations in the unit of their name, budgets in US dollars."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    allowed_hosts: list[str] = []
    cors_origin: str = "*"
    data_dir: str | None = None
    tracker: str | None = None
    agent: str = "claude"
    agents: dict[str, AgentConfig] = {}
    commands: dict[str, CommandConfig] = {}
    workflow: str = "auto"
    verify: str | None = None
    default_batch_size: int = 2
    max_code_review_attempts: int = 10
    light_model_after_review: int = 2
    project_context_max_age_hours: float = 24.0
    command_timeout_min: float = 60.0
    silence_timeout_min: float = 15.0
    retries: int = 2
    budget_batch_usd: float | None = None
    budget_day_usd: float | None = None
    auto_resume: bool = False
    heartbeat_s: float = 30.0
    pong_timeout_s: float = 10.0
    max_clients: int = 1000


class Setting(msgspec.Struct, frozen=True):
    """What may be written for one setting. `low` and `high` are inclusive."""

    name: str
    effect: str
    kind: str = "text"  # text, command, integer, number, boolean, list, mapping
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    editable: bool = True

    @property
    def allowed(self) -> str:
        """The range in words, for messages and the page."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.low is not None:
            bound = f"from {self.low:g} to {self.high:g}" if self.high is not None else f"at least {self.low:g}"
            return f"{_ARTICLE[self.kind]} {bound}"
        return _ARTICLE[self.kind]


_ARTICLE: Final = {
    "text": "text",
    "command": "a command line",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
    "mapping": "a mapping",
}

SETTINGS: Final = (
    Setting("host", "address to listen on; any but a loopback address needs a token", editable=False),
    Setting("port", "port to listen on; 0 picks a free one", "integer", 0, 65535, editable=False),
    Setting("token", "secret that every request must carry", optional=True, editable=False),
    Setting("allowed_hosts", "further names the page may be opened under", "list", editable=False),
    Setting("cors_origin", "which origin may read the data files", editable=False),
    Setting("data_dir", "folder of the database and the transcripts", optional=True, editable=False),
    Setting("tracker", "the sprint-status.yaml to use, relative to the project", optional=True, editable=False),
    Setting("agent", "the agent that runs commands"),
    Setting("agents", "how agents are called", "mapping", editable=False),
    Setting("commands", "agent and model of single commands", "mapping", editable=False),
    Setting("workflow", "the preset of phases", choices=("auto", "classic")),
    Setting("verify", "command that must pass before a story is done", "command", optional=True),
    Setting("default_batch_size", "cycles of a batch when none is given", "integer", 1, 1000),
    Setting("max_code_review_attempts", "code reviews before a story is blocked", "integer", 1, 100),
    Setting("light_model_after_review", "reviews from this one on use the light model", "integer", 1, 100),
    Setting("project_context_max_age_hours", "age at which the context is refreshed", "number", 0.01, 100_000),
    Setting("command_timeout_min", "wall-clock limit of a command, minutes", "number", 0.01, 10_000),
    Setting("silence_timeout_min", "longest silence of an agent, minutes", "number", 0.01, 10_000),
    Setting("retries", "further attempts after a failed command", "integer", 0, 20),
    Setting("budget_batch_usd", "US dollars a batch may spend", "number", 0.01, 1_000_000, optional=True),
    Setting("budget_day_usd", "US dollars a day may cost", "number", 0.01, 1_000_000, optional=True),
    Setting("auto_resume", "go on with an interrupted batch at start", "boolean"),
    Setting("heartbeat_s", "seconds between pings to a page", "number", 0.1, 3600, editable=False),
    Setting("pong_timeout_s", "seconds a page has to answer a ping", "number", 0.1, 3600, editable=False),
    Setting("max_clients", "pages that may be connected at once", "integer", 1, 100_000, editable=False),
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}

DEFAULT_AGENTS: Final[Mapping[str, AgentConfig]] = {
    "claude": AgentConfig("claude", ["claude"], light_model="haiku", permission_mode="bypassPermissions"),
    "codex": AgentConfig("codex", ["codex"]),
    "gemini": AgentConfig("gemini", ["gemini"]),
    "opencode": AgentConfig("opencode", ["opencode"]),
    "qwen": AgentConfig("qwen", ["qwen"]),
}


class Loaded(msgspec.Struct, frozen=True):
    """The settings in force, and for each the source it came from: default, file, environment or flag."""

    settings: Settings
    sources: dict[str, str]


def load(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, Any] | None = None,
    agents: Mapping[str, AgentConfig] | None = None,
) -> Loaded:
    """Read all sources; `agents` are built-in ones beside the defaults. Raises `SettingsError`."""
    values: dict[str, Any] = {}
    sources = dict.fromkeys(BY_NAME, "default")
    layers = (("file", read_file(file)), ("environment", _read_environment(environment)), ("flag", flags or {}))
    for source, layer in layers:
        for name, value in layer.items():
            if value is None and source == "flag":
                continue
            values[name] = check(name, value, where=_where(source, file))
            sources[name] = source
    known = {**DEFAULT_AGENTS, **(agents or {}), **values.get("agents", {})}
    settings = Settings(**{**values, "agents": known})
    _check_together(settings, {name: _where(source, file) for name, source in sources.items()})
    return Loaded(settings, sources)


def read_file(file: Path | None) -> dict[str, Any]:
    """The mapping in a settings file, empty when there is none. Raises `SettingsError`."""
    if file is None or not file.is_file():
        return {}
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # ValueError: 2024-13-45 as a date
        raise SettingsError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: must be a mapping of settings, not {type(content).__name__}")
    return {str(name): value for name, value in content.items()}


def check(name: str, value: Any, where: str) -> Any:
    """The value as it will be used; raises `SettingsError` with source, key and range."""
    setting = BY_NAME.get(name)
    if setting is None:
        raise SettingsError(f"{where}: there is no setting {name!r}; known are {', '.join(BY_NAME)}")
    if value is None and setting.optional:
        return None
    if not _fits(setting, value):
        raise SettingsError(f"{where}: {name} must be {setting.allowed}, not {_shown(value)}")
    if name in _SECTIONS:
        return _section(name, value, where)
    return value


def _shown(value: Any) -> str:
    """A value as a message names it, whatever its size; Python itself refuses to write down very long integers."""
    try:
        text = repr(value)
    except ValueError:
        return "a huge number"
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _fits(setting: Setting, value: Any) -> bool:
    if not _KIND_CHECKS[setting.kind](value):
        return False
    if setting.choices and value not in setting.choices:
        return False
    too_low = setting.low is not None and value < setting.low
    return not too_low and (setting.high is None or value <= setting.high)


def _is_command(value: Any) -> bool:
    """Whether it can be taken apart into a program and its arguments, as a shell would."""
    try:
        return isinstance(value, str) and bool(shlex.split(value))
    except ValueError:  # a quote that is never closed
        return False


_KIND_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str) and value != "",
    "command": _is_command,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float) and value == value,
    "boolean": lambda value: type(value) is bool,
    "list": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "mapping": lambda value: isinstance(value, dict),
}
_SECTIONS: Final[Mapping[str, Any]] = {"agents": AgentConfig, "commands": CommandConfig}


def _section(name: str, value: dict[Any, Any], where: str) -> Any:
    return {str(item): _entry(name, item, config, where) for item, config in value.items()}


def _entry(name: str, item: Any, config: Any, where: str) -> Any:
    try:
        entry = msgspec.convert(config, _SECTIONS[name])
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {name}: {item}: {error}") from None
    if isinstance(entry, AgentConfig):
        _check_agent(entry, f"{where}: {name}: {item}")
    return entry


def _check_agent(agent: AgentConfig, where: str) -> None:
    if agent.kind not in AGENT_KINDS:
        raise SettingsError(f"{where}: kind must be one of {', '.join(AGENT_KINDS)}, not {agent.kind!r}")
    if not agent.command or not agent.command[0]:
        raise SettingsError(f"{where}: command must name a program")


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """`SPRINT_RUNNER_PORT=0` and the like; names that are not settings belong to others and are left alone."""
    values = {}
    for name, setting in BY_NAME.items():
        text = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if text is None:
            continue
        if setting.kind == "text":
            values[name] = text
            continue
        try:
            values[name] = yaml.safe_load(text)
        except (ValueError, RecursionError, yaml.YAMLError):
            values[name] = text
    return values


def _where(source: str, file: Path | None) -> str:
    return {"file": str(file), "environment": "environment", "flag": "command line", "default": "default"}[source]


def _check_together(settings: Settings, where: Mapping[str, str]) -> None:
    """What depends on more than one setting. `where` says of each setting who set it."""
    wanted = [(f"{where['agent']}: agent", settings.agent)]
    for name, config in settings.commands.items():
        wanted.append((f"{where['commands']}: commands: {name}", config.agent or settings.agent))
    for place, agent in wanted:
        if agent not in settings.agents:
            raise SettingsError(f"{place}: there is no agent {agent!r}; known are {', '.join(sorted(settings.agents))}")
    if settings.host not in LOOPBACK and settings.token is None:
        raise SettingsError(
            f"{where['host']}: host {settings.host} is reachable from elsewhere: set a token, or use 127.0.0.1"
        )
