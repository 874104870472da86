"""Tests of arbitrary client messages: a reply, silence or a close code, never a traceback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.realtime.server import SERVER, DrivenServer, handshake, masked
from websocket.frames import MESSAGE_MAX

WAIT_S = 120.0  # for answers that come at once where the machine is not busy

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DrivenServer]:
    folder = tmp_path_factory.mktemp("messages")
    async with DrivenServer(folder / "tiny", SERVER, SPRINT_RUNNER_MAX_CLIENTS="5") as running:
        yield running
        assert running.errors.read_text() == ""


async def still_there(line: aiohttp.ClientWebSocketResponse) -> None:
    await line.send_str('{"type":"ping"}')
    assert await line.receive_json(timeout=WAIT_S) == {"type": "pong"}


async def test_odd_messages_are_ignored(server: DrivenServer) -> None:
    async with server.connect() as line:
        await line.receive_json()
        for text in (
            "[]",
            "17",
            "null",
            '"ping"',
            "{}",
            "",
            "[" * 16_000,
            '{"type":"subscribe"}',
            "\x00",
            "x" * 16_000,
        ):
            await line.send_str(text)
        await line.send_bytes(b"\x00\xff" * 100)
        await line.send_bytes(b'{"type":"ping"}')
        await line.send_frame(b"unasked", aiohttp.WSMsgType.PONG)
        await still_there(line)


async def test_ping_frames_get_pong_frames(server: DrivenServer) -> None:
    async with server.connect(autoping=False) as line:
        await line.receive_json()
        await line.send_frame(b"abc", aiohttp.WSMsgType.PING)
        answer = await line.receive(timeout=WAIT_S)
        assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"abc")


async def test_the_largest_message_is_ignored_and_one_byte_more_closes_with_1009(server: DrivenServer) -> None:
    async with server.connect() as line:
        await line.receive_json()
        await line.send_str("x" * MESSAGE_MAX)
        await still_there(line)
        await line.send_str("x" * (MESSAGE_MAX + 1))
        assert (await line.receive(timeout=WAIT_S)).type == aiohttp.WSMsgType.CLOSE
        assert line.close_code == 1009


@pytest.mark.parametrize("text", [b"[" * 200_000, b"x" * 5_000_000])
async def test_huge_messages_close_with_1009(server: DrivenServer, text: bytes) -> None:
    line = server.raw()
    line.settimeout(WAIT_S)
    assert (1009).to_bytes(2) in await asyncio.to_thread(last_words, line, masked(text))
    line.close()


def last_words(line: socket.socket, data: bytes) -> bytes:
    """What the server says while it is sent this, to the end; it may be cut off in the middle."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        line.sendall(data)
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(65536):
            heard += piece
    at = heard.rindex(b"\x88")
    return heard[at:]


@pytest.mark.parametrize(
    "data",
    [
        masked(b"x" * 100)[:50],  # half a frame, then the end
        masked(b'{"type":"pi', final=False),  # a fragment without its rest
        b"\xff" * 1_000,
        b"\x81\x05Hello",  # not masked
        masked(b"", 8) + masked(b"after the close"),
        masked(b"\x03", 8),  # a close frame with half a code
        masked(b"\xff\xfe"),  # text that is not UTF-8
        masked(b"x" * 126, 9),  # a ping that is too long
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_broken_frames_end_that_line_only(server: DrivenServer, data: bytes) -> None:
    async with server.connect() as other:
        await other.receive_json()
        line = server.raw()
        line.sendall(data)
        await asyncio.sleep(0.05)
        line.close()
        await still_there(other)
    async with server.session.get(server.url) as response:
        assert response.status == 200


async def test_handshakes_that_are_cut_off_leave_nothing_behind(server: DrivenServer) -> None:
    """Reset before, in the middle of, and right after the request, and while the first frames are on their way."""
    await until_clients(server, 0)
    before, shake = server.sockets(), handshake(server.port)
    for sent in (b"", shake[:20], shake[:-2], shake, shake + masked(b'{"type":"ping"}'), shake + b"\x81"):
        for _ in range(20):
            line = socket.create_connection(("127.0.0.1", server.port))
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.sendall(sent)
            line.close()
    async with asyncio.timeout(WAIT_S):
        while server.sockets() > before:
            await asyncio.sleep(0.02)
    await until_clients(server, 0)
    async with server.connect() as other:
        assert (await other.receive_json(timeout=WAIT_S))["type"] == "init"


async def test_fragments_are_one_message(server: DrivenServer) -> None:
    line = server.raw()
    line.settimeout(WAIT_S)
    line.sendall(masked(b'{"type":', final=False) + masked(b'"ping"}', 0))
    answer = b""
    while not answer.endswith(b'{"type":"pong"}'):
        answer += line.recv(65536)
    line.close()


async def until_clients(server: DrivenServer, count: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while f"sprint_runner_clients {count}\n" not in await server.text("metrics"):
            await asyncio.sleep(0.02)


async def test_one_too_many_is_closed_with_4429(server: DrivenServer) -> None:
    await until_clients(server, 0)
    lines = [await server.connect() for _ in range(5)]
    async with server.connect() as late:
        assert (await late.receive(timeout=WAIT_S)).type == aiohttp.WSMsgType.CLOSE
        assert late.close_code == 4429
    await lines.pop().close()
    await until_clients(server, 4)
    async with server.connect() as line:
        assert (await line.receive_json())["type"] == "init"
    for line in lines:
        await line.close()


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Origin", "http://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://127.0.0.1:1", 403),
        ("Host", "evil.example", 403),
        ("Origin", "not an origin", 400),
        ("Host", "a:b:c", 400),
    ],
)
async def test_strangers_are_refused_before_the_upgrade(
    server: DrivenServer, name: str, value: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(handshake(server.port, headers={name: value}))
        line.settimeout(WAIT_S)
        assert line.recv(100).startswith(b"HTTP/1.1 %d" % status)
