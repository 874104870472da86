"""For those who operate the server: schema, settings, health."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from api.answers import SERVICES, ApiError, Services, answer, body
from events import json_schema
from settings import FILE_NAME, SETTINGS, Loaded, Setting, SettingsError, edited
from sprint.write import replace_file

LATE_MS: Final = 500.0  # a loop later than this is not on time: events promise to be out by then


async def get_schema(_request: web.Request) -> web.Response:
    settings = {setting.name: {"description": setting.effect, "allowed": setting.allowed} for setting in SETTINGS}
    return answer({**json_schema(), "settings": settings})


async def get_settings(request: web.Request) -> web.Response:
    """Every setting with its value, range and source; secrets only as whether they are set."""
    return answer(_all_settings(request.app[SERVICES].live.loaded))


async def put_settings(request: web.Request) -> web.Response:
    """Change some settings, all of them or none; kept in the project's settings file, in force at once."""
    services = request.app[SERVICES]
    changes = await body(request)
    for name in changes:
        if services.live.loaded.sources.get(name) in ("flag", "environment"):
            source = services.live.loaded.sources[name]
            raise ApiError(409, "overridden", f"{name}: is set by {source}, which wins over the file")
    try:
        await asyncio.to_thread(_save, services.workspace.project.root / FILE_NAME, changes)
        services.live.loaded = await asyncio.to_thread(services.live.reload)
    except SettingsError as error:
        raise ApiError(400, "bad_request", str(error)) from None
    return answer(_all_settings(services.live.loaded))


def _save(file: Path, changes: dict[str, Any]) -> None:
    text = file.read_bytes().decode("utf-8", "surrogateescape") if file.exists() else ""
    new = edited(text, changes)
    file.touch()  # an empty file says nothing: that is what a missing one says, too
    replace_file(file, new.encode("utf-8", "surrogateescape"))


def _all_settings(loaded: Loaded) -> dict[str, Any]:
    return {"settings": [_setting(loaded, setting) for setting in SETTINGS]}


def _setting(loaded: Loaded, setting: Setting) -> dict[str, Any]:
    value = getattr(loaded.settings, setting.name)
    return {
        "name": setting.name,
        "value": ("set" if value else None) if setting.secret else value,
        "allowed": setting.allowed,
        "effect": setting.effect,
        "source": loaded.sources[setting.name],
        "editable": setting.editable,
    }


async def get_health(request: web.Request) -> web.Response:
    """200 when the database accepts writes and the loop is on time, else 503 with why."""
    services = request.app[SERVICES]
    problems = _problems(services)
    facts = {"status": "ok" if not problems else "failing", "problems": problems, "seq": services.hub.seq}
    return answer(facts, 200 if not problems else 503)


def _problems(services: Services) -> list[str]:
    problems = []
    if services.database.writer.failure is not None:
        problems.append(f"the database takes no writes: {services.database.writer.failure}")
    lag_ms = services.hub.lag_s * 1000
    if lag_ms > LATE_MS:
        problems.append(f"the event loop is {lag_ms:.0f} ms late")
    return problems


ROUTES: Final = [
    web.get("/api/schema", get_schema),
    web.get("/api/settings", get_settings),
    web.put("/api/settings", put_settings),
    web.get("/healthz", get_health),
]
