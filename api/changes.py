"""The changes of a story as diffs: of each of its commits and commands, and of all its commands; and its files.

Only what the story's dossier lists can be read: the story's own commits, and files of the change or of the story.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

import sprint
from api.dossier_parts import BY_HAND
from api.http import SERVICES, ApiError, Services, json_response, query_int
from api.story_changes import COMMAND, WORK, StoryWork, change_of_work, file_of_work, work_of
from api.story_records import commits_named, find_story, newest_row, under_all_names
from base.regular import read_regular
from git.history import NoSuchChange, change_between, ends_of, file_between
from git.process import GitError
from running.artifacts import artifacts_of
from running.lanes.worktree import place_of
from sprint import StoryInfo
from store.commands import Command, get_commands_by_key
from store.takeovers import get_takeovers_of

TEXT_MAX: Final = 512 * 1024  # bytes of an artifact that are shown
PARTS_MAX: Final = 1000  # of the change of one file
GONE: Final = "git does not have this change any more: the snapshots of finished batches are removed after some time"


class Artifact(msgspec.Struct, frozen=True):
    """A file of a story as text; `size` in bytes, `cut` when `text` is only its beginning."""

    name: str
    text: str
    size: int
    cut: bool


async def get_change(request: web.Request) -> web.Response:
    """Respond with all files of a change, or with one part of one of them completely for `?path=` and `?part=`."""
    services, name = request.app[SERVICES], request.match_info["name"]
    path, part = request.query.get("path"), query_int(request, "part", 1, 1, PARTS_MAX) or 1
    try:
        return json_response(await _change(services, request.match_info["key"], name, path, part))
    except NoSuchChange as missing:
        raise ApiError(404, "not_found", str(missing)) from None
    except (GitError, ValueError):  # a zero byte in the path; old snapshots are removed
        raise ApiError(404, "not_found", GONE) from None


async def _change(services: Services, key: str, name: str, path: str | None, part: int) -> msgspec.Struct:
    """Return a change of the story, or one file of it. Raises `ApiError` 404, `NoSuchChange`, `GitError`."""
    story = await find_story(services, key)
    git = services.workspace.git
    if git is None:
        raise ApiError(404, "not_found", "the project is not a git repository")
    commands = await under_all_names(services, story, get_commands_by_key)
    if name == WORK or name.startswith((COMMAND, BY_HAND)):
        work = await _work(services, story, commands, name)
        return await (change_of_work(git, work) if path is None else file_of_work(git, work, path, part))
    if name not in [commit.hash for commit in await commits_named(services, story.names, commands)]:
        raise ApiError(404, "not_found", f"{name} is no commit of {story.key}")
    old, new = await ends_of(git, name)
    return await (change_between(git, old, new) if path is None else file_between(git, old, new, path))


async def _work(services: Services, story: StoryInfo, commands: list[Command], name: str) -> StoryWork:
    """Return all of the story's work, or the part of it that is named. Raises `ApiError` 404."""
    # Work by hand that is booked as a command has two names.
    taken = [] if name.startswith(COMMAND) else await under_all_names(services, story, get_takeovers_of)
    work = await work_of(services, await newest_row(services, story), commands, taken)
    if name != WORK:
        work = StoryWork([span for span in work.spans if span.maker == name], [])
    if not work.spans:
        raise ApiError(404, "not_found", f"what {name} of {story.key} changed is not recorded")
    return work


async def get_artifact(request: web.Request) -> web.Response:
    """Respond with a file of the story, by its name in the dossier."""
    services, name = request.app[SERVICES], request.query.get("name", "")
    story = await find_story(services, request.match_info["key"])
    workspace = await place_of(services.workspace, await newest_row(services, story))
    files = await asyncio.to_thread(sprint.story_files, workspace.project, story.key)
    paths = await asyncio.to_thread(artifacts_of, workspace.project, story.key, files)
    path = next((path for path in paths if workspace.relative(path) == name), None)
    if path is None:
        raise ApiError(404, "not_found", f"{story.key} has no file {name!r}")
    try:
        return json_response(await asyncio.to_thread(_read, path, name))
    except OSError as error:
        raise ApiError(404, "not_found", f"{name} cannot be read: {error.strerror}") from None


def _read(path: Path, name: str) -> Artifact:
    content = read_regular(path, TEXT_MAX + 1)
    size = path.stat().st_size
    text = content[:TEXT_MAX].decode(errors="replace")
    return Artifact(name, text, size, len(content) > TEXT_MAX)


ROUTES: Final = [
    web.get("/api/stories/{key}/changes/{name}", get_change),
    web.get("/api/stories/{key}/artifact", get_artifact),
]
