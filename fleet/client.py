"""Requests to the runners of this machine: by loopback, with the key of the process that has written its entry.

Promises: an address is used only if it is one of loopback and its process still runs, so that no key is sent to a
program which has taken over the port; no redirect is followed, no proxy is used, and no cookie is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from yarl import URL

from fleet.registry import Entry, loopback_url
from fleet.source import RunnerRequest, RunnerResponse, Unreachable
from security.grants import Role
from security.process_key import key_of

CONNECT_S: Final = 2.0  # for a connection, and for the handshake of a WebSocket
CLOSE_S: Final = 0.5  # for the closing handshake, which a runner that is stopped never answers
RESPONSE_S: Final = 120.0  # for a response: a start looks at the project and at the agent first
MESSAGE_MAX: Final = 64 << 20  # bytes of one message: an init has the state of a whole run
PIECE_BYTES: Final = 64 * 1024
ENDED: Final = "Its process has ended."
ELSEWHERE: Final = "It listens on an address that this machine does not reach by loopback: open it there."
SILENT: Final = "It does not answer."


class RunnerClient:
    """The connections to the runners of this machine. To be closed."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=RESPONSE_S, sock_connect=CONNECT_S),
            auto_decompress=False,  # what is passed on stays as it is
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def request(self, entry: Entry, request: RunnerRequest) -> RunnerResponse:
        """Send a request. Raises `Unreachable`."""
        url = _address(entry, request.path)
        headers = [*request.headers, *_key(entry, request.role)]
        try:
            response = await self._session.request(
                request.method, url, data=request.body or None, headers=headers, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(_reason(error)) from None
        return RunnerResponse(status=response.status, headers=tuple(response.headers.items()), body=_pieces(response))

    async def get(self, entry: Entry, path: str, within: float = CONNECT_S) -> bytes:
        """Return the body of a GET that succeeds. Raises `Unreachable`."""
        headers = (("Accept-Encoding", "identity"),)
        try:
            async with asyncio.timeout(within):
                asked = RunnerRequest(method="GET", path=path, role=Role.OPERATOR, headers=headers)
                response = await self.request(entry, asked)
                body = b"".join([piece async for piece in response.body])
        except TimeoutError:
            raise Unreachable(SILENT) from None
        if response.status != 200:
            raise Unreachable(f"It answers with the status {response.status}.")
        return body

    @asynccontextmanager
    async def socket(self, entry: Entry, query: str, role: Role) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open the runner's `/ws` with this query. Raises `Unreachable`."""
        url, headers = _address(entry, f"/ws?{query}"), dict(_key(entry, role))
        try:
            async with asyncio.timeout(CONNECT_S):
                socket = await self._session.ws_connect(
                    url, headers=headers, max_msg_size=MESSAGE_MAX, timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S)
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(_reason(error)) from None
        try:
            yield socket
        finally:
            await socket.close()


def _address(entry: Entry, path: str) -> URL:
    """Return the address of a path of a runner, as it is written. Raises `Unreachable`."""
    base = loopback_url(entry.url)
    if base is None:
        raise Unreachable(ELSEWHERE)
    if not entry.is_running:
        raise Unreachable(ENDED)
    return URL(base.rstrip("/") + path, encoded=True)


def _key(entry: Entry, role: Role) -> tuple[tuple[str, str], ...]:
    return () if entry.secret is None else (("Authorization", f"Bearer {key_of(entry.secret, role)}"),)


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            yield piece
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unreachable(_reason(error)) from None
    finally:
        response.close()


def _reason(error: BaseException) -> str:
    """Return a sentence on why a runner cannot be reached."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"It refuses this page: {error.status}."
    if isinstance(error, TimeoutError):
        return SILENT
    return "No connection to it can be made."


__all__ = ["ELSEWHERE", "ENDED", "SILENT", "RunnerClient"]
