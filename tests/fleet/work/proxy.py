"""A TCP proxy before a broker, whose connections can be cut, half-closed, and stalled, as networks do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

from base.tasks import end_tasks

PIECE_BYTES: Final = 65_536
RESET: Final = struct.pack("ii", 1, 0)  # of SO_LINGER: a close is a reset


class Proxy:
    """Passes connections on to a port of this machine. Use as a context manager."""

    def __init__(self, target: Callable[[], int]) -> None:
        self.passed = 0  # connections that were accepted
        self._target = target
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()  # towards who has connected
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"nats://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what networks do

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            held: socket.socket = writer.get_extra_info("socket")
            with suppress(OSError):
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    def half_close(self) -> None:
        """End every connection in the direction of who has connected; what that writes still arrives."""
        for writer in list(self._writers):
            with suppress(OSError):
                writer.write_eof()

    def stall(self) -> None:
        """Accept connections and pass nothing."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass everything again, also what came meanwhile."""
        self._flows.set()

    # -- inside

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.passed += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        pumps: list[asyncio.Task[None]] = []
        try:
            from_there, there = await asyncio.open_connection("127.0.0.1", self._target())
            pumps = [asyncio.ensure_future(self._pump(reader, there))]
            pumps.append(asyncio.ensure_future(self._pump(from_there, writer)))
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass  # the broker is away, or this proxy ends
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            await end_tasks(*pumps)
            for one in (writer, there):
                if one is not None:
                    one.transport.abort()
                    with suppress(OSError):
                        await one.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, RuntimeError):  # the other direction has ended this connection
            while data := await reader.read(PIECE_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
