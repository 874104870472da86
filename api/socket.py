"""`/ws`: the handshake, and what a client says. What it hears is the hub's."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import WSMsgType, web

from api.http import SERVICES, ApiError
from websocket.frames import MESSAGE_MAX, PING, TEXT
from websocket.hub import CLOSE_S

TURN: Final = 100  # messages of one client in a row; a page sends a handful a minute
TURN_S: Final = 0.25  # then the others' turn: one that floods us gets 400 messages a second, TCP holds it back
SINCE_DIGITS: Final = 18  # longer numbers are no seq of ours


async def websocket(request: web.Request) -> web.StreamResponse:
    hub = request.app[SERVICES].hub
    # aiohttp refuses a message of the size it is given; ours is the largest that is allowed.
    line = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MESSAGE_MAX + 1, timeout=CLOSE_S)
    if not line.can_prepare(request):
        raise ApiError(400, "bad_request", "/ws is a WebSocket: connect to it with a WebSocket client")
    await line.prepare(request)
    transport = request.transport
    if transport is None or transport.is_closing():
        return line
    client = hub.connect(transport, lambda code: line.close(code=code, drain=False), *_position(request))
    taken = 0
    try:
        async for message in line:
            hub.receive(client, _OPCODES.get(message.type, 0), message.data)
            taken += 1
            if taken % TURN == 0:
                await asyncio.sleep(TURN_S)
    finally:
        hub.forget(client)
    return line


_OPCODES: Final = {WSMsgType.TEXT: TEXT, WSMsgType.PING: PING}


def _position(request: web.Request) -> tuple[int | None, str | None]:
    """`since` and `epoch` of the query; a malformed `since` counts as absent."""
    since = request.query.get("since", "")
    valid = since.isascii() and since.isdigit() and len(since) <= SINCE_DIGITS
    return (int(since) if valid else None), request.query.get("epoch")


ROUTES: Final = [web.get("/ws", websocket)]
