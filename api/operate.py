"""For those who operate the server: schema, health."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.answers import SERVICES, Services, answer
from events import json_schema
from settings import SETTINGS

LATE_MS: Final = 500.0  # a loop later than this is not on time: events promise to be out by then


async def get_schema(_request: web.Request) -> web.Response:
    settings = {setting.name: {"description": setting.effect, "allowed": setting.allowed} for setting in SETTINGS}
    return answer({**json_schema(), "settings": settings})


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
    web.get("/healthz", get_health),
]
