"""Requests that reach the routes without a socket: by a fleet's broker, in the name of a visitor who was judged there.

The whole application answers, with its guard, roles, masking and errors, as it answers over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from aiohttp import StreamReader, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import api.http
from security import RELAYED
from security.grants import Visitor

IN_MEMORY_MAX: Final = 1 << 20  # bytes of a response; more is kept in a file
BODY_MAX: Final = 256 << 20  # bytes of a response; more is no answer to a page
READ_LIMIT: Final = 1 << 16

Headers = tuple[tuple[str, str], ...]


class TooLarge(Exception):
    """The response is larger than what is relayed."""


@dataclass(frozen=True, slots=True)
class RelayedResponse:
    """The response of a route; `body` is at its beginning, has `size` bytes, and is closed by the caller."""

    status: int
    headers: Headers
    body: IO[bytes]
    size: int


class _Protocol(BaseProtocol):
    """A connection that is none: what aiohttp's request asks of it."""

    ssl_context = None
    peername = None
    sockname = None


class _Collector(AbstractStreamWriter):
    """Keeps what a handler writes, also what it streams."""

    def __init__(self) -> None:
        self.body: IO[bytes] = SpooledTemporaryFile(IN_MEMORY_MAX)  # noqa: SIM115 - the caller closes it
        self.size = 0

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.size += len(chunk)
        if self.size > BODY_MAX:
            raise TooLarge(f"the response is larger than {BODY_MAX >> 20} MiB")
        self.body.write(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        """Nothing waits."""

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """The broker's messages are not compressed."""

    def enable_chunking(self) -> None:
        """The length is known at the end."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """The headers are read from the response."""


async def relay(
    app: web.Application, visitor: Visitor, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> RelayedResponse:
    """Send a request to the routes of `app` and return the response. Raises `TooLarge`."""
    collector = _Collector()
    request = _request(app, method, target, headers, body, collector)
    request[RELAYED] = visitor
    try:
        response = await _response(app, request)
    except BaseException:
        collector.body.close()
        raise
    collector.body.seek(0)
    headers = tuple((f"{name}", value) for name, value in response.headers.items())  # a multidict's names are no `str`
    return RelayedResponse(response.status, headers, collector.body, collector.size)


async def _response(app: web.Application, request: web.Request) -> web.StreamResponse:
    try:
        # What aiohttp's own server calls, and has no public name. Over a socket the visitor would have to travel as a
        # credential that other programs could send, too; the locked version and the tests of the fleet guard the name.
        response = await app._handle(request)
    except web.HTTPException as raised:  # a redirect; errors have become responses before
        response = raised
    await response.prepare(request)
    await response.write_eof()
    return response


def _request(
    app: web.Application,
    method: str,
    target: str,
    given: Iterable[tuple[str, str]],
    body: bytes,
    writer: AbstractStreamWriter,
) -> web.Request:
    loop = asyncio.get_running_loop()
    headers = CIMultiDictProxy(CIMultiDict([*given, (hdrs.HOST, "localhost")]))
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    message = RawRequestMessage(
        method, target, HttpVersion11, headers, raw, False, None, False, False, URL(target, encoded=True)
    )
    protocol: Any = _Protocol(loop)
    payload = StreamReader(protocol, READ_LIMIT, loop=loop)
    if body:
        payload.feed_data(body)
    payload.feed_eof()
    task: Any = asyncio.current_task()
    return web.Request(message, payload, protocol, writer, task, loop, client_max_size=api.http.BODY_MAX)
