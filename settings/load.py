"""The reader of the settings from all their sources.

The order of precedence is flag, environment `SPRINT_RUNNER_…`, `sprint-runner.yaml` in the project, default. An unknown
key or an invalid value prevents the start, with a message that names source, key and range.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from base.regular import read_regular
from settings.check import check
from settings.guarded import guarded_values, with_dependents
from settings.model import (
    DEFAULT_AGENTS,
    LOOPBACK,
    WORKFLOWS,
    AgentConfig,
    Settings,
    SettingsError,
    SettingValues,
    names_of,
)
from settings.table import BY_NAME, SETTINGS

FILE_NAME: Final = "sprint-runner.yaml"
FILE_BYTES_MAX: Final = 256 << 10  # YAML is read at about 1 MB a second; settings have some kB
ENVIRONMENT_PREFIX: Final = "SPRINT_RUNNER_"
# Variables that no child process inherits.
SECRET_VARIABLES: Final = tuple(ENVIRONMENT_PREFIX + setting.name.upper() for setting in SETTINGS if setting.secret)


def trust_all(_values: Mapping[str, Any]) -> Collection[str]:
    """Return the names of the values that are not trusted: none."""
    return ()


class Loaded(msgspec.Struct, frozen=True):
    """The current settings, and the source of each: default, file, environment or flag.

    `guarded` are the values of the file that are used only when trusted; `left_out` names the settings whose value in
    the file is not used, because it is not trusted or depends on one that is not.
    """

    settings: Settings
    sources: dict[str, str]
    guarded: SettingValues = {}
    left_out: frozenset[str] = frozenset()


def load(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, Any] | None = None,
    agents: Mapping[str, AgentConfig] | None = None,
    text: str | None = None,
    untrusted: Callable[[Mapping[str, Any]], Collection[str]] = trust_all,
) -> Loaded:
    """Read all sources; `agents` are built-in agents in addition to the defaults. Raises `SettingsError`.

    `text` replaces the content of the file, to validate it before it is written. `untrusted` names the guarded values
    of the file that must not be used.
    """
    values: SettingValues = {}
    sources = dict.fromkeys(BY_NAME, "default")
    from_file = read_file(file, text)
    for name, value in from_file.items():  # untrusted ones too: once trusted, a wrong one would prevent the start
        check(name, value, where=str(file))
        _refuse_credentials(name, value, where=str(file))
    guarded = guarded_values(from_file, None if file is None else file.parent)
    left_out = with_dependents(untrusted(guarded), from_file, {*DEFAULT_AGENTS, *(agents or {})})
    from_file = {name: value for name, value in from_file.items() if name not in left_out}
    layers = (("file", from_file), ("environment", _read_environment(environment)), ("flag", flags or {}))
    for source, layer in layers:
        for name, value in layer.items():
            if value is None and source == "flag":
                continue
            values[name] = check(name, value, where=_where(source, file))
            sources[name] = source
    known = {**DEFAULT_AGENTS, **(agents or {}), **values.get("agents", {})}
    settings = Settings(**{**values, "agents": known})
    _check_together(settings, {name: _where(source, file) for name, source in sources.items()})
    return Loaded(settings, sources, guarded, left_out)


def read_file(file: Path | None, text: str | None = None) -> SettingValues:
    """Return the mapping of a settings file, or of `text`; empty without a file. Raises `SettingsError`."""
    if text is None:
        text = "" if file is None else _text_of(file)
    try:
        content = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # ValueError: 2024-13-45 as a date
        raise SettingsError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: must be a mapping of settings, not {type(content).__name__}")
    return {str(name): value for name, value in content.items()}


def _refuse_credentials(name: str, value: Any, where: str) -> None:
    if value is not None and BY_NAME[name].environment_only:
        variable = ENVIRONMENT_PREFIX + name.upper()
        raise SettingsError(f"{where}: {name} must be set in the environment, as {variable}")


def _text_of(file: Path) -> str:
    """Return the text of a settings file, "" when there is none. Raises `SettingsError`."""
    try:
        content = read_regular(file, FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise SettingsError(f"{file}: is larger than {FILE_BYTES_MAX >> 10} KiB, which no settings need: shorten it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: cannot be read as YAML: it is not UTF-8 text: {error}") from None


def _read_environment(environment: Mapping[str, str]) -> SettingValues:
    """Return the settings among the variables, such as `SPRINT_RUNNER_PORT=0`; unknown names are ignored."""
    values = {}
    for name, setting in BY_NAME.items():
        text = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if text is None:
            continue
        if setting.kind in ("text", "command", "url", "broker", "name", "user", "label", "hours", "shares") or (
            setting.kind == "agents" and not text.lstrip().startswith("[")
        ):
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
    """Validate what depends on more than one setting. `where` has the source of each setting."""
    if settings.workflow not in (*WORKFLOWS, *settings.workflows):
        named = ", ".join((*WORKFLOWS, *settings.workflows))
        raise SettingsError(f"{where['workflow']}: workflow must be one of {named}, not {settings.workflow!r}")
    wanted = [(f"{where['agent']}: agent", agent) for agent in names_of(settings.agent)]
    for name, config in settings.commands.items():
        wanted += [(f"{where['commands']}: commands: {name}", agent) for agent in names_of(config.agent or [])]
    for source, agent in wanted:
        if agent not in settings.agents:
            known = ", ".join(sorted(settings.agents))
            raise SettingsError(f"{source}: there is no agent {agent!r}; known are {known}")
    _check_access(settings, where)


def _check_access(settings: Settings, where: Mapping[str, str]) -> None:
    if settings.reader_token is not None and settings.token is None:
        raise SettingsError(
            f"{where['reader_token']}: reader_token: without a token everyone may change everything: set a token, too"
        )
    if settings.reader_token is not None and settings.reader_token == settings.token:
        raise SettingsError(f"{where['reader_token']}: reader_token must differ from token")
    if settings.host not in LOOPBACK and settings.token is None:
        raise SettingsError(
            f"{where['host']}: host {settings.host} is reachable from other machines: set a token, or use 127.0.0.1"
        )
