"""Limits of connections: their number, and the time for a request to arrive and for a response to be read.

aiohttp bounds the size of headers and bodies, but not the time that a request takes to arrive, nor the number of idle
connections. Promises: a connection without a complete request is closed after `headers_s`, one that reads nothing of
its response after `response_s`; at most `waiting_max` idle connections are kept; when `open_max` are open, the one that
has been idle longest is closed for a new one, so the operator can always connect. The hub limits WebSockets: here they
are only counted.
"""

from __future__ import annotations

import asyncio
import math
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict, CIMultiDictProxy

from security.headers import CSP, HEADERS

OTHER_FILES: Final = 300  # descriptors for the database, the agents and their streams
REASONS: Final = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on connections; seconds and counts."""

    headers_s: float = 15.0  # from the first byte of a request, or from connecting, to the end of its headers
    idle_s: float = 75.0  # between two requests on a connection
    response_s: float = 60.0  # without any progress in sending a response
    linger_s: float = 2.0  # for the rest of an unread body, so that its sender can read the response
    sweep_s: float = 1.0  # between two checks of all connections
    waiting_max: int = 256  # idle connections: a browser holds up to six, some of them opened in advance
    settled_s: float = 5.0  # idle for so long they count: after a restart all pages reconnect at once
    open_max: int = 1512  # all connections: the pages of the hub, and some for requests


USUAL: Final = Limits()
USUAL_PAGES: Final = 1000  # the pages that these limits allow for


class Connection(RequestHandler):
    """One connection of a `ConnectionLimiter`, which is notified when a request begins and ends."""

    __slots__ = ("_limiter", "headers_since", "progress", "received", "requests", "stuck_since", "waiting_since")

    def __init__(self, limiter: ConnectionLimiter, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._request_factory = partial(_request, server.request_factory)
        self._limiter = limiter
        self.waiting_since: float | None = None  # since when there is no request
        self.headers_since: float | None = None  # since when its headers arrive
        self.stuck_since: float | None = None  # since when the response makes no progress
        self.progress = (0, 0)
        self.requests = 0
        self.received = False  # a byte of the next request has arrived

    @property
    def is_socket(self) -> bool:
        """Whether it is a WebSocket, or requests to become one."""
        return bool(self._upgraded)

    def unsent(self) -> tuple[int, int]:
        """Return the bytes that the client has not read yet, and those written of the response so far."""
        request, transport = self._current_request, self.transport
        waiting = 0 if transport is None else transport.get_write_buffer_size()
        return waiting, 0 if request is None else request.writer.output_size

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._limiter.enter(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._limiter.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._request_count != self.requests:
            self.requests = self._request_count
            self.waiting_since = self.headers_since = None
            self.received = False
        elif self.waiting_since is not None:
            self.received = True
            if self.headers_since is None:
                self.headers_since = self._limiter.clock()

    async def finish_response(self, request: Any, resp: Any, start_time: float | None) -> tuple[Any, bool]:
        result = await super().finish_response(request, resp, start_time)
        if not self._messages and not isinstance(resp, web.WebSocketResponse):
            self.waiting_since = self._limiter.clock()
        return result

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Respond to invalid HTTP with an error in the usual form; log neither that nor a client that disconnected."""
        if isinstance(exc, ConnectionError):
            raise exc
        if status != 400 or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=400, body=_body(400, "this is no request that can be read"), headers=_plain())
        response.force_close()
        return response

    def log_access(self, request: Any, response: Any, time: float | None) -> None:
        """Log nothing: an access log would contain tokens from addresses."""

    def reject(self, status: int) -> None:
        """Respond with the reason, if that is still possible, and close."""
        transport = self.transport
        if transport is not None:
            body = _body(status, REASONS[status])
            head = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in _plain().items())]
            lines = [*head, f"Content-Length: {len(body)}", "Connection: close", "", ""]
            transport.write("\r\n".join(lines).encode() + body)
        self.force_close()


