"""A message of the operator to the agent of a running command."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import MessageBody
from api.hints import checked_text
from api.http import SERVICES, ApiError, json_response, path_id, read_body
from running.messages import send_message
from running.preflight import NotNow
from store.commands import get_command


class MessageStored(msgspec.Struct, frozen=True):
    """The stored message; `note` says what becomes of it where the agent has just ended, None where it was sent."""

    id: int
    note: str | None


async def post_message(request: web.Request) -> web.Response:
    """Send a message to the agent of a running command, and keep it until the agent has taken it."""
    services, command_id = request.app[SERVICES], path_id(request, "id")
    body = await read_body(request, MessageBody)
    text = checked_text(body.text, "text")
    command = await services.database.read(get_command, command_id)
    if command is None:
        raise ApiError(404, "not_found", f"there is no command {command_id}")
    try:
        message_id, is_sent = await send_message(services.workspace, command_id, text)
    except NotNow as refused:
        raise ApiError(409, refused.code, str(refused)) from None
    note = None if is_sent else f"the agent has just ended: the next command of {command.story_key} gets it as a hint"
    return json_response(MessageStored(message_id, note), 202)


ROUTES: Final = [web.post("/api/commands/{id}/message", post_message)]
