"""The route of what would be sent, without starting anything."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.http import SERVICES, ApiError, json_response
from running.preview import PreviewRequest, preview

KEYS_MAX: Final = 1000  # stories that a request names
TEXT_MAX: Final = 64 * 1024  # characters of its list


async def get_preview(request: web.Request) -> web.Response:
    """Respond with the next cycle, or that of the stories named, and the exact call of each of its commands."""
    query = request.query
    wanted = PreviewRequest(_keys(query.get("stories")), query.get("command") or None, query.get("agent") or None)
    if wanted.command is not None and wanted.stories is None:
        raise ApiError(400, "bad_request", "command: needs the stories that it is for")
    return json_response(await preview(request.app[SERVICES].workspace, wanted))


def _keys(text: str | None) -> list[str] | None:
    """Return the keys of a list with commas, each once; None where none is given."""
    keys = list(dict.fromkeys(key for key in (part.strip() for part in (text or "").split(",")) if key))
    if len(text or "") > TEXT_MAX or len(keys) > KEYS_MAX:
        raise ApiError(400, "bad_request", f"stories: must be at most {KEYS_MAX} keys")
    return keys or None


ROUTES: Final = [web.get("/api/preview", get_preview)]
