"""The routes of the settings: their values and sources, which of them may be changed, changes and their preview."""

from __future__ import annotations

import asyncio
import difflib
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from api.http import SERVICES, ApiError, LiveSettings, Services, is_reader, json_response, read_object
from base.files import atomic_write
from settings import (
    BY_NAME,
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    SETTINGS,
    AgentConfig,
    Loaded,
    Setting,
    Settings,
    SettingsError,
    SettingValues,
    edited,
)
from settings.model import WORKFLOWS

RESTART: Final = "after a restart"
SHOWN_SECRET: Final = "set"  # noqa: S105 - shown instead of a secret
NOT_FOR_READERS: Final = ("notify_webhook", "notify_command")
CONTEXT_LINES: Final = 2  # lines of the file around a change, in a preview
_DEFAULTS: Final = Settings()


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of `GET /api/settings`. `locked` is the reason why the page cannot change it; None if it can."""

    name: str
    value: Any
    default: Any
    source: str
    allowed: str
    effect: str
    kind: str
    low: float | None
    high: float | None
    choices: list[str]
    optional: bool
    editable: bool
    applies: str
    locked: str | None


class AllSettings(msgspec.Struct, frozen=True):
    """All settings; `file` is the path of the settings file, `unread` a message if it was edited since it was read."""

    settings: list[SettingView]
    file: str
    unread: str | None


class Preview(msgspec.Struct, frozen=True):
    """The lines of the file that a change would remove and add."""

    file: str
    diff: list[str]


async def get_settings(request: web.Request) -> web.Response:
    """Respond with every setting, its value, range and source; of a secret only whether it is set.

    An address or a command for messages may let in everyone who knows it, so a reader does not get it either.
    """
    services = request.app[SERVICES]
    unread = await asyncio.to_thread(_unread, services.live)
    shown = _all_settings(services, unread)
    return json_response(_for_readers(shown) if is_reader(request) else shown)


async def put_settings(request: web.Request) -> web.Response:
    """Change all given settings in the project's settings file, or none. null restores the default."""
    services = request.app[SERVICES]
    changes = await read_object(request)
    # Otherwise the file would be changed and the value in use would not.
    _refuse_overridden(services.live.loaded, changes)
    async with services.live.changing:
        try:
            services.live.loaded = await asyncio.to_thread(_save, _file(services), changes, services)
        except SettingsError as error:
            raise ApiError(400, "bad_request", str(error)) from None
        except OSError as error:
            raise ApiError(503, "disk", f"{FILE_NAME} cannot be written: {error.strerror}") from None
    return json_response(_all_settings(services, None))


async def preview_settings(request: web.Request) -> web.Response:
    """Respond with the change that `PUT /api/settings` would make in the file; write nothing."""
    services = request.app[SERVICES]
    changes = await read_object(request)
    _refuse_overridden(services.live.loaded, changes)
    try:
        before, after = await asyncio.to_thread(_edit, _file(services), changes, services.live)
    except SettingsError as error:
        raise ApiError(400, "bad_request", str(error)) from None
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT_LINES)
    changed = [line for line in list(lines)[2:] if not line.startswith("@@")]  # the first two are file names
    return json_response(Preview(FILE_NAME, changed))


def _file(services: Services) -> Path:
    return services.workspace.project.root / FILE_NAME


def _refuse_overridden(loaded: Loaded, changes: SettingValues) -> None:
    for name in changes:
        source = loaded.sources.get(name)
        if source in ("flag", "environment"):
            raise ApiError(409, "overridden", f"{name}: is set by {source}, which takes precedence over the file")


def _edit(file: Path, changes: SettingValues, live: LiveSettings) -> tuple[str, str]:
    """Return the file's text before and after; raises `SettingsError` for an invalid combination of settings."""
    # "surrogateescape" keeps bytes that are not UTF-8 through the edit.
    before = file.read_bytes().decode("utf-8", "surrogateescape") if file.exists() else ""
    after = edited(before, changes)
    # Only to raise: what would prevent the next start is not written.
    live.reload(text=after)
    return before, after