class ConnectionLimiter:
    """The connections of one server; `clock` counts seconds. `refused` and `expired` count those that were closed."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.clock = clock
        self.connections: set[Connection] = set()
        self.refused = self.expired = 0
        self._sweeper: asyncio.Task[None] | None = None

    def enter(self, connection: Connection) -> None:
        """Accept a new connection as long as an idle one can be closed for it."""
        connection.waiting_since = connection.headers_since = self.clock()
        if len(self.connections) >= self.limits.open_max:
            waiting = self._waiting()
            if not waiting:
                self.refused += 1
                connection.reject(503)
                return
            self._drop(waiting[0])
        self.connections.add(connection)

    def _waiting(self, before: float = math.inf) -> list[Connection]:
        """Return the connections that have been idle since `before` or longer, the longest idle first."""
        found = [(one.waiting_since, one) for one in self.connections if one.waiting_since is not None]
        return [one for since, one in sorted(found, key=lambda item: item[0]) if since <= before]

    def _drop(self, connection: Connection) -> None:
        self.expired += 1
        self.connections.discard(connection)
        connection.force_close()

    def leave(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def sweep(self) -> None:
        """Close connections that have exceeded their time."""
        now = self.clock()
        settled = self._waiting(now - self.limits.settled_s)
        for connection in settled[: max(0, len(settled) - self.limits.waiting_max)]:
            self._drop(connection)
        for connection in tuple(self.connections):
            self._check_headers(connection, now)
            self._check_response(connection, now)

    def _check_headers(self, connection: Connection, now: float) -> None:
        since = connection.headers_since
        if since is None or now - since < self.limits.headers_s:
            return
        if connection.received:
            self.expired += 1
            connection.reject(408)
        else:  # opened by a browser in advance: it would take a 408 for the response to its next request
            self._drop(connection)

    def _check_response(self, connection: Connection, now: float) -> None:
        progress = connection.unsent()
        if progress[0] == 0 or progress != connection.progress or connection.is_socket:
            connection.progress, connection.stuck_since = progress, None
        elif connection.stuck_since is None:
            connection.stuck_since = now
        elif now - connection.stuck_since >= self.limits.response_s and connection.transport is not None:
            self.expired += 1
            connection.transport.abort()

    def start(self) -> None:
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_s)
            self.sweep()


class Site(web.BaseSite):
    """Serves a runner's application on a listening socket, with bounds on who connects."""

    __slots__ = ("_listener", "limiter")

    def __init__(self, runner: web.AppRunner, listener: socket.socket, limiter: ConnectionLimiter) -> None:
        super().__init__(runner)
        self._listener = listener
        self.limiter = limiter

    @property
    def name(self) -> str:
        return f"http://{self._listener.getsockname()}"

    async def start(self) -> None:
        await super().start()
        loop, server = asyncio.get_running_loop(), self._runner.server
        assert server is not None  # noqa: S101 - the runner is set up before its sites

        limits = self.limiter.limits
        connection = partial(
            Connection,
            self.limiter,
            server,
            loop=loop,
            access_log=None,
            auto_decompress=False,  # a small body may unpack to gigabytes
            keepalive_timeout=limits.idle_s,
            lingering_time=limits.linger_s,
        )
        self._server = await loop.create_server(connection, sock=self._listener, backlog=1024)
        self.limiter.start()

    async def stop(self) -> None:
        await self.limiter.stop()
        await super().stop()


def limits_for(pages: int) -> Limits:
    """Return limits for so many pages; raise the process's limit of open files as far as permitted, and respect it."""
    wanted = pages + USUAL.open_max - USUAL_PAGES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    possible = wanted if soft == resource.RLIM_INFINITY else max(soft - OTHER_FILES, 64)
    return Limits(open_max=min(wanted, possible), waiting_max=min(USUAL.waiting_max, possible // 2))


def _request(make: Callable[..., BaseRequest], message: RawRequestMessage, *rest: Any) -> BaseRequest:
    """Return a request without expectations that this server does not support: RFC 9110 section 10.1.1 lets a server
    ignore them, and aiohttp would refuse them before the guard has checked the request."""
    expected = message.headers.get(hdrs.EXPECT)
    if expected is not None and expected.lower() != "100-continue":
        headers = CIMultiDict(message.headers)
        del headers[hdrs.EXPECT]
        message = message._replace(headers=CIMultiDictProxy(headers))
    return make(message, *rest)


def _plain() -> dict[str, str]:
    return {**HEADERS, "Content-Security-Policy": CSP, "Content-Type": "application/json", "Cache-Control": "no-store"}


def _body(status: int, message: str) -> bytes:
    code = {400: "bad_request", 408: "too_slow", 503: "too_many"}[status]
    return b'{"error":{"code":"%b","message":"%b"}}' % (code.encode(), message.encode())


__all__ = ["Connection", "ConnectionLimiter", "Limits", "Site", "limits_for"]
