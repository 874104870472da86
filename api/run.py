"""The routes that control the run, and their previous names."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Literal

import msgspec
from aiohttp import web

from api.bodies import AnswerBody, EmptyBody, StartBody, StopBody
from api.http import SERVICES, Services, json_response, read_body
from base.clock_times import clock_time, next_time
from orchestrator import StartRequest, StopMode
from runstate.views import Run, run_view
from store.writer import DatabaseUnavailable

COMMIT_S: Final = 1.0  # seconds that a response waits for the commit of its event


class BatchStarted(msgspec.Struct, frozen=True):
    batch_id: int


class RunStateName(msgspec.Struct, frozen=True):
    """The state of the run."""

    state: str


class OldStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/orchestrator/status`."""

    status: str
    batch_id: int | None
    cycles_completed: int
    max_cycles: int | Literal["all"] | None
    current_stories: list[str]


async def get_run(request: web.Request) -> web.Response:
    return json_response(run_of(request.app[SERVICES]))


async def start(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    wanted = _start_request(await read_body(request, StartBody), services)
    return json_response(BatchStarted(await services.orchestrator.start(wanted)), 202)


async def pause(request: web.Request) -> web.Response:
    await read_body(request, EmptyBody)
    services = request.app[SERVICES]
    services.orchestrator.pause()
    return await _accepted(services)


async def resume(request: web.Request) -> web.Response:
    await read_body(request, EmptyBody)
    return json_response(BatchStarted(await request.app[SERVICES].orchestrator.resume()), 202)


async def stop(request: web.Request) -> web.Response:
    body = await read_body(request, StopBody)
    services = request.app[SERVICES]
    services.orchestrator.stop(StopMode(body.mode))
    return await _accepted(services)


async def _accepted(services: Services) -> web.Response:
    """Respond with the state after the commit of the action's event, so that the next request sees its effect."""
    with suppress(DatabaseUnavailable):  # the action has taken effect even if its event cannot be stored yet
        await asyncio.wait([services.database.write(lambda _connection: None)], timeout=COMMIT_S)
    return json_response(RunStateName(services.orchestrator.state), 202)


async def answer_question(request: web.Request) -> web.Response:
    """Answer the question of an agent; its session continues with the text."""
    body = await read_body(request, AnswerBody)
    services = request.app[SERVICES]
    await services.orchestrator.steering.answer(body.command_id, body.text.strip())
    return json_response(RunStateName(services.orchestrator.state), 202)


async def old_status(request: web.Request) -> web.Response:
    """Respond to `GET /api/orchestrator/status` in the form of version 1 clients."""
    run = run_of(request.app[SERVICES])
    batch = run.batch
    status = OldStatus(
        status=run.state,
        batch_id=None if batch is None else batch.id,
        cycles_completed=0 if batch is None else batch.cycles_completed,
        max_cycles=None if batch is None else batch.max_cycles,
        current_stories=[key for cycle in run.cycles for key in cycle.story_keys],
    )
    return json_response(status)


def run_of(services: Services) -> Run:
    """Return the current run, joined from the fold, the server's state and the orchestrator's state."""
    return run_view(services.run_state.run, services.server_state, services.orchestrator.state)


def snapshot(services: Services) -> tuple[bytes, bytes]:
    """Return the active batch (or null) and the run, both as JSON, for the `init` of a page."""
    return msgspec.json.encode(services.run_state.active_batch), msgspec.json.encode(run_of(services))


def _start_time(text: str | None, now: float) -> float | None:
    wanted = None if text is None else clock_time(text)
    return None if wanted is None else next_time(wanted, now)


def _start_request(body: StartBody, services: Services) -> StartRequest:
    default = services.workspace.settings().default_batch_size
    size = default if body.batch_size is msgspec.UNSET else body.batch_size
    return StartRequest(
        cycles=None if size == "all" else size,
        stories=body.stories,
        agent=body.agent,
        budget_usd=body.budget_usd,
        write_tracker=body.write_tracker,
        gates=body.gates,
        start_at=_start_time(body.start_at, services.workspace.clock()),
        synced=body.synced,
    )


ROUTES: Final = [
    web.get("/api/run", get_run),
    web.post("/api/run/start", start),
    web.post("/api/run/pause", pause),
    web.post("/api/run/resume", resume),
    web.post("/api/run/stop", stop),
    web.post("/api/run/answer", answer_question),
    web.post("/api/orchestrator/start", start),
    web.post("/api/orchestrator/stop", stop),
    web.get("/api/orchestrator/status", old_status),
]
