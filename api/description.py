"""The description of one route, as the OpenAPI document is made from it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from api.bodies import ID_MAX
from base.plain_json import JsonObject

INTEGER: Final = {"type": "integer", "minimum": 0, "maximum": ID_MAX}
TEXT: Final = {"type": "string"}


class Operation(NamedTuple):
    """One method of one path. `response` is the type of its JSON, several of them, or another media type."""

    method: str
    path: str
    summary: str
    response: Any
    status: int = 200
    query: dict[str, JsonObject] = {}
    body: Any = None
    errors: tuple[int, ...] = ()
