"""What runs next, set by hand, when the batch stops, and what a run would take."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web
from msgspec import UNSET

from api.bodies import QueueBody
from api.http import SERVICES, ApiError, json_response, query_int, read_body
from settings import BATCH_MAX
from store.run_queue import RunQueue

PAST_MS: Final = 60_000  # of clocks that differ: a time that has just passed is now


class QueueChanged(msgspec.Struct, frozen=True):
    """The queue as it is now; `notes` say what its stories wait for."""

    stories: list[str]
    only: bool
    after: str | None
    at: int | None
    notes: list[str]


async def put_queue(request: web.Request) -> web.Response:
    """Set what runs next, and when the batch stops; a field that is absent stays as it is."""
    services = request.app[SERVICES]
    body = await read_body(request, QueueBody)
    now = int(services.workspace.clock() * 1000)
    if body.after == "time" and (body.at is None or body.at < now - PAST_MS):
        raise ApiError(400, "bad_request", "at: must be a time to come, in ms since the epoch")

    def changed(queue: RunQueue) -> RunQueue:
        if body.stories is not UNSET:
            queue = msgspec.structs.replace(queue, stories=tuple(body.stories))
        if body.only is not UNSET:
            queue = msgspec.structs.replace(queue, only=body.only)
        if body.after is not UNSET:
            at = body.at if body.after == "time" else None
            queue = msgspec.structs.replace(queue, after=body.after, at=at)
        return queue

    queue, notes = await services.orchestrator.steering.set_queue(changed)
    return json_response(QueueChanged(list(queue.stories), queue.only, queue.after, queue.at, notes))


async def get_order(request: web.Request) -> web.Response:
    """List what a run would take, cycle by cycle; `stories` are keys with commas between them."""
    named = [key for key in request.query.get("stories", "").split(",") if key]
    size = request.query.get("batch_size", "all")
    cycles = None if size == "all" else query_int(request, "batch_size", 1, 1, BATCH_MAX)
    return json_response(await request.app[SERVICES].orchestrator.steering.order(named or None, cycles))


ROUTES: Final = [
    web.put("/api/run/queue", put_queue),
    web.get("/api/run/order", get_order),
]
