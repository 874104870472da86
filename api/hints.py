"""A story in the operator's hands: a hint for its next command, and another try of a blocked one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

import sprint
from api.bodies import HINT_MAX, HintBody, RetryBody, RevertBody
from api.http import SERVICES, ApiError, Services, json_response, read_body
from api.project import change_status
from api.story_records import find_story
from events import emit
from payloads import StoryStatus
from running.hints import keep_hint
from security.controls import acts

NOT_BEGUN: Final = "backlog"  # where its status was in a file of its own that had to be deleted
DELETED: Final = "deleted"  # the folder of copies of such files, in the data folder


class HintStored(msgspec.Struct, frozen=True):
    """The stored hint; `note` says why no command will get it as things are, None where one will."""

    id: int
    note: str | None


class Retried(msgspec.Struct, frozen=True, omit_defaults=True):
    """The status that the story has now, and the id of the hint that was stored before.

    `copy` is where the copy of a file is that was deleted, relative to the project.
    """

    status: str
    hint_id: int | None
    copy: str | UnsetType = UNSET


async def post_hint(request: web.Request) -> web.Response:
    """Store a hint for the next command of a story."""
    services, key = request.app[SERVICES], request.match_info["key"]
    body = await read_body(request, HintBody)
    text = checked_text(body.text, "text")
    story = await find_story(services, key)
    note = None
    if story.status == "done":
        note = f"{key} is done: the hint is kept, and a command gets it when the story runs again"
    elif story.status == "blocked":
        note = f"{key} is blocked: the hint is kept, and a command gets it when the story is tried again"
    return json_response(HintStored(await keep_hint(services.workspace, key, text), note), 202)


async def post_retry(request: web.Request) -> web.Response:
    """Set a blocked story back, so that the run tries it again; with `hint` its next command gets that."""
    services, key = request.app[SERVICES], request.match_info["key"]
    body = await read_body(request, RetryBody)
    hint = None if body.hint is None else checked_text(body.hint, "hint")
    story = await find_story(services, key)
    if story.status != "blocked":
        raise ApiError(409, "not_blocked", f"{key} is {story.status}: only a blocked story is tried again")
    final = await asyncio.to_thread(sprint.final_file, services.workspace.project, key)
    if final is not None and not body.confirm:
        raise ApiError(409, "confirm", _question(services, key, final))
    # The hint comes first: a story that is set back may be started before the hint is stored.
    hint_id = None if hint is None else await keep_hint(services.workspace, key, hint)
    if final is not None:
        retried = Retried(NOT_BEGUN, hint_id, await _delete(services, key, final))
    else:
        await change_status(services, key, body.status, "blocked", "tried again by hand")
        retried = Retried(body.status, hint_id)
    if story.skipped:
        await services.orchestrator.steering.bring_back(key)
    return json_response(retried, 202)


class StoryReverted(msgspec.Struct, frozen=True):
    """`commit` takes back what `reverted` changed in so many `files`; `status` is the story's now."""

    commit: str
    reverted: str
    files: int
    status: str


async def post_revert(request: web.Request) -> web.Response:
    """Revert the story's newest commit by another one, and set the story back; refused where anything is in the way."""
    services, key = request.app[SERVICES], request.match_info["key"]
    body = await read_body(request, RevertBody)
    story = await find_story(services, key)
    # Before the revert, which is the larger step of the two.
    if not await asyncio.to_thread(_is_writable, services, key):
        raise ApiError(422, "refused", f"the status of {key} cannot be written, so its commit is not reverted")
    done = await services.orchestrator.revert(key)
    reason = f"{done.reverted[:10]} was reverted by {done.commit[:10]}"
    try:
        await change_status(services, key, body.status, story.status, reason)
    except ApiError as error:
        raise ApiError(error.status, error.code, f"{reason}, but the status was not changed: {error}") from None
    return json_response(StoryReverted(done.commit, done.reverted, done.files, body.status))


def _is_writable(services: Services, key: str) -> bool:
    plan = sprint.read(services.workspace.project)
    entry = plan.story(key)
    return plan.writable and entry is not None and entry.editable


def _question(services: Services, key: str, final: Path) -> str:
    """Return what the operator has to confirm."""
    relative = services.workspace.relative
    copies = relative(services.workspace.data_dir / DELETED)
    return (
        f"{key} can only be built again without its file: {relative(final)} is deleted, and a copy is kept in {copies}."
        " Confirm that to try it again"
    )


async def _delete(services: Services, key: str, final: Path) -> str:
    """Delete the file in which a story is blocked for good; return where its copy is. Raises `ApiError` 422."""
    workspace = services.workspace
    copy = workspace.data_dir / DELETED / f"{int(workspace.clock() * 1000)}-{final.name}"
    try:
        await asyncio.to_thread(sprint.delete_final_file, workspace.project, final, copy)
    except sprint.Refused as refused:
        raise ApiError(422, "refused", refused.reason) from None
    reason = f"tried again by hand: {final.name} was deleted, its copy is {workspace.relative(copy)}"
    await emit(StoryStatus(story_key=key, old_status="blocked", new_status=NOT_BEGUN, reason=reason))
    return workspace.relative(copy)


def checked_text(text: str, field: str) -> str:
    """Return the text with ordinary line ends. Raises `ApiError` 400 for what an agent's terminal would act on."""
    text = text.replace("\r\n", "\n").strip()
    if len(text.encode("utf-8", "surrogatepass")) > HINT_MAX:
        raise ApiError(400, "bad_request", f"{field}: must be a text of at most {HINT_MAX} bytes")
    if acts(text) or any("\ud800" <= char <= "\udfff" for char in text):
        raise ApiError(400, "bad_request", f"{field}: contains control codes; take them out")
    return text


ROUTES: Final = [
    web.post("/api/stories/{key}/hint", post_hint),
    web.post("/api/stories/{key}/retry", post_retry),
    web.post("/api/stories/{key}/revert", post_revert),
]
