"""`/ws`: the handshake, and the messages of a client. The hub sends everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from aiohttp import WSMsgType, web

from api.access import ACCESS
from api.http import SERVICES, ApiError
from security import VISITOR
from websocket.frames import MESSAGE_MAX, PING, REVOKED, TEXT
from websocket.hub import CLOSE_S, Client, Hub

BURST: Final = 100  # messages of one client before a pause; a page sends a few per minute
PAUSE_S: Final = 0.25  # the pause: at most 400 messages per second from a client that floods; TCP slows it down
SINCE_DIGITS: Final = 18  # longer numbers are no seq


async def websocket(request: web.Request) -> web.StreamResponse:
    """Connect a page to the server's hub, until its access is revoked."""
    hub = request.app[SERVICES].hub
    grants, grant_id = request.app[ACCESS].grants, request[VISITOR].grant_id
    return await connect(request, hub, lambda client: grants.socket(grant_id, lambda: hub.end(client, REVOKED)))


async def connect(
    request: web.Request, hub: Hub, while_open: Callable[[Client], AbstractContextManager[None]] | None = None
) -> web.StreamResponse:
    """Connect a page to a hub and read its messages to their end, inside of `while_open` where it is given."""
    # aiohttp rejects a message of exactly `max_msg_size`, which here is still allowed.
    socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MESSAGE_MAX + 1, timeout=CLOSE_S)
    if not socket.can_prepare(request):
        raise ApiError(400, "bad_request", "/ws is a WebSocket: connect to it with a WebSocket client")
    await socket.prepare(request)
    transport = request.transport
    if transport is None or transport.is_closing():
        return socket
    client = hub.connect(transport, lambda code: socket.close(code=code, drain=False), *_position(request))
    received = 0
    try:
        with while_open(client) if while_open else nullcontext():
            async for message in socket:
                hub.receive(client, _OPCODES.get(message.type, 0), message.data)
                received += 1
                if received % BURST == 0:  # not reading is what slows the sender down
                    await asyncio.sleep(PAUSE_S)
    finally:
        hub.forget(client)
    return socket


_OPCODES: Final = {WSMsgType.TEXT: TEXT, WSMsgType.PING: PING}


def _position(request: web.Request) -> tuple[int | None, str | None]:
    """Return `since` and `epoch` of the query; a malformed `since` counts as absent."""
    since = request.query.get("since", "")
    valid = since.isascii() and since.isdigit() and len(since) <= SINCE_DIGITS
    return (int(since) if valid else None), request.query.get("epoch")


ROUTES: Final = [web.get("/ws", websocket)]
