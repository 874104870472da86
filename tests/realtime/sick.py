"""Clients that are ill in the ways browsers and networks are. Each is a process-free socket, except the frozen one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any

from tests.realtime.server import DrivenServer, handshake, masked

FROZEN = """
import socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
line.sendall(sys.argv[2].encode())
print(len(line.recv(65536)), flush=True)
while line.recv(65536):
    pass
"""


class SickClients:
    """The sick clients of one server; `close` ends them all."""

    def __init__(self, server: DrivenServer) -> None:
        self.server = server
        self._tasks: list[asyncio.Task[None]] = []
        self._frozen: list[asyncio.subprocess.Process] = []

    def stalled(self) -> None:
        """Reads nothing at all."""
        self.server.raw(receive_buffer=4096)

    def silent(self) -> None:
        """Reads everything and answers nothing: what a relay does whose page vanished without a FIN."""
        self._start(self._swallow(self.server.raw()))

    def pinging(self) -> None:
        """Asks for life signs and never reads one."""
        self._start(
            self._repeat(self.server.raw(receive_buffer=4096), masked(b"", 9) + masked(b'{"type":"ping"}'), 0.05)
        )

    def babbling(self) -> None:
        """Sends garbage as fast as it can, reads nothing."""
        garbage = masked(b'{"type":"garbage","x":' + b"[" * 500) * 20 + masked(b"") * 500 + masked(b"[" * 16_000)
        self._start(self._repeat(self.server.raw(receive_buffer=4096), garbage, 0.0))

    def returning(self) -> None:
        """Connects ten times a second, each time without reading what it asked for."""
        self._start(self._return())

    async def frozen(self) -> None:
        """A process that is stopped while it reads."""
        shake = handshake(self.server.port).decode()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FROZEN, str(self.server.port), shake, stdout=asyncio.subprocess.PIPE
        )
        self._frozen.append(process)
        assert process.stdout is not None
        await process.stdout.readline()
        process.send_signal(signal.SIGSTOP)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._frozen:
            process.kill()
            await process.wait()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _swallow(self, line: socket.socket) -> None:
        line.setblocking(False)
        with contextlib.suppress(ConnectionError):
            while await asyncio.get_running_loop().sock_recv(line, 1 << 20):
                pass

    async def _repeat(self, line: socket.socket, data: bytes, pause: float) -> None:
        line.setblocking(False)
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.get_running_loop().sock_sendall(line, data)
                await asyncio.sleep(pause)

    async def _return(self) -> None:
        while True:
            line = self.server.raw("?since=0&epoch=" + await self.server.epoch(), receive_buffer=4096)
            await asyncio.sleep(0.1)
            line.close()
