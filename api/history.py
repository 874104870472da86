"""The routes of the record: batches, the comparison of two, stored events, commands."""

from __future__ import annotations

from typing import Final, TypeVar, get_args

import msgspec
from aiohttp import web

from api.commands import CommandView, command_view
from api.http import SERVICES, ApiError, Services, json_response, path_id, query_int
from db import Database
from events import envelope
from store.batch_search import BatchFilter, BatchPage, Order, Outcome, find_batches, list_agents
from store.batches import BatchSummary, count_batches, get_batch_before, summarise_batch
from store.commands import find_commands, get_commands_by_batch
from store.comparison import ComparedStory, compare_stories
from store.log import EventFilter, StoredEvent, find_events, get_events_between
from store.log import get_events as get_newest_events
from store.stories import Story, StoryOutcome, get_stories_by_batch, get_story_outcomes

PAGE_MAX: Final = 1000  # rows per response
STREAM_CHUNK: Final = 1000  # events per read of a streamed response
SEQ_MAX: Final = 2**63 - 1
WORDS_MAX: Final = 200  # characters of a text that is looked for
ORDERS: Final = get_args(Order)
OUTCOMES: Final = get_args(Outcome)

T = TypeVar("T", bound=str)


class Batches(msgspec.Struct, frozen=True):
    """A page of the batches that match, `total` of them; of all `recorded` batches the agents they began with."""

    batches: list[BatchSummary]
    total: int
    recorded: int
    agents: list[str]


class Comparison(msgspec.Struct, frozen=True):
    """Two batches and their stories."""

    left: BatchSummary
    right: BatchSummary
    stories: list[ComparedStory]


class BatchTotals(msgspec.Struct, frozen=True):
    """The sums of what is known; so many commands have reported none."""

    cost_usd: float
    input_tokens: int
    output_tokens: int
    commands_without_cost: int
    commands_without_tokens: int


class BatchDetail(msgspec.Struct, frozen=True):
    batch: BatchSummary
    stories: list[Story]
    commands: list[CommandView]
    totals: BatchTotals


class Commands(msgspec.Struct, frozen=True):
    """The newest of `total` commands; `stories` has what came of each `story_id`."""

    commands: list[CommandView]
    total: int
    stories: dict[int, StoryOutcome]


class Envelopes(msgspec.Struct, frozen=True):
    """Events, as described by `GET /api/schema`."""

    events: list[msgspec.Raw]


async def get_batches(request: web.Request) -> web.Response:
    """Respond with the batches that match, newest first or in the order that is asked for."""
    database, query = request.app[SERVICES].database, request.query
    page = BatchPage(
        order=_choice(request, "sort", ORDERS) or "id",
        descending=(_choice(request, "order", ("desc", "asc")) or "desc") == "desc",
        limit=query_int(request, "limit", 50, 1, PAGE_MAX) or 50,
        offset=query_int(request, "offset", 0, 0, SEQ_MAX) or 0,
    )
    wanted = BatchFilter(
        outcome=_choice(request, "outcome", OUTCOMES),
        agent=query.get("agent"),
        story=query.get("story"),
        text=query.get("q", "").strip()[:WORDS_MAX],
    )
    batches, total = await database.read(find_batches, wanted, page)
    recorded = await database.read(count_batches)
    return json_response(Batches(batches, total, recorded, await database.read(list_agents)))


def _choice(request: web.Request, name: str, choices: tuple[T, ...]) -> T | None:
    """Return one of the choices from the query, None without one; raises `ApiError` 400 for another value."""
    text = request.query.get(name)
    if not text:
        return None
    for choice in choices:
        if choice == text:
            return choice
    raise ApiError(400, "bad_request", f"{name}: must be one of {', '.join(choices)}")


async def compare(request: web.Request) -> web.Response:
    """Respond with a batch, on the right, beside another one, story by story; without `with` beside the one before."""
    database, right = request.app[SERVICES].database, await _summary(request, path_id(request, "id"))
    other = query_int(request, "with", None, 0, SEQ_MAX)
    if other is None:
        before = await database.read(get_batch_before, right.id)
        if before is None:
            raise ApiError(404, "not_found", f"there is no batch before {right.id}")
        other = before.id
    left = await _summary(request, other)
    return json_response(Comparison(left, right, await database.read(compare_stories, left.id, right.id)))


async def _summary(request: web.Request, batch_id: int) -> BatchSummary:
    batch = await request.app[SERVICES].database.read(summarise_batch, batch_id)
    if batch is None:
        raise ApiError(404, "not_found", f"there is no batch {batch_id}")
    return batch


async def get_batch(request: web.Request) -> web.Response:
    database, batch_id = request.app[SERVICES].database, path_id(request, "id")
    batch = await _summary(request, batch_id)
    stories = await database.read(get_stories_by_batch, batch_id)
    commands = await database.read(get_commands_by_batch, batch_id)
    unknown = (batch.commands_without_cost, batch.commands_without_tokens)
    totals = BatchTotals(batch.cost_usd, batch.input_tokens, batch.output_tokens, *unknown)
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
    stories = await database.read(get_story_outcomes, {command.story_id for command in commands})
    return json_response(Commands([command_view(command) for command in commands], total, stories))


ROUTES: Final = [
    web.get("/api/batches", get_batches),
    web.get("/api/batches/{id}", get_batch),
    web.get("/api/batches/{id}/compare", compare),
    web.get("/api/events", get_events),
    web.get("/api/commands", get_commands),
]
