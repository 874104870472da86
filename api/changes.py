"""The changes of a story as diffs: of each of its commits, and of the tree since development began; and its files.

Only what the story's dossier lists can be read: the story's own commits, and files of the change or of the story.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

import sprint
from api.dossier import BY_HAND, commits_named, find_story, newest_row, under_all_names
from api.http import SERVICES, ApiError, Services, json_response
from base.regular import read_regular
from git.history import FileChange, NoSuchChange, TreeChange, change_between, ends_of, file_between
from git.process import GitError
from git.snapshots import Git
from running.artifacts import artifacts_of
from running.disk import take_snapshot
from running.lanes.worktree import place_of
from store.commands import get_commands_by_key
from store.takeovers import get_takeovers_of

WORK: Final = "work"  # the name of the change since development began, in place of a commit hash
TEXT_MAX: Final = 512 * 1024  # bytes of an artifact that are shown


class Artifact(msgspec.Struct, frozen=True):
    """A file of a story as text; `size` in bytes, `cut` when `text` is only its beginning."""

    name: str
    text: str
    size: int
    cut: bool


async def get_change(request: web.Request) -> web.Response:
    """Respond with all files of a change, or with one of them completely for `?path=`."""
    services, name = request.app[SERVICES], request.match_info["name"]
    path = request.query.get("path")
    try:
        git, old, new = await _ends(services, request.match_info["key"], name)
        change: TreeChange | FileChange
        if path is None:
            change = await change_between(git, old, new)
        else:
            change = await file_between(git, old, new, path)
    except NoSuchChange as missing:
        raise ApiError(404, "not_found", str(missing)) from None
    except (GitError, ValueError):  # a zero byte in the path; snapshots of a finished batch are removed
        why = (
            "git does not have this change any more: the snapshots of a finished batch are removed with the next start"
        )
        raise ApiError(404, "not_found", why) from None
    return json_response(change)


async def _ends(services: Services, key: str, name: str) -> tuple[Git, str, str]:
    """Return the two trees of a change of the story. Raises `ApiError` 404, `NoSuchChange`, `GitError`."""
    story = await find_story(services, key)
    git = services.workspace.git
    if git is None:
        raise ApiError(404, "not_found", "the project is not a git repository")
    if name == WORK:
        row = await newest_row(services, story)
        if row is None or row.base_tree is None:
            raise ApiError(404, "not_found", f"development of {story.key} has not begun")
        repository = (await place_of(services.workspace, row)).git or git  # the lane's, while the story is in one
        return repository, row.base_tree, await take_snapshot(repository)
    if name.startswith(BY_HAND):
        rows = await under_all_names(services, story, get_takeovers_of)
        taken = next((taken for taken in rows if f"{BY_HAND}{taken.id}" == name), None)
        if taken is None or taken.tree_before is None or taken.tree_after is None:
            raise ApiError(404, "not_found", f"{story.key} has no change {name}")
        return git, taken.tree_before, taken.tree_after
    commands = await under_all_names(services, story, get_commands_by_key)
    if name not in [commit.hash for commit in await commits_named(services, story.names, commands)]:
        raise ApiError(404, "not_found", f"{name} is no commit of {story.key}")
    return git, *(await ends_of(git, name))


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
