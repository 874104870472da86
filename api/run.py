"""The routes that steer the run, and the older names for the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from api.http import SERVICES, ApiError, Services, json_response, read_body, reject_unknown
from cli.arguments import BATCH_MAX
from db import DatabaseUnavailable
from orchestrator import StartRequest, StopMode
from runstate.views import Run, run_view

ANSWER_MAX: Final = 20_000  # characters of an answer to an agent; more is a document, which belongs into the project
ID_END: Final = 2**63  # row ids end here
COMMIT_S: Final = 1.0  # that an answer waits for the disk
BUDGET_MAX: Final = 1_000_000  # US dollars


async def get_run(request: web.Request) -> web.Response:
    return json_response(run_of(request.app[SERVICES]))


async def start(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    wanted = _start_request(await read_body(request), services)
    return json_response({"batch_id": await services.orchestrator.start(wanted)}, 202)


async def pause(request: web.Request) -> web.Response:
    reject_unknown(await read_body(request))
    services = request.app[SERVICES]
    services.orchestrator.pause()
    return await _accepted(services)


async def resume(request: web.Request) -> web.Response:
    reject_unknown(await read_body(request))
    return json_response({"batch_id": await request.app[SERVICES].orchestrator.resume()}, 202)


async def stop(request: web.Request) -> web.Response:
    fields = await read_body(request)
    reject_unknown(fields, "mode")
    mode = fields.get("mode", "graceful")
    if mode not in ("graceful", "now"):
        raise ApiError(400, "bad_request", 'mode: must be "graceful" or "now"')
    services = request.app[SERVICES]
    services.orchestrator.stop(StopMode(mode))
    return await _accepted(services)


async def _accepted(services: Services) -> web.Response:
    """The state once the verb's own event is committed: whoever asks next is told that it was heard."""
    with suppress(DatabaseUnavailable):  # the verb holds all the same, also while a commit takes long
        await asyncio.wait([services.database.write(lambda _connection: None)], timeout=COMMIT_S)
    return json_response({"state": services.orchestrator.state}, 202)


async def answer_question(request: web.Request) -> web.Response:
    """Answer what an agent has asked; its session goes on with the text."""
    fields = await read_body(request)
    reject_unknown(fields, "command_id", "text")
    command_id, text = fields.get("command_id"), fields.get("text")
    if type(command_id) is not int or not 0 < command_id < ID_END:
        raise ApiError(400, "bad_request", "command_id: must be the id of the command that asked")
    if not isinstance(text, str) or not text.strip() or len(text) > ANSWER_MAX:
        raise ApiError(400, "bad_request", f"text: must be a text of 1 to {ANSWER_MAX} characters")
    services = request.app[SERVICES]
    await services.orchestrator.answer(command_id, text.strip())
    return json_response({"state": services.orchestrator.state}, 202)


async def old_status(request: web.Request) -> web.Response:
    """`GET /api/orchestrator/status`, as older clients know it."""
    run = run_of(request.app[SERVICES])
    batch = run.batch
    return json_response(
        {
            "status": run.state,
            "batch_id": None if batch is None else batch.id,
            "cycles_completed": 0 if batch is None else batch.cycles_completed,
            "max_cycles": None if batch is None else batch.max_cycles,
            "current_stories": [key for cycle in run.cycles for key in cycle.story_keys],
        }
    )


def run_of(services: Services) -> Run:
    """Return the run as it is now, joined of the fold, the server's own state and the orchestrator's."""
    return run_view(services.run_state.run, services.server_state, services.orchestrator.state)


def _start_request(fields: dict[str, Any], services: Services) -> StartRequest:
    reject_unknown(fields, "batch_size", "stories", "agent", "budget_usd")
    size = fields.get("batch_size", services.workspace.settings().default_batch_size)
    if size != "all" and not (type(size) is int and 1 <= size <= BATCH_MAX):
        raise ApiError(400, "bad_request", f'batch_size: must be a whole number from 1 to {BATCH_MAX}, or "all"')
    return StartRequest(
        cycles=None if size == "all" else size,
        stories=_stories(fields.get("stories")),
        agent=_agent(fields.get("agent")),
        budget_usd=_budget(fields.get("budget_usd")),
    )


def _stories(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not (isinstance(value, list) and value and all(isinstance(key, str) for key in value)):
        raise ApiError(400, "bad_request", "stories: must be a list of story keys")
    return value


def _agent(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ApiError(400, "bad_request", "agent: must be the name of an agent")
    return value


def _budget(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 < value <= BUDGET_MAX:
        raise ApiError(400, "bad_request", f"budget_usd: must be a number above 0, at most {BUDGET_MAX}")
    return float(value)


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
