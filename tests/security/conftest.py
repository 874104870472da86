"""A guarded server for tests of the guard: real requests, and bytes as they are."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, web

from security import Guard, RequestRefused, protect
from security.connections import USUAL, ConnectionLimiter, Limits
from security.connections import Site as Served

SHARED = ("/sprint-status.yaml", "/story-descriptions.json")
TOKEN = "a secret; of-ours, \u00fc"
JSON = {"Content-Type": "application/json"}
ENDS_S = 30.0


class SiteHarness:
    """A guarded server with one page, one action, one socket and one data file; `calls` are what got through."""

    def __init__(self, port: int, calls: list[str], guard: Guard, limiter: ConnectionLimiter) -> None:
        self.port = port
        self.calls = calls
        self.guard = guard
        self.limiter = limiter
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"

    async def raw(self, lines: bytes) -> tuple[int, str]:
        """Status and body of the answer to bytes as they are; the connection must end by itself."""
        head, _, body = (await self.exchange(lines)).partition("\r\n\r\n")
        return int(head.split()[1]), body

    async def exchange(self, lines: bytes) -> str:
        """All that is answered until the server closes."""
        return await self._talk(lines, lambda reader: reader.read())

    async def begin(self, lines: bytes) -> str:
        """The head of the answer; the connection may stay open."""
        return await self._talk(lines, lambda reader: reader.readuntil(b"\r\n\r\n"))

    async def _talk(self, lines: bytes, read: Callable[[asyncio.StreamReader], Awaitable[bytes]]) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(lines)
        try:
            async with asyncio.timeout(ENDS_S):
                return (await read(reader)).decode("latin-1")
        finally:
            writer.transport.abort()

    async def get(self, *headers: bytes, path: bytes = b"/", version: bytes = b"1.1") -> tuple[int, str]:
        lines = [b"GET %b HTTP/%b" % (path, version), *headers, b"Connection: close", b"", b""]
        return await self.raw(b"\r\n".join(lines).replace(b"PORT", str(self.port).encode()))


MakeSite = Callable[..., Awaitable[SiteHarness]]


@pytest.fixture
async def make_site() -> AsyncIterator[MakeSite]:
    runners: list[web.AppRunner] = []
    listeners: list[socket.socket] = []

    async def make(
        token: str | None = None,
        cors_origin: str = "*",
        hosts: tuple[str, ...] = (),
        limits: Limits = USUAL,
        clock: Callable[[], float] = time.monotonic,
        tls_host: str | None = None,
    ) -> SiteHarness:
        calls: list[str] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            calls.append(f"{request.method} {request.path}")
            return web.json_response({"ok": True})

        async def slow(request: web.Request) -> web.StreamResponse:
            """An answer of 64 MiB, in pieces."""
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(1024):
                await response.write(bytes(65536))
            return response

        async def open_socket(request: web.Request) -> web.StreamResponse:
            calls.append("WS")
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            await connection.close()
            return connection

        async def stay(request: web.Request) -> web.StreamResponse:
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            async for _ in connection:
                pass
            return connection

        def refuse(refused: RequestRefused) -> web.Response:
            error = {"error": {"code": refused.code, "message": str(refused)}}
            return web.json_response(error, status=refused.status, headers=refused.headers)

        known = ["localhost", "127.0.0.1", "::1", *hosts]
        guard = Guard(hosts=known, token=token, cors_origin=cors_origin, shared=SHARED, clock=clock, tls_host=tls_host)
        app = web.Application()
        protect(app, guard, refuse)
        app.router.add_get("/ws", open_socket)
        app.router.add_get("/ws/stays", stay)
        app.router.add_get("/slow", slow)
        app.router.add_route("*", "/{anything:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listeners.append(listener)
        limiter = ConnectionLimiter(limits, clock)
        await Served(runner, listener, limiter).start()
        return SiteHarness(listener.getsockname()[1], calls, guard, limiter)

    yield make
    for runner in runners:
        await runner.cleanup()
    for listener in listeners:
        listener.close()


@pytest.fixture
async def site(make_site: MakeSite) -> SiteHarness:
    return await make_site(hosts=("box.local",))


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def code(body: str) -> str:
    found: str = json.loads(body)["error"]["code"]
    return found
