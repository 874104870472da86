"""A story in the operator's hands: a hint for its next command, and another try of a blocked one."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import HINT_MAX, HintBody, RetryBody
from api.dossier import find_story
from api.http import SERVICES, ApiError, json_response, read_body
from api.project import change_status
from running.hints import keep_hint
from security.controls import acts

RETRIED: Final = "ready-for-dev"  # the status of a blocked story that is tried again


class HintStored(msgspec.Struct, frozen=True):
    """The stored hint; `note` says why no command will get it as things are, None where one will."""

    id: int
    note: str | None


class Retried(msgspec.Struct, frozen=True):
    """The status that the story has now, and the id of the hint that was stored before."""

    status: str
    hint_id: int | None


async def post_hint(request: web.Request) -> web.Response:
    """Store a hint for the next command of a story."""
    services, key = request.app[SERVICES], request.match_info["key"]
    body = await read_body(request, HintBody)
    text = checked_text(body.text, "text")
    story = await find_story(services, key)
    note = None
    if story.status == "done":
        note = f"{key} is done: the hint is kept, and a command gets it when the story is set back"
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
    # The hint comes first: a story that is set back may be started before the hint is stored.
    hint_id = None if hint is None else await keep_hint(services.workspace, key, hint)
    await change_status(services, key, RETRIED, "blocked", "tried again by hand")
    if story.skipped:
        await services.orchestrator.bring_back(key)
    return json_response(Retried(RETRIED, hint_id), 202)


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
]