def _save(file: Path, changes: SettingValues, services: Services) -> Loaded:
    """Write the changes and return the settings after them; raises `SettingsError` and OSError.

    The operator's values are trusted before the file has them, so that they are in use as soon as they are written.
    """
    before, after = _edit(file, changes, services.live)
    guarded = services.live.reload(text=after).guarded
    services.trust.trust_changes(guarded, [name for name in changes if BY_NAME[name].trust != "never"])
    # An unchanged file keeps its time, by which editors notice changes.
    if after != before:
        atomic_write(file, after.encode("utf-8", "surrogateescape"))
    return services.live.reload()


def _unread(live: LiveSettings) -> str | None:
    """Return a message if the file was edited since it was read, otherwise None."""
    try:
        fresh = live.reload()
    except SettingsError as error:
        return f"{FILE_NAME} was changed and cannot be used: {error}"
    if fresh == live.loaded:
        return None
    return f"{FILE_NAME} was edited. Its values are used after the next change here, or after a restart."


def _all_settings(services: Services, unread: str | None) -> AllSettings:
    loaded = services.live.loaded
    views = [_view(loaded, setting) for setting in SETTINGS]
    return AllSettings(views, str(_file(services)), unread)


def _for_readers(shown: AllSettings) -> AllSettings:
    views = [
        msgspec.structs.replace(view, value=SHOWN_SECRET) if view.value and view.name in NOT_FOR_READERS else view
        for view in shown.settings
    ]
    return msgspec.structs.replace(shown, settings=views)


def _view(loaded: Loaded, setting: Setting) -> SettingView:
    locked = _locked(setting, loaded.sources[setting.name], left_out=setting.name in loaded.left_out)
    return SettingView(
        name=setting.name,
        value=_shown(setting, getattr(loaded.settings, setting.name)),
        default=None if setting.kind == "mapping" else getattr(_DEFAULTS, setting.name),
        source=loaded.sources[setting.name],
        allowed=setting.allowed,
        effect=setting.effect,
        kind=setting.kind,
        low=setting.low,
        high=setting.high,
        choices=_choices(loaded.settings, setting),
        optional=setting.optional,
        editable=setting.editable,
        applies=setting.applies if setting.editable else RESTART,
        locked=locked,
    )


def _choices(settings: Settings, setting: Setting) -> list[str]:
    """Return the possible values; of agents and presets also those that the file defines."""
    if setting.name == "agent":
        return sorted(settings.agents)
    return [*WORKFLOWS, *settings.workflows] if setting.name == "workflow" else list(setting.choices)


def _shown(setting: Setting, value: Any) -> Any:
    """Return a value without secrets; the environment variables of an agent may be secret, too."""
    if setting.secret:
        return SHOWN_SECRET if value else None
    if setting.name == "agents":
        return {name: _without_secrets(agent) for name, agent in value.items()}
    return value


def _without_secrets(agent: AgentConfig) -> AgentConfig:
    # Any variable may hold a key, so no value is shown.
    return msgspec.structs.replace(agent, env=dict.fromkeys(agent.env, SHOWN_SECRET))


def _locked(setting: Setting, source: str, *, left_out: bool) -> str | None:
    if source == "flag":
        return "Set on the command line, which has precedence over the file: start the server without that option."
    if source == "environment":
        variable = ENVIRONMENT_PREFIX + setting.name.upper()
        return f"Set by the environment variable {variable}, which has precedence: start the server without it."
    if left_out:
        return f"{FILE_NAME} sets it, but this folder is not trusted yet, so the default applies."
    if not setting.editable:
        return f"Edit it in {FILE_NAME} and restart the server."
    return None


ROUTES: Final = [
    web.get("/api/settings", get_settings),
    web.put("/api/settings", put_settings),
    web.post("/api/settings/preview", preview_settings),
]
