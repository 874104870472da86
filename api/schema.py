"""`/api/schema`: the JSON Schema of every event and of the settings file."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.http import json_response
from base.plain_json import JsonObject
from events import json_schema
from settings import SETTINGS, Setting

TYPES: Final[dict[str, tuple[str | list[str], dict[str, str] | None]]] = {  # JSON Schema types by kinds of settings
    "text": ("string", None),
    "command": ("string", None),
    "hours": ("string", None),
    "url": ("string", None),
    "broker": ("string", None),
    "name": ("string", None),
    "user": ("string", None),
    "label": ("string", None),
    "agents": (["string", "array"], {"type": "string"}),
    "shares": (["number", "string"], None),
    "integer": ("integer", None),
    "number": ("number", None),
    "boolean": ("boolean", None),
    "list": ("array", {"type": "string"}),
    "mapping": ("object", None),
}


async def get_schema(_request: web.Request) -> web.Response:
    settings = {setting.name: _schema_of(setting) for setting in SETTINGS}
    whole = {"type": "object", "properties": settings, "additionalProperties": False}
    return json_response({**json_schema(), "settings": whole})


def _schema_of(setting: Setting) -> JsonObject:
    """Return the JSON Schema of one setting in `sprint-runner.yaml`."""
    named, items = TYPES[setting.kind]
    kinds = [named] if isinstance(named, str) else named
    bounds = {"minimum": setting.low, "maximum": setting.high, "enum": list(setting.choices) or None, "items": items}
    return {
        "type": [*kinds, "null"] if setting.optional else named,
        "description": f"{setting.effect} ({setting.allowed})",
        **{word: value for word, value in bounds.items() if value is not None},
    }


ROUTES: Final = [web.get("/api/schema", get_schema)]
