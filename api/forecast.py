"""The route of the forecast: of what would run next, of named stories, or of what is left of the batch."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.http import SERVICES, ApiError, json_response
from api.preview import cycles_of, keys_of
from base.clock_times import clock_time, next_time
from orchestrator import StartRequest


async def get_forecast(request: web.Request) -> web.Response:
    """Respond with the forecast; without `stories` while a batch is open, with that of what is left of it."""
    services, query = request.app[SERVICES], request.query
    forecaster = services.orchestrator.forecaster
    stories = keys_of(query.get("stories"))
    named = {"stories", "batch_size", "agent", "start_at"} & query.keys()
    if not named and (rest := await forecaster.current()) is not None:
        return json_response(rest)
    cycles = cycles_of(request)
    if cycles is None:
        cycles = "all" if stories else services.workspace.settings().default_batch_size
    start_at, now = query.get("start_at"), services.workspace.clock()
    at = None if not start_at else clock_time(start_at)
    if start_at and at is None:
        raise ApiError(400, "bad_request", "start_at: must be a time as HH:MM")
    wanted = StartRequest(
        cycles=None if cycles == "all" else cycles,
        stories=stories,
        agent=query.get("agent") or None,
        start_at=None if at is None else next_time(at, now),
    )
    return json_response(await forecaster.before_start(wanted))


ROUTES: Final = [web.get("/api/forecast", get_forecast)]
