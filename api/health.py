"""`/healthz`: whether the server works."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

import msgspec
from aiohttp import web

from api.http import SERVICES, Services, json_response

LATE_MS: Final = 500.0  # the longest delay of the loop: events are promised to be delivered within it


class Health(msgspec.Struct, frozen=True):
    status: Literal["ok", "failing"]
    problems: list[str]
    seq: int


async def get_health(request: web.Request) -> web.Response:
    """Respond with 200 when the database takes writes and the loop is on time, otherwise with 503 and the reasons."""
    services = request.app[SERVICES]
    problems = _problems(services)
    files = services.workspace.data_files
    # Checked again, since the server may have lost its database since the watcher's last check.
    if files is not None and (lost := await asyncio.to_thread(files.problem)) is not None:
        problems.append(lost)
    health = Health("failing" if problems else "ok", problems, services.hub.seq)
    return json_response(health, 503 if problems else 200)


def _problems(services: Services) -> list[str]:
    problems = []
    if services.database.writer.failure is not None:
        problems.append(f"the database takes no writes: {services.database.writer.failure}")
    lag_ms = services.hub.lag_s * 1000
    if lag_ms > LATE_MS:
        problems.append(f"the event loop is {lag_ms:.0f} ms late")
    return problems


ROUTES: Final = [
    web.get("/healthz", get_health),
]
