"""The routes of the plan itself: a tracker made of the epics, the project's own sprint planning, the initiative."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final

import msgspec
from aiohttp import web

import sprint
from api.bodies import InitiativeBody, PlanningBody, TrackerBody
from api.http import SERVICES, ApiError, Services, json_response, read_body
from api.run import BatchStarted
from running.plan_choice import initiative_of
from running.preflight import NotNow
from running.sprint_planning import planning_agent, planning_preset
from workflow.presets import SPRINT_PLANNING


class PlanningView(msgspec.Struct, frozen=True):
    """The project's own sprint planning: what the agent would be given, "" with the reason in `problem`."""

    command: str
    agent: str
    problem: str | None


class ProposalProblem(msgspec.Struct, frozen=True):
    line: int | None
    message: str


class ProposalView(msgspec.Struct, frozen=True):
    """`GET /api/plan/proposal`: the text of a tracker, "" without a story, and where it would be written.

    `hash` names what was shown; `epics` and `stories` are how many are in the text.
    """

    path: str
    text: str
    hash: str
    epics: int
    stories: int
    problems: list[ProposalProblem]
    planning: PlanningView


class PlanInUse(msgspec.Struct, frozen=True):
    """The file of the plan that is used now, relative to the project, and its initiative, if it is one."""

    tracker: str
    initiative: str | None


class InitiativeView(msgspec.Struct, frozen=True):
    name: str
    title: str


class InitiativesView(msgspec.Struct, frozen=True):
    """`GET /api/plan/initiatives`, by name. `current` is shown, `configured` is that of BMAD's configuration.

    `chosen` is the choice made here; `locked` is the reason why none can be made.
    """

    current: str | None
    configured: str
    chosen: str | None
    initiatives: list[InitiativeView]
    locked: str | None


async def get_proposal(request: web.Request) -> web.Response:
    """Respond with the tracker that could be made; 409 where the project has a plan. Nothing is written."""
    services = request.app[SERVICES]
    workspace = services.workspace
    project = workspace.project
    if project.kind is not sprint.PlanKind.NONE:
        raise ApiError(409, "planned", f"the project has a plan already: {workspace.relative(project.tracker)}")
    proposal = await asyncio.to_thread(sprint.propose, project, date.today())
    problems = [ProposalProblem(problem.line, problem.message) for problem in proposal.problems]
    return json_response(
        ProposalView(
            path=workspace.relative(proposal.path),
            text=proposal.text.encode("utf-8", "replace").decode(),
            hash=proposal.sha256,
            epics=proposal.epics,
            stories=proposal.stories,
            problems=problems,
            planning=await asyncio.to_thread(_planning, services),
        )
    )


def _planning(services: Services) -> PlanningView:
    agent = planning_agent(services.workspace, None)
    try:
        preset = planning_preset(services.workspace, agent)
    except NotNow as refused:
        return PlanningView("", agent, str(refused))
    return PlanningView(preset.calls[SPRINT_PLANNING.name], agent, None)


async def make_tracker(request: web.Request) -> web.Response:
    """Write the tracker that was shown; 409 when the epics have changed since, 422 where it cannot be written."""
    services = request.app[SERVICES]
    body = await read_body(request, TrackerBody)
    try:
        with services.orchestrator.between_batches("plan"):
            await services.orchestrator.plan.make_tracker(body.expected)
    except sprint.Conflict as conflict:
        raise ApiError(409, "conflict", str(conflict)) from None
    except sprint.Refused as refused:
        raise ApiError(422, "refused", refused.reason) from None
    return json_response(await _in_use(services))


async def plan_sprint(request: web.Request) -> web.Response:
    """Start the batch that runs the project's own sprint planning."""
    services = request.app[SERVICES]
    body = await read_body(request, PlanningBody)
    return json_response(BatchStarted(await services.orchestrator.plan_sprint(body.agent, body.budget_usd)), 202)


async def get_initiatives(request: web.Request) -> web.Response:
    """Respond with the initiatives of a BMAD 7 project; none of any other project."""
    services = request.app[SERVICES]
    project = services.workspace.project
    found = await asyncio.to_thread(sprint.read_initiatives, project.root)
    return json_response(
        InitiativesView(
            current=await asyncio.to_thread(initiative_of, project),
            configured=found.active,
            chosen=await services.orchestrator.plan.chosen(),
            initiatives=[InitiativeView(initiative.name, initiative.title) for initiative in found.every],
            locked=services.orchestrator.plan.fixed(),
        )
    )


async def choose_initiative(request: web.Request) -> web.Response:
    """Show an initiative, and let batches work on it; null for the one of BMAD's configuration."""
    services = request.app[SERVICES]
    body = await read_body(request, InitiativeBody)
    known = await asyncio.to_thread(sprint.read_initiatives, services.workspace.project.root)
    if body.initiative is not None and known.named(body.initiative) is None:
        raise ApiError(404, "not_found", f"there is no initiative {body.initiative!r}")
    with services.orchestrator.between_batches("initiative"):
        await services.orchestrator.plan.choose(body.initiative)
    return json_response(await _in_use(services))


async def _in_use(services: Services) -> PlanInUse:
    project = services.workspace.project
    return PlanInUse(services.workspace.relative(project.tracker), await asyncio.to_thread(initiative_of, project))


ROUTES: Final = [
    web.get("/api/plan/proposal", get_proposal),
    web.post("/api/plan/tracker", make_tracker),
    web.post("/api/plan/run", plan_sprint),
    web.get("/api/plan/initiatives", get_initiatives),
    web.put("/api/plan/initiative", choose_initiative),
]
