"""The validation of a setting's value from any source; the error message names source, key and range."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from base.clock_times import Windows
from base.usage_windows import shares_of
from settings.model import (
    ACP_VERSIONS,
    AGENT_KINDS,
    DEFAULT_AGENTS,
    REPORTED,
    AgentConfig,
    CommandConfig,
    PriceConfig,
    SettingsError,
)
from settings.setting import ARTICLES, Setting
from settings.table import BY_NAME

DOLLARS_MAX: Final = 1_000_000  # per million tokens: more than a dollar per token is a typing error
TOKEN_MIN: Final = 16  # characters; shorter ones can be guessed
TOKENS: Final = ("token", "reader_token")
_FIELD: Final = re.compile(r"\{([A-Za-z_]+)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,60}")  # a word of a NATS subject, and of a stream's name
_USER: Final = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")
LABEL_CHARS: Final = 100
SHOWN_CHARS: Final = 200  # characters of a wrong value in a message


def check(name: str, value: Any, where: str) -> Any:
    """Return the validated value; raises `SettingsError` with source, key and range."""
    setting = BY_NAME.get(name)
    if setting is None:
        raise SettingsError(f"{where}: there is no setting {name!r}; known are {', '.join(BY_NAME)}")
    if value is None and setting.optional:
        return None
    if not _fits(setting, value):
        shown = _shown(value)
        # An address may hold a password, which no log is to repeat.
        if setting.secret or (setting.kind in ("url", "broker") and "@" in shown):
            shown = "the given value"
        raise SettingsError(f"{where}: {name} must be {setting.allowed}, not {shown}")
    if setting.fields:
        _check_fields(setting, value, where)
    if name in TOKENS and (len(value) < TOKEN_MIN or any(not char.isprintable() or char.isspace() for char in value)):
        raise SettingsError(
            f"{where}: {name} must have at least {TOKEN_MIN} characters, none of them blank: "
            "`python server.py token` makes one"
        )
    if name == "fleet_accounts" and (wrong := [item for item in value.values() if not _is_name(item)]):
        raise SettingsError(f"{where}: {name}: an account's name must be {ARTICLES['name']}, not {_shown(wrong[0])}")
    if name in _SECTIONS:
        return _section(name, value, where)
    return value


def _check_fields(setting: Setting, value: str, where: str) -> None:
    """Raise for a placeholder that nothing would be put into."""
    unknown = [name for name in _FIELD.findall(value) if name not in setting.fields]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in setting.fields)
        raise SettingsError(
            f"{where}: {setting.name} has the unknown placeholder {{{unknown[0]}}}; known are {known}. Braces that are"
            " no placeholder need a blank: { word }"
        )
    # Free text inside of a longer word may be a shell's line, where it would be read as commands.
    words = shlex.split(value) if setting.kind == "command" else []
    for field in ("{title}", "{body}"):
        if any(field in word and word != field for word in words):
            raise SettingsError(f"{where}: {setting.name}: {field} must be an argument of its own")


def _shown(value: Any) -> str:
    """Return a value as text for a message, cut to a bounded length."""
    try:  # Python raises for integers of more than 4300 digits
        text = repr(value)
    except ValueError:
        return "a huge number"
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _fits(setting: Setting, value: Any) -> bool:
    if not _KIND_CHECKS[setting.kind](value):
        return False
    chosen = value if setting.kind == "list" else [value]
    if setting.choices and not all(item in setting.choices for item in chosen):
        return False
    too_low = setting.low is not None and value < setting.low
    return not too_low and (setting.high is None or value <= setting.high)


def _is_command(value: Any) -> bool:
    """Whether the value can be split into a program and its arguments, as a shell would."""
    try:
        return isinstance(value, str) and bool(shlex.split(value))
    except ValueError:  # an unclosed quote
        return False


def _is_url(value: Any) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port, an unclosed bracket
        return False


def _is_broker(value: Any) -> bool:
    """Whether the value is the address of a NATS server, without credentials: those are the environment's."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        if parts is None or parts.scheme not in ("nats", "tls") or not parts.hostname or parts.port == 0:
            return False
        if not value.isprintable() or " " in value:  # which `urlsplit` passes over
            return False
        return "@" not in parts.netloc and parts.path in ("", "/") and not parts.query and not parts.fragment
    except ValueError:  # an invalid port, an unclosed bracket
        return False


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_user(value: Any) -> bool:
    """Whether the value may be a part of a NATS subject: that of the user's inbox."""
    return isinstance(value, str) and len(value) <= LABEL_CHARS and value.isprintable() and bool(_USER.fullmatch(value))


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value) <= LABEL_CHARS and value.isprintable()


