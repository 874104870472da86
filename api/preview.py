"""The route of what would be sent, without starting anything."""

from __future__ import annotations

from typing import Final, Literal

from aiohttp import web

from api.http import SERVICES, ApiError, json_response, query_int
from running.preview import PreviewRequest, preview, upcoming
from settings import BATCH_MAX
from workflow.presets import GATES

KEYS_MAX: Final = 1000  # stories that a request names
TEXT_MAX: Final = 64 * 1024  # characters of its list


async def get_preview(request: web.Request) -> web.Response:
    """Respond with the next cycle, or that of the stories named, and the exact call of each of its commands."""
    query = request.query
    wanted = PreviewRequest(
        keys_of(query.get("stories")),
        query.get("command") or None,
        query.get("agent") or None,
        gates=_gates(query.get("gates")),
        cycles=cycles_of(request),
    )
    if wanted.command is not None and wanted.stories is None:
        raise ApiError(400, "bad_request", "command: needs the stories that it is for")
    services = request.app[SERVICES]
    return json_response(await preview(services.workspace, wanted, services.orchestrator.forecaster))


async def get_steps(request: web.Request) -> web.Response:
    """List the commands of what runs that have no result yet, and those of what comes after it."""
    return json_response(await upcoming(request.app[SERVICES].workspace))


def keys_of(text: str | None) -> list[str] | None:
    """Return the keys of a list with commas, each once; None where none is given."""
    keys = list(dict.fromkeys(key for key in (part.strip() for part in (text or "").split(",")) if key))
    if len(text or "") > TEXT_MAX or len(keys) > KEYS_MAX:
        raise ApiError(400, "bad_request", f"stories: must be at most {KEYS_MAX} keys")
    return keys or None


def cycles_of(request: web.Request) -> int | Literal["all"] | None:
    """Return the number of cycles that a query asks for; None where it names none."""
    if request.query.get("batch_size") == "all":
        return "all"
    return query_int(request, "batch_size", None, 1, BATCH_MAX)


def _gates(text: str | None) -> list[str] | None:
    """Return the gates of a list with commas, which may be empty; None where it is absent."""
    if text is None:
        return None
    names = [name for name in text.split(",") if name]
    if not set(names) <= set(GATES):
        raise ApiError(400, "bad_request", f"gates: must be of {', '.join(GATES)}")
    return names


ROUTES: Final = [web.get("/api/preview", get_preview), web.get("/api/run/steps", get_steps)]
