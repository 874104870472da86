"""A story that the operator puts aside with a reason, and brings back."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import EmptyBody, SkipBody
from api.hints import checked_text
from api.http import SERVICES, ApiError, json_response, read_body
from api.story_records import find_story

ENDED: Final = {"done": "is done: there is nothing left to skip", "parked": "is out of scope in the plan already"}


class StorySkipped(msgspec.Struct, frozen=True):
    """`note` says what still happens with a story that runs now, None where nothing does."""

    note: str | None


class BroughtBack(msgspec.Struct, frozen=True):
    """The status at which the story continues."""

    status: str


async def post_skip(request: web.Request) -> web.Response:
    """Put a story aside: no run takes it until it is brought back; a command of it that runs ends first."""
    services, key = request.app[SERVICES], request.match_info["key"]
    reason = checked_text((await read_body(request, SkipBody)).reason, "reason")
    story = await find_story(services, key)
    if story.status in ENDED:
        raise ApiError(409, "ended", f"{key} {ENDED[story.status]}")
    running = await services.orchestrator.steering.skip(key, reason)
    note = f"{key} is in the group that runs: its command ends, then the run leaves it as it is" if running else None
    return json_response(StorySkipped(note), 202)


async def post_unskip(request: web.Request) -> web.Response:
    """Bring a skipped story back: a run takes it again when its turn comes."""
    services, key = request.app[SERVICES], request.match_info["key"]
    await read_body(request, EmptyBody)
    story = await find_story(services, key)
    await services.orchestrator.steering.bring_back(key)
    return json_response(BroughtBack(story.status), 202)


ROUTES: Final = [
    web.post("/api/stories/{key}/skip", post_skip),
    web.post("/api/stories/{key}/unskip", post_unskip),
]
