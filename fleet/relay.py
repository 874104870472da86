"""A runner's page through the fleet's server: `/r/{id}/`, with its `/api/…` and `/ws` passed on below that path.

The page and its modules are the fleet's own. Promises: only paths below `/api/` reach a runner, and none that would be
another one after it was resolved; of the request only what is named here is passed on, and never a cookie, an origin or
a token; of the response neither cookies nor policies; what is no JSON cannot run as a page of this origin.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from aiohttp import WSMsgType, hdrs, web
from aiohttp.web import StreamResponse

from api.form_page import Link, form_page
from api.http import BODY_S, ApiError
from api.page import MANIFEST, READERS_PAGE, respond
from fleet.service import FLEET, FleetService
from fleet.source import UNREACHABLE, RunnerId, RunnerRequest, RunnerResponse, StreamEnded, Unreachable
from security import VISITOR
from security.grants import Role
from websocket.frames import GOING_AWAY, MESSAGE_MAX, is_ping

SOCKETS_MAX: Final = 1000  # relayed sockets of all runners together
REQUEST_HEADERS: Final = ("Accept", "Content-Type", "If-None-Match")
RESPONSE_HEADERS: Final = frozenset(
    name.lower() for name in ("Allow", "Cache-Control", "Content-Disposition", "Content-Type", "ETag", "Retry-After")
)
# Of files that are looked at alone: reports have their styles inline, and no script.
FILE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
RESTARTS: Final = 1012  # the close code when a runner has gone: reconnect
GONE: Final = 4404  # … and when there is no such runner in the fleet any more
NO_RUNNER: Final = "This runner is not running"
NO_RUNNER_WORDS: Final = (
    "It has ended, or was never in this fleet. Where its project is on this machine, it can be started from the page "
    "of all projects."
)


class Relayed:
    """The sockets of pages that show a runner, of all runners together."""

    def __init__(self) -> None:
        self.sockets: set[web.WebSocketResponse] = set()


RELAYED: Final = web.AppKey("relayed", Relayed)


async def get_runner_page(request: web.Request) -> web.Response:
    """Respond with the page of a runner, which finds its server by its own address."""
    if not await request.app[FLEET].appeared(request.match_info["id"]):
        return form_page(NO_RUNNER, NO_RUNNER_WORDS, link=Link("All projects on one page", "/"), status=404)
    reader = request[VISITOR].role is Role.READER
    return respond(request, request.app[MANIFEST][READERS_PAGE if reader else ""])


async def redirect_to_page(request: web.Request) -> web.Response:
    return web.Response(status=308, headers={hdrs.LOCATION: f"{request.path}/"})


async def relay(request: web.Request) -> StreamResponse:
    """Pass a request on, and its response back."""
    source, id = request.app[FLEET].way_to(_runner(request))
    passed_on = RunnerRequest(
        method=request.method,
        path=_path(request),
        role=request[VISITOR].role,
        headers=(*_named(request), (hdrs.ACCEPT_ENCODING, "identity")),
        body=await _body(request),
    )
    try:
        response = await source.request(id, passed_on)
        return await _respond(request, response)
    except Unreachable as error:
        raise ApiError(UNREACHABLE, "unreachable", f"The runner cannot be reached. {error}") from None


async def relay_socket(request: web.Request) -> StreamResponse:
    """Pass the messages of a runner's `/ws` on to one page; its pings are answered here."""
    socket = web.WebSocketResponse(compress=False, max_msg_size=MESSAGE_MAX + 1, timeout=2.0)
    if not socket.can_prepare(request):
        raise ApiError(400, "bad_request", "/ws is a WebSocket: connect to it with a WebSocket client")
    if request.app[FLEET].runner(request.match_info["id"]) is None:  # a page can read a close code, and no status
        await socket.prepare(request)
        await socket.close(code=GONE)
        return socket
    source, id = request.app[FLEET].way_to(_runner(request))
    relayed = request.app[RELAYED].sockets
    if len(relayed) >= SOCKETS_MAX:
        raise ApiError(503, "too_many", "too many pages are open")
    messages = source.messages(id, request.rel_url.raw_query_string, request[VISITOR].role)
    try:
        first = await anext(messages)
    except (Unreachable, StreamEnded, StopAsyncIteration) as error:
        raise ApiError(UNREACHABLE, "unreachable", f"The runner cannot be reached. {error}") from None
    await socket.prepare(request)
    relayed.add(socket)
    sender = asyncio.create_task(_send(socket, first, messages))
    try:
        await _receive(socket)
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        relayed.discard(socket)
    return socket


async def close_sockets(app: web.Application) -> None:
    """End the relayed sockets when the server ends."""
    closing = [socket.close(code=GOING_AWAY) for socket in tuple(app[RELAYED].sockets)]
    await asyncio.gather(*closing, return_exceptions=True)


async def _send(socket: web.WebSocketResponse, first: bytes, messages: AsyncIterator[bytes]) -> None:
    code = RESTARTS
    try:
        await socket.send_str(first.decode())
        async for message in messages:
            await socket.send_str(message.decode())
    except StreamEnded as ended:
        code = ended.code
    except (Unreachable, ConnectionError):
        pass
    finally:
        await messages.aclose()  # type: ignore[attr-defined]  # a generator, whose connection ends with it
    with suppress(ConnectionError):
        await socket.close(code=code)


async def _receive(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT and is_ping(message.data):
            with suppress(ConnectionError):
                await socket.send_str('{"type":"pong"}')


def _runner(request: web.Request) -> RunnerId:
    service: FleetService = request.app[FLEET]
    id = service.runner(request.match_info["id"])
    if id is None:
        raise ApiError(404, "not_found", f"there is no runner {request.match_info['id']}")
    return id


def _path(request: web.Request) -> str:
    """Return the path at the runner, with the query, as the page wrote it."""
    raw = request.rel_url.raw_path.removeprefix(f"/r/{request.match_info['id']}")
    parts = unquote(raw).replace("\\", "/").split("/")
    if not raw.startswith("/api/") or "." in parts or ".." in parts:
        raise ApiError(404, "not_found", f"there is no {request.path}")
    query = request.rel_url.raw_query_string
    return f"{raw}?{query}" if query else raw


def _named(request: web.Request) -> list[tuple[str, str]]:
    return [(name, request.headers[name]) for name in REQUEST_HEADERS if name in request.headers]


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise ApiError(408, "too_slow", f"the body did not arrive within {BODY_S:.0f} s") from None


async def _respond(request: web.Request, response: RunnerResponse) -> StreamResponse:
    """Pass a response back piece by piece."""
    headers = [(name, value) for name, value in response.headers if name.lower() in RESPONSE_HEADERS]
    passed_back = StreamResponse(status=response.status, headers=headers)
    if passed_back.content_type != "application/json":
        passed_back.headers["Content-Security-Policy"] = FILE_POLICY
    await passed_back.prepare(request)
    async for piece in response.body:
        await passed_back.write(piece)
    await passed_back.write_eof()
    return passed_back


ROUTES: Final = [
    web.get("/r/{id}", redirect_to_page),
    web.get("/r/{id}/", get_runner_page),
    web.get("/r/{id}/ws", relay_socket),
    web.route("*", "/r/{id}/api/{tail:.+}", relay),
]
