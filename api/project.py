"""The routes of the project on disk: the sprint and its stories, manual status changes, the whitelisted data files."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

import sprint
from api.bodies import EmptyBody, StatusBody
from api.dossier import dossier_of, evidence_by_story
from api.http import SERVICES, ApiError, Services, json_response, read_body
from api.plan_overview import overview_of
from api.status_evidence import StatusEvidence
from base.program import PROGRAM_DIR
from events import emit
from payloads import StoryStatus
from security.files import read_inside
from sprint import Refused

DATA_FILES: Final = {
    "/sprint-status.yaml": "application/yaml",
    "/orchestrator.md": "text/markdown",
    "/orchestrator.csv": "text/csv",
}
SHARED: Final = (*DATA_FILES, "/story-descriptions.json")
# A tracker with another name is not served: the setting could name any file of the project.
TRACKER_NAME: Final = re.compile(r"(?:sprint-status.*\.ya?ml|stories\.yaml|tickets\.toml)", re.IGNORECASE)
DATA_MAX: Final = 4 << 20  # bytes of a data file


class StatusChanged(msgspec.Struct, frozen=True):
    """The canonical statuses before and after; `changed` is false where the file had the new one already."""

    old_status: str
    new_status: str
    changed: bool


class EpicClosed(msgspec.Struct, frozen=True):
    """The id of an epic whose own file says `done` now."""

    epic: str


class StatusEvidenceByStory(msgspec.Struct, frozen=True):
    stories: dict[str, StatusEvidence]


async def get_sprint(request: web.Request) -> web.Response:
    return json_response(await overview_of(request.app[SERVICES]))


async def get_problems(request: web.Request) -> web.Response:
    """Respond with the problems of the plan alone, for a banner and for scripts."""
    project = request.app[SERVICES].workspace.project
    return json_response(await asyncio.to_thread(sprint.problems, project))


async def get_story(request: web.Request) -> web.Response:
    return json_response(await dossier_of(request.app[SERVICES], request.match_info["key"]))


async def get_status_evidence(request: web.Request) -> web.Response:
    """Respond with the evidence for each story's status in one line, for the cards of the board."""
    return json_response(StatusEvidenceByStory(await evidence_by_story(request.app[SERVICES])))


async def put_status(request: web.Request) -> web.Response:
    """Set a status manually; 409 when it changed meanwhile, 422 when the file cannot be edited safely.

    An unreadable file is 422 and not 404, since the story may exist.
    """
    services = request.app[SERVICES]
    body = await read_body(request, StatusBody)
    key = request.match_info["key"]
    project = services.workspace.project
    found = await asyncio.to_thread(sprint.read, project)
    # An unreadable plan may hold the story: then the edit below is refused with the reason.
    if found.writable and key not in [story.key for story in found.stories]:
        raise ApiError(404, "not_found", f"the plan has no story {key!r}")
    change = await change_status(services, key, body.status, body.expected, "set by hand")
    return json_response(StatusChanged(change.old.value, change.new.value, change.changed))


async def change_status(services: Services, key: str, new: str, expected: str, reason: str) -> sprint.StatusEdit:
    """Write a status and emit its event. Raises `ApiError` 409 when it is not as expected, 422 when it is refused."""
    try:
        change = await asyncio.to_thread(sprint.set_status, services.workspace.project, key, new, expected)
    except sprint.Conflict as conflict:
        raise ApiError(409, "conflict", f"{key} is {conflict.found!r} by now, not {expected!r}") from None
    except Refused as refused:
        raise ApiError(422, "refused", refused.reason) from None
    if change.changed:
        old, new = change.old.value, change.new.value
        await emit(StoryStatus(story_key=key, old_status=old, new_status=new, reason=reason))
    return change


async def get_descriptions(request: web.Request) -> web.Response:
    response = json_response(await asyncio.to_thread(sprint.descriptions, request.app[SERVICES].workspace.project))
    response.headers["Cache-Control"] = "no-cache"
    return response


def data_file(path: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of one named file; no part of a request becomes a path."""

    async def get_data_file(request: web.Request) -> web.Response:
        project = request.app[SERVICES].workspace.project
        name = path.removeprefix("/")
        artifacts = project.artifacts
        places = [(_top(project, artifacts), artifacts / name), (PROGRAM_DIR, PROGRAM_DIR / name)]
        if name == "sprint-status.yaml" and TRACKER_NAME.fullmatch(project.tracker.name):
            places.insert(0, (_top(project, project.tracker.parent), project.tracker))
        content = await asyncio.to_thread(_first, places)
        if content is None:
            raise ApiError(404, "not_found", f"the project has no {name}")
        headers = {"Cache-Control": "no-cache"}
        content = await asyncio.to_thread(request.app[SERVICES].workspace.masker.bytes, content)
        return web.Response(body=content, content_type=DATA_FILES[path], charset="utf-8", headers=headers)

    return get_data_file


def _top(project: sprint.Project, folder: Path) -> Path:
    """Return the folder that a file must be inside of: the project, or a folder elsewhere from the settings."""
    return project.root if Path(os.path.abspath(folder)).is_relative_to(project.root) else folder


def _first(places: Sequence[tuple[Path, Path]]) -> bytes | None:
    found = (read_inside(top, place, DATA_MAX) for top, place in places)
    return next((content for content in found if content is not None), None)


async def close_epic(request: web.Request) -> web.Response:
    """Close an epic whose stories are all finished; 409 while a batch runs, 422 where it cannot be closed."""
    epic = request.match_info["id"]
    await read_body(request, EmptyBody)
    try:
        await request.app[SERVICES].orchestrator.close_epic(epic)
    except Refused as refused:
        raise ApiError(422, "refused", str(refused)) from None
    return json_response(EpicClosed(epic))


ROUTES: Final = [
    web.post("/api/epics/{id}/close", close_epic),
    web.get("/api/sprint", get_sprint),
    web.get("/api/sprint/problems", get_problems),
    web.get("/api/standings", get_status_evidence),
    web.get("/api/stories/{key}", get_story),
    web.put("/api/stories/{key}/status", put_status),
    web.get("/story-descriptions.json", get_descriptions),
    *(web.get(path, data_file(path)) for path in DATA_FILES),
]
