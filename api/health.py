"""For those who operate the server: schema, health."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from api.http import SERVICES, Services, json_response
from events import json_schema
from settings import SETTINGS, Setting

TYPES: Final[dict[str, tuple[str, dict[str, str] | None]]] = {  # kinds of settings in the words of JSON Schema
    "text": ("string", None),
    "command": ("string", None),
    "url": ("string", None),
    "integer": ("integer", None),
    "number": ("number", None),
    "boolean": ("boolean", None),
    "list": ("array", {"type": "string"}),
    "mapping": ("object", None),
}
LATE_MS: Final = 500.0  # a loop later than this is not on time: events promise to be out by then


async def get_schema(_request: web.Request) -> web.Response:
    settings = {setting.name: _schema_of(setting) for setting in SETTINGS}
    whole = {"type": "object", "properties": settings, "additionalProperties": False}
    return json_response({**json_schema(), "settings": whole})


def _schema_of(setting: Setting) -> dict[str, Any]:
    """The JSON Schema of one setting, as `sprint-runner.yaml` may have it."""
    kind, items = TYPES[setting.kind]
    bounds = {"minimum": setting.low, "maximum": setting.high, "enum": list(setting.choices) or None, "items": items}
    return {
        "type": [kind, "null"] if setting.optional else kind,
        "description": f"{setting.effect} ({setting.allowed})",
        **{word: value for word, value in bounds.items() if value is not None},
    }


async def get_health(request: web.Request) -> web.Response:
    """200 when the database accepts writes and the loop is on time, else 503 with why."""
    services = request.app[SERVICES]
    problems = _problems(services)
    facts = {"status": "ok" if not problems else "failing", "problems": problems, "seq": services.hub.seq}
    return json_response(facts, 200 if not problems else 503)


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
    web.get("/healthz", get_health),
]
