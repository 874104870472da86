"""The routes of the record: batches, stored events, commands, the ledger."""

from __future__ import annotations

import datetime
from typing import Final

import msgspec
from aiohttp import web

from api.commands import CommandView, command_view
from api.http import SERVICES, ApiError, Services, json_response, path_id, query_int
from db import Database
from events import envelope
from store.batches import BatchSummary, count_batches, list_batches, summarise_batch
from store.batches import get_batch as get_batch_row
from store.commands import find_commands, get_commands_by_batch
from store.ledger import Window, get_insights
from store.log import EventFilter, StoredEvent, find_events, get_events_between
from store.log import get_events as get_newest_events
from store.stories import Story, get_stories_by_batch

PAGE_MAX: Final = 1000  # rows per response
STREAM_CHUNK: Final = 1000  # events per read of a streamed response
SEQ_MAX: Final = 2**63 - 1
DAYS_MAX: Final = 36_500  # a hundred years, well inside of the range of `datetime`


class Batches(msgspec.Struct, frozen=True):
    batches: list[BatchSummary]
    total: int


class BatchTotals(msgspec.Struct, frozen=True):
    cost_usd: float
    input_tokens: int
    output_tokens: int


class BatchDetail(msgspec.Struct, frozen=True):
    batch: BatchSummary
    stories: list[Story]
    commands: list[CommandView]
    totals: BatchTotals


class Commands(msgspec.Struct, frozen=True):
    commands: list[CommandView]
    total: int


class Envelopes(msgspec.Struct, frozen=True):
    """Events, as described by `GET /api/schema`."""

    events: list[msgspec.Raw]


async def get_batches(request: web.Request) -> web.Response:
    database = request.app[SERVICES].database
    limit = query_int(request, "limit", 50, 1, PAGE_MAX) or 50
    offset = query_int(request, "offset", 0, 0, SEQ_MAX) or 0
    batches = await database.read(list_batches, limit, offset)
    return json_response(Batches(batches, await database.read(count_batches)))


async def get_batch(request: web.Request) -> web.Response:
    database, batch_id = request.app[SERVICES].database, path_id(request, "id")
    batch = await database.read(summarise_batch, batch_id)
    if batch is None:
        raise ApiError(404, "not_found", f"there is no batch {batch_id}")
    stories = await database.read(get_stories_by_batch, batch_id)
    commands = await database.read(get_commands_by_batch, batch_id)
    totals = BatchTotals(batch.cost_usd, batch.input_tokens, batch.output_tokens)
    return json_response(BatchDetail(batch, stories, [command_view(command) for command in commands], totals))


async def get_events(request: web.Request) -> web.StreamResponse:
    """Respond with stored envelopes, oldest first; with all matching ones where the client accepts NDJSON."""
    services = request.app[SERVICES]
    wanted = EventFilter(
        since=query_int(request, "since", 0, 0, SEQ_MAX) or 0,
        batch=query_int(request, "batch", None, 0, SEQ_MAX),
        type=request.query.get("type"),
        story=request.query.get("story"),
        text=request.query.get("q"),
    )
    if "application/x-ndjson" in request.headers.get("Accept", ""):
        return await _stream(request, services, wanted)
    limit = query_int(request, "limit", 200, 1, 10 * PAGE_MAX) or 200
    rows = await services.database.read(find_events, wanted, limit)
    return json_response(Envelopes([msgspec.Raw(envelope_of(row)) for row in rows]))


async def _stream(request: web.Request, services: Services, wanted: EventFilter) -> web.StreamResponse:
    """Stream the matching events in pieces, so that a long log neither blocks the loop nor fills the memory."""
    left = query_int(request, "limit", SEQ_MAX, 1, SEQ_MAX) or SEQ_MAX
    rows = await services.database.read(find_events, wanted, min(left, STREAM_CHUNK))
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)  # after the first read, because the status cannot become an error any more
    while rows:
        await response.write(b"".join(envelope_of(row) + b"\n" for row in rows))
        left -= len(rows)
        wanted = EventFilter(
            since=rows[-1].seq, batch=wanted.batch, type=wanted.type, story=wanted.story, text=wanted.text
        )
        rows = await services.database.read(find_events, wanted, min(left, STREAM_CHUNK)) if left else []
    await response.write_eof()
    return response


def envelope_of(row: StoredEvent) -> bytes:
    """Return a stored event exactly as it was sent to clients."""
    return envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id)


async def newest_envelopes(database: Database, count: int) -> list[bytes]:
    """Return the newest stored events, oldest first."""
    return [envelope_of(row) for row in await database.read(get_newest_events, count)]


async def envelopes_between(database: Database, first: int, last: int) -> list[bytes]:
    """Return the stored events with first <= seq <= last."""
    return [envelope_of(row) for row in await database.read(get_events_between, first, last)]


async def get_commands(request: web.Request) -> web.Response:
    """Respond with the newest commands of all batches, or of one, oldest first."""
    database = request.app[SERVICES].database
    limit = query_int(request, "limit", PAGE_MAX, 1, 10 * PAGE_MAX) or PAGE_MAX
    batch = query_int(request, "batch", None, 0, SEQ_MAX)
    commands, total = await database.read(find_commands, batch, limit)
    return json_response(Commands([command_view(command) for command in commands], total))


async def insights(request: web.Request) -> web.Response:
    """Respond with the ledger of all commands, of one batch, or of the last days including today."""
    services = request.app[SERVICES]
    batch = query_int(request, "batch", None, 0, SEQ_MAX)
    days = query_int(request, "days", None, 1, DAYS_MAX)
    if batch is not None and await services.database.read(get_batch_row, batch) is None:
        raise ApiError(404, "not_found", f"there is no batch {batch}")
    since = None if days is None else midnight_ms(services.workspace.clock(), days - 1)
    return json_response(await services.database.read(get_insights, Window(batch=batch, since=since)))


def midnight_ms(now: float, days_back: int) -> int:
    """Return local midnight `days_back` days before a time in seconds, as ms since the epoch."""
    day = datetime.date.fromtimestamp(now) - datetime.timedelta(days=days_back)
    return int(datetime.datetime.combine(day, datetime.time()).timestamp() * 1000)


ROUTES: Final = [
    web.get("/api/batches", get_batches),
    web.get("/api/batches/{id}", get_batch),
    web.get("/api/events", get_events),
    web.get("/api/commands", get_commands),
    web.get("/api/insights", insights),
]