def _are_agents(value: Any) -> bool:
    """Whether the value is a name, or a list of different names."""
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name for name in names) and len({*names}) == len(names)


def _are_shares(value: Any) -> bool:
    return type(value) in (int, float, str) and bool(shares_of(value))


_KIND_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str) and value != "",
    "command": _is_command,
    "url": _is_url,
    "broker": _is_broker,
    "name": _is_name,
    "user": _is_user,
    "label": _is_label,
    "hours": lambda value: isinstance(value, str) and Windows.parse(value) is not None,
    "agents": _are_agents,
    "shares": _are_shares,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float) and value == value,
    "boolean": lambda value: type(value) is bool,
    "list": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "mapping": lambda value: isinstance(value, dict),
}
_SECTIONS: Final[Mapping[str, Any]] = {
    "agents": AgentConfig,
    "commands": CommandConfig,
    "prices": PriceConfig,
}


def _section(name: str, value: dict[Any, Any], where: str) -> Any:
    return {str(item): _entry(name, item, config, where) for item, config in value.items()}


def _entry(name: str, item: Any, config: Any, where: str) -> Any:
    if name == "agents" and item in DEFAULT_AGENTS:
        config = _completed(config, DEFAULT_AGENTS[item])
    try:
        entry = msgspec.convert(config, _SECTIONS[name])
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {name}: {item}: {error}") from None
    if isinstance(entry, AgentConfig):
        _check_agent(entry, f"{where}: {name}: {item}")
    if isinstance(entry, CommandConfig) and entry.agent is not None and not _are_agents(entry.agent):
        raise SettingsError(f"{where}: {name}: {item}: agent must be {ARTICLES['agents']}, not {_shown(entry.agent)}")
    if isinstance(entry, PriceConfig):
        _check_price(entry, f"{where}: {name}: {item}")
    return entry


def _completed(config: Any, default: AgentConfig) -> Any:
    """Complete a partial configuration of a known agent with its defaults."""
    partial = isinstance(config, dict) and not {"kind", "command"} <= config.keys()
    if not partial or config.get("kind", default.kind) != default.kind:
        return config
    return {**msgspec.structs.asdict(default), **config}


def _check_agent(agent: AgentConfig, where: str) -> None:
    if agent.kind not in AGENT_KINDS:
        raise SettingsError(f"{where}: kind must be one of {', '.join(AGENT_KINDS)}, not {agent.kind!r}")
    if not agent.command or not agent.command[0]:
        raise SettingsError(f"{where}: command must name a program")
    if agent.kind != "text" and (agent.patterns or agent.report or agent.version_flag):
        raise SettingsError(f"{where}: patterns, report and version_flag are for kind: text")
    if agent.kind != "acp" and (agent.protocol_version != 1 or agent.auth_method is not None):
        raise SettingsError(f"{where}: protocol_version and auth_method are for kind: acp")
    if agent.protocol_version not in ACP_VERSIONS:
        raise SettingsError(f"{where}: protocol_version must be 1 or 2, not {agent.protocol_version}")
    for name, pattern in agent.patterns.items():
        if name not in REPORTED:
            raise SettingsError(f"{where}: patterns: {name!r} must be one of {', '.join(REPORTED)}")
        try:
            re.compile(pattern)
        except re.error as error:
            raise SettingsError(f"{where}: patterns: {name}: {error}") from None


def _check_price(price: PriceConfig, where: str) -> None:
    for name in price.__struct_fields__:
        dollars = getattr(price, name)
        if dollars is not None and not 0 <= dollars <= DOLLARS_MAX:
            raise SettingsError(f"{where}: {name} must be a number from 0 to {DOLLARS_MAX}, not {dollars}")
