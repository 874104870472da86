"""A guarded server for tests of the guard: real requests, and bytes as they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, web

from security import Guard, Refused, protect

SHARED = ("/sprint-status.yaml", "/story-descriptions.json")
TOKEN = "a secret; of-ours, \u00fc"
JSON = {"Content-Type": "application/json"}
ENDS_S = 10.0


class Site:
    """A guarded server with one page, one action, one socket and one data file; `calls` are what got through."""

    def __init__(self, port: int, calls: list[str]) -> None:
        self.port = port
        self.calls = calls
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"

    async def raw(self, lines: bytes) -> tuple[int, str]:
        """Status and body of the answer to bytes as they are; the connection must end by itself."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(lines)
        try:
            async with asyncio.timeout(ENDS_S):
                answer = (await reader.read()).decode("latin-1")
        finally:
            writer.close()
            await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body

    async def get(self, *headers: bytes, path: bytes = b"/", version: bytes = b"1.1") -> tuple[int, str]:
        lines = [b"GET %b HTTP/%b" % (path, version), *headers, b"Connection: close", b"", b""]
        return await self.raw(b"\r\n".join(lines).replace(b"PORT", str(self.port).encode()))


MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def make_site() -> AsyncIterator[MakeSite]:
    runners = []

    async def make(token: str | None = None, cors_origin: str = "*", hosts: tuple[str, ...] = ()) -> Site:
        calls: list[str] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            calls.append(f"{request.method} {request.path}")
            return web.json_response({"ok": True})

        async def socket(request: web.Request) -> web.StreamResponse:
            calls.append("WS")
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            await connection.close()
            return connection

        def refuse(refused: Refused) -> web.Response:
            return web.json_response({"error": {"code": refused.code, "message": str(refused)}}, status=refused.status)

        known = ["localhost", "127.0.0.1", "::1", *hosts]
        guard = Guard(hosts=known, token=token, cors_origin=cors_origin, shared=SHARED)
        app = web.Application()
        protect(app, guard, refuse)
        app.router.add_get("/ws", socket)
        app.router.add_route("*", "/{anything:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return Site(runner.addresses[0][1], calls)

    yield make
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    return await make_site(hosts=("box.local",))


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def code(body: str) -> str:
    found: str = json.loads(body)["error"]["code"]
    return found
