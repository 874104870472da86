"""What handing one flush to many clients costs the loop, side by side with other ways of doing it.

Ours, raw sends and gathered tasks take turns on the very same connections; websockets has its own, to the same load
process. A round is timed on the server, then the clients get time to read, so that no send meets a full buffer.

Two ratios are printed. That of the medians is what a flush costs on this machine with all its other load; that of the
fastest rounds is what the code costs when nothing comes between.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from websockets.asyncio.server import ServerConnection, broadcast, serve

from events import Event
from tests.bench.load import clients, median, table
from tests.lines import event
from websocket.frames import frame
from websocket.hub import Hub

HEAD: Final = (
    "clients",
    "events a flush",
    "way",
    "ms a flush",
    "fastest, ms",
    "events/s",
    "deliveries/s",
    "ours is … of it",
    "fastest rounds",
)
Round = Callable[[list[Event]], Awaitable[None]]


class Lines:
    """aiohttp connections that the hub serves, with what else is needed to reach them in other ways."""

    def __init__(self) -> None:
        self.hub = Hub(epoch="e", history=_no_history, snapshot=lambda: (b"null", b"null"), clock=time.monotonic)
        self.responses: list[web.WebSocketResponse] = []
        self.sockets: list[socket.socket] = []
        self.theirs: set[ServerConnection] = set()

    async def accept(self, request: web.Request) -> web.StreamResponse:
        line = web.WebSocketResponse(compress=False, autoping=False)
        await line.prepare(request)
        assert request.transport is not None
        client = self.hub.connect(request.transport, lambda code: line.close(code=code))
        self.responses.append(line)
        self.sockets.append(socket.socket(fileno=os.dup(request.transport.get_extra_info("socket").fileno())))
        async for _ in line:
            pass
        self.hub.forget(client)
        return line

    async def accept_theirs(self, connection: ServerConnection) -> None:
        self.theirs.add(connection)
        await connection.wait_closed()

    async def ours(self, events: list[Event]) -> None:
        self.hub.publish(events)

    async def raw(self, events: list[Event]) -> None:
        data = b"".join([frame(one.data) for one in events])
        for line in self.sockets:
            line.send(data)

    async def broadcast(self, events: list[Event]) -> None:
        for one in events:
            broadcast(self.theirs, one.data.decode())

    async def gathered(self, events: list[Event]) -> None:
        async def send(text: str) -> None:
            await asyncio.gather(*(line.send_str(text) for line in self.responses))

        await asyncio.gather(*(asyncio.create_task(send(one.data.decode())) for one in events))


async def _no_history(first: int, last: int) -> list[bytes]:
    raise LookupError(f"no client resumes here, but one asks for {first} to {last}")


async def run(rounds: int) -> None:
    rows: list[tuple[Any, ...]] = []
    for count in (1, 10, 100, 1000):
        for size in (1, 100):
            rows += await compare(count, size, rounds if count < 1000 else max(rounds // 2, 3))
    table("A flush to every client, the server's own time", HEAD, rows)


async def compare(count: int, size: int, rounds: int) -> list[tuple[Any, ...]]:
    lines = Lines()
    app = web.Application()
    app.router.add_get("/ws", lines.accept)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listener).start()
    theirs = await serve(lines.accept_theirs, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=1024)
    other_port = next(iter(theirs.sockets)).getsockname()[1]
    async with clients(listener.getsockname()[1], count), clients(other_port, count):
        while len(lines.theirs) < count or len(lines.hub.clients) < count:
            await asyncio.sleep(0.01)
        times = await take_turns(lines, size, rounds)
    theirs.close()
    await theirs.wait_closed()
    await runner.cleanup()
    for line in lines.sockets:
        line.close()
    ours = times["ours"]
    rows = []
    for way, spent in times.items():
        usual, least = median(spent), min(spent)
        rates = (round(size / usual), round(size * count / usual))
        rows.append((count, size, way, usual * 1e3, least * 1e3, *rates, median(ours) / usual, min(ours) / least))
    return rows


async def take_turns(lines: Lines, size: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of a flush in each round, for each way."""
    ways: dict[str, Round] = {
        "ours": lines.ours,
        "raw socket.send": lines.raw,
        "websockets.broadcast": lines.broadcast,
        "a task per event, gather of send_str": lines.gathered,
    }
    spent: dict[str, list[float]] = {way: [] for way in ways}
    seq, turns = 0, [*ways, *("ours", "raw socket.send") * 2]  # those two are compared closely, and are quick
    for _ in range(rounds):
        for way in random.sample(turns, len(turns)):  # the first one meets a colder processor
            events = [event(seq + number, "x" * 60) for number in range(1, size + 1)]
            started = time.perf_counter()
            await ways[way](events)
            spent[way].append(time.perf_counter() - started)
            seq += size if way == "ours" else 0
            await asyncio.sleep(0.02 + len(lines.sockets) * size / 2_000_000)
    return spent
