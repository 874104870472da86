"""A story that the operator takes over to work on it by hand, and hands back."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import EmptyBody
from api.http import SERVICES, ApiError, json_response, read_body
from api.story_records import find_story

ENDED: Final = {
    "done": "is done: set it back before you change it",
    "parked": "is out of scope in the plan: bring it back there first",
}


class StoryTakenOver(msgspec.Struct, frozen=True):
    """`state` is `requested` until what runs in `folder` has ended; the event `story:takeover` says what follows."""

    state: str
    folder: str
    message: str


class StoryHandedBack(msgspec.Struct, frozen=True):
    """The change since the story was taken over, None where it cannot be measured."""

    files_changed: int | None
    lines_added: int | None
    lines_removed: int | None


async def post_take_over(request: web.Request) -> web.Response:
    """Take a story over: its command is ended, and nothing of the run touches its session or its tree any more."""
    services, key = request.app[SERVICES], request.match_info["key"]
    await read_body(request, EmptyBody)
    story = await find_story(services, key)
    if story.status in ENDED:
        raise ApiError(409, "ended", f"{key} {ENDED[story.status]}")
    row = await services.orchestrator.takeovers.take_over(key)
    return json_response(StoryTakenOver(row.state, row.folder, row.message), 202)


async def post_hand_back(request: web.Request) -> web.Response:
    """Hand a story back: its change is measured and kept, and the run goes on with it."""
    services, key = request.app[SERVICES], request.match_info["key"]
    await read_body(request, EmptyBody)
    await find_story(services, key)
    row = await services.orchestrator.takeovers.hand_back(key)
    return json_response(StoryHandedBack(row.files_changed, row.lines_added, row.lines_removed), 202)


ROUTES: Final = [
    web.post("/api/stories/{key}/take-over", post_take_over),
    web.post("/api/stories/{key}/hand-back", post_hand_back),
]
