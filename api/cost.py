"""What money went for: a story, a batch or a day, in lines by purpose, beside what is usual; what prompts weigh."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from api.http import SERVICES, ApiError, Services, json_response, path_id
from api.story_records import found_story, under_all_names
from running.preset_choice import preset_of
from running.prompt_weight import PromptWeight, prompt_weights
from settings import names_of
from store.batches import get_batch, get_last_batch
from store.past_commands import get_spent, get_spent_of_batch, get_spent_of_story, get_spent_since
from workflow import CLASSIC, kind_of
from workflow.spending import (
    Purpose,
    Share,
    SpendingLine,
    SpentCommand,
    Usual,
    share_of_story,
    spending,
    usual_of,
    usual_of_stories,
    whole,
)

LABELS: Final = {
    Purpose.CONTEXT: "Project context",
    Purpose.PLANNING: "Planning",
    Purpose.DEVELOPMENT: "Development",
    Purpose.RETRY: "Retries",
    Purpose.LOST: "Lost to limits, stops and kills",
    Purpose.BACKGROUND: "In the background",
    Purpose.COMMIT: "Commits",
    Purpose.OTHER: "Other commands",
}


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line. `cost_usd` is null where no command of it has reported one; `unknown` have not. `usual_usd` is the median
    of such lines of other stories, batches or days. `commands` counts a call for several stories by its share."""

    purpose: str
    round: int | None
    label: str
    commands: float
    cost_usd: float | None
    estimated_usd: float
    unknown: int
    fresh_tokens: int
    cached_tokens: int
    written_tokens: int
    duration_ms: int
    usual_usd: float | None


class CostExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """The lines, the most expensive first. `cost_usd` is their sum, null where nothing was reported.

    `shared`: so many calls worked for other stories as well, and count with their share. `prompts` are estimates.
    """

    of: str
    cost_usd: float | None
    estimated_usd: float
    unknown: int
    shared: int
    lines: list[CostLine]
    prompts: list[PromptWeight]


async def get_story_cost(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    story, _ = await found_story(services, request.match_info["key"])
    rows, share = await under_all_names(services, story, get_spent_of_story), share_of_story(story.names)
    return await _response(services, story.key, rows, share, lambda past: usual_of_stories(past, story.names))


async def get_batch_cost(request: web.Request) -> web.Response:
    services, batch_id = request.app[SERVICES], path_id(request, "id")
    if await services.database.read(get_batch, batch_id) is None:
        raise ApiError(404, "not_found", f"there is no batch {batch_id}")
    rows = await services.database.read(get_spent_of_batch, batch_id)
    return await _response(services, f"batch {batch_id}", rows, whole, lambda past: usual_of(past, _batch, batch_id))


async def get_day_cost(request: web.Request) -> web.Response:
    """Respond for a day of this machine's clock, today without one."""
    services = request.app[SERVICES]
    text = request.query.get("day") or datetime.date.fromtimestamp(services.workspace.clock()).isoformat()
    try:
        day = datetime.date.fromisoformat(text)
        begin, end = (_midnight(day + datetime.timedelta(days=ahead)) for ahead in (0, 1))
    except (ValueError, OverflowError, OSError):
        raise ApiError(400, "bad_request", "day: must be a date such as 2026-03-01") from None
    rows = await services.database.read(get_spent_since, begin, end)
    return await _response(services, day.isoformat(), rows, whole, lambda past: usual_of(past, _day, day.isoformat()))


def _batch(command: SpentCommand) -> int:
    return command.batch


def _day(command: SpentCommand) -> str:
    return command.day


def _midnight(day: datetime.date) -> int:
    return int(datetime.datetime.combine(day, datetime.time()).timestamp() * 1000)


async def _response(
    services: Services,
    name: str,
    rows: Sequence[tuple[Any, ...]],
    share: Share,
    usual: Callable[[Sequence[SpentCommand]], Usual],
) -> web.Response:
    past = await services.database.read(get_spent)
    commands, lines = await asyncio.to_thread(_lines, rows, past, share, usual)
    costs = [line.usd for line in lines if line.usd is not None]
    explanation = CostExplanation(
        of=name,
        cost_usd=sum(costs) if costs or not lines else None,
        estimated_usd=sum(line.estimated for line in lines),
        unknown=sum(line.unknown for line in lines),
        shared=sum(0 < share(command) < 1 for command in commands),
        lines=[_line(line) for line in lines],
        prompts=await _prompts(services, commands),
    )
    return json_response(explanation)


def _lines(
    rows: Iterable[tuple[Any, ...]],
    past: Iterable[tuple[Any, ...]],
    share: Share,
    usual: Callable[[Sequence[SpentCommand]], Usual],
) -> tuple[list[SpentCommand], list[SpendingLine]]:
    commands = spent_commands(rows)
    return commands, spending(commands, share, usual(spent_commands(past)))


def spent_commands(rows: Iterable[tuple[Any, ...]]) -> list[SpentCommand]:
    """Return rows of the ledger as values."""
    decode = msgspec.json.Decoder(tuple[str, ...]).decode
    return [
        SpentCommand(batch, day, decode(keys), command, attempt, status, agent, bool(beside), *used)
        for batch, day, keys, command, attempt, status, agent, beside, *used in rows
    ]


def _line(line: SpendingLine) -> CostLine:
    return CostLine(
        purpose=line.purpose.value,
        round=line.round,
        label=LABELS.get(line.purpose) or f"Review round {line.round}",
        commands=line.commands,
        cost_usd=line.usd,
        estimated_usd=line.estimated,
        unknown=line.unknown,
        fresh_tokens=line.fresh,
        cached_tokens=line.cached,
        written_tokens=line.written,
        duration_ms=line.duration_ms,
        usual_usd=line.usual,
    )


async def _prompts(services: Services, commands: Sequence[SpentCommand]) -> list[PromptWeight]:
    """Return what the prompts of these commands weigh, by the preset of their newest batch."""
    workspace = services.workspace
    row = await services.database.read(get_batch, max((command.batch for command in commands), default=0))
    row = row or await services.database.read(get_last_batch)
    preset = CLASSIC if row is None else await preset_of(workspace, row)
    agent = workspace.agents.get(names_of(workspace.settings().agent)[0] if row is None else row.agent)
    kinds = {kind_of(command.command) for command in commands if command.agent != "runner"}
    return await prompt_weights(workspace, preset, "" if agent is None else agent.kind, kinds)


ROUTES: Final = [
    web.get("/api/stories/{key}/cost", get_story_cost),
    web.get("/api/batches/{id}/cost", get_batch_cost),
    web.get("/api/cost", get_day_cost),
]
