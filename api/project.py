"""The project on disk: the sprint, a story's dossier, a status set by hand, and the whitelisted data files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

import sprint
from api.answers import SERVICES, ApiError, Services, answer, body, only
from db import Command, get_commands_by_key, get_story_by_key
from events import EventType, emit_event
from running.git import Commit, Diff, GitError
from sprint import Refused, StoryDocument, StoryInfo

DATA_FILES: Final = {
    "/sprint-status.yaml": "application/yaml",
    "/orchestrator.md": "text/markdown",
    "/orchestrator.csv": "text/csv",
}
SHARED: Final = (*DATA_FILES, "/story-descriptions.json")
DATA_MAX: Final = 4 << 20  # bytes of a data file; more is not one of ours
BESIDE_THE_PAGE: Final = Path(__file__).resolve().parent.parent


class TaskLine(msgspec.Struct, frozen=True):
    text: str
    done: bool
    depth: int


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/stories/{key}`: what is asked, what was done, what proves it."""

    key: str
    epic: str
    title: str
    status: str
    raw_status: str
    description: str
    statement: str
    criteria: list[str]
    tasks: list[TaskLine]
    drift: dict[str, str] | None
    files: list[str]
    file_list: list[str]
    change_log: list[str]
    reason: str | None
    commands: list[dict[str, Any]]
    artifacts: list[str]
    commits: list[Commit]
    diff: Diff | None
    problems: list[str]


async def get_sprint(request: web.Request) -> web.Response:
    project = request.app[SERVICES].workspace.project
    return answer(await asyncio.to_thread(sprint.overview, project))


async def get_story(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    overview = await asyncio.to_thread(sprint.overview, services.workspace.project)
    story = next((story for story in overview.stories if story.key == request.match_info["key"]), None)
    if story is None:
        raise ApiError(404, "not_found", f"the tracker has no story {request.match_info['key']!r}")
    return answer(await _dossier(services, story))


async def put_status(request: web.Request) -> web.Response:
    """Set a status by hand; 409 when it changed meanwhile, 422 when the file cannot be edited safely."""
    services = request.app[SERVICES]
    fields = await body(request)
    only(fields, "status", "expected")
    status, expected = _text(fields, "status"), _text(fields, "expected")
    key = request.match_info["key"]
    project = services.workspace.project
    if (await asyncio.to_thread(sprint.read, project)).entry(key) is None:
        raise ApiError(404, "not_found", f"the tracker has no story {key!r}")
    try:
        change = await asyncio.to_thread(sprint.set_status, project, key, status, expected)
    except sprint.Conflict as conflict:
        raise ApiError(409, "conflict", f"{key} says {conflict.found!r} by now, not {expected!r}") from None
    except Refused as refused:
        raise ApiError(422, "refused", refused.reason) from None
    if change.changed:
        told = {"story_key": key, "old_status": change.old.value, "new_status": change.new.value}
        await emit_event(EventType.STORY_STATUS, {**told, "reason": "set by hand"})
    return answer({"old_status": change.old.value, "new_status": change.new.value, "changed": change.changed})


async def get_descriptions(request: web.Request) -> web.Response:
    response = answer(await asyncio.to_thread(sprint.descriptions, request.app[SERVICES].workspace.project))
    response.headers["Cache-Control"] = "no-cache"
    return response


def data_file(path: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of one named file; no part of a request becomes a path."""

    async def get_data_file(request: web.Request) -> web.Response:
        project = request.app[SERVICES].workspace.project
        name = path.removeprefix("/")
        places = [project.artifacts / name, BESIDE_THE_PAGE / name]
        if name == "sprint-status.yaml":
            places.insert(0, project.tracker)
        content = await asyncio.to_thread(_first, places)
        if content is None:
            raise ApiError(404, "not_found", f"the project has no {name}")
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=content, content_type=DATA_FILES[path], charset="utf-8", headers=headers)

    return get_data_file


def _first(places: list[Path]) -> bytes | None:
    for place in places:
        try:
            with place.open("rb") as file:
                content = file.read(DATA_MAX + 1)
        except OSError:
            continue
        if len(content) <= DATA_MAX:
            return content
    return None


async def _dossier(services: Services, story: StoryInfo) -> Dossier:
    project, git = services.workspace.project, services.workspace.git
    files = await asyncio.to_thread(sprint.story_files, project, story.key)
    document = await asyncio.to_thread(sprint.read_story, files[0]) if files else StoryDocument()
    commands = await services.database.read(get_commands_by_key, story.key)
    row = await services.database.read(get_story_by_key, story.key)
    return Dossier(
        key=story.key,
        epic=story.epic,
        title=story.title,
        status=story.status,
        raw_status=story.raw_status,
        description=story.description,
        statement=document.statement,
        criteria=list(document.criteria),
        tasks=[TaskLine(task.text, task.done, task.depth) for task in document.tasks],
        drift=None if story.drift is None else {"file_status": story.drift.file_status},
        files=story.files,
        file_list=list(document.file_list),
        change_log=list(document.change_log),
        reason=None if row is None else row.reason,
        commands=[shown_command(command) for command in commands],
        artifacts=[services.workspace.relative(file) for file in files],
        commits=[] if git is None else await git.commits_for(story.key),
        diff=await _diff(services, None if row is None else row.base_tree),
        problems=[problem.message for problem in document.problems],
    )


async def _diff(services: Services, base_tree: str | None) -> Diff | None:
    """The change of the tree since development of the story started; None where there is nothing to compare."""
    git = services.workspace.git
    if git is None or base_tree is None:
        return None
    try:
        return await git.diff(base_tree, await git.snapshot())
    except GitError:  # the snapshot's objects were removed with the data folder
        return None


HIDDEN: Final = {"mark", "pid", "pid_start", "stream_path", "verdict", "word", "story_keys", "background"}


def shown_command(command: Command) -> dict[str, Any]:
    """A command as the page shows it: its verdict in a word, nothing of its processes and paths."""
    fields = {name: value for name, value in msgspec.structs.asdict(command).items() if name not in HIDDEN}
    keys = msgspec.json.decode(command.story_keys)
    return {**fields, "verdict": command.word, "story_keys": keys, "background": bool(command.background)}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, "bad_request", f"{name}: must be a status")
    return value


ROUTES: Final = [
    web.get("/api/sprint", get_sprint),
    web.get("/api/stories/{key}", get_story),
    web.put("/api/stories/{key}/status", put_status),
    web.get("/story-descriptions.json", get_descriptions),
    *(web.get(path, data_file(path)) for path in DATA_FILES),
]
