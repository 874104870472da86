"""A server process under test: started, asked, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from db import Database
from tests.lines import event

ROOT = Path(__file__).parents[2]
SERVER = ("server.py",)  # the program as everybody starts it
DRIVEN = ("-m", "tests.realtime.driven")  # the same with routes that emit
KEY = "1-1-a"


class DrivenServer:
    """One server over one project; `start` again after `kill` continues with the same database."""

    def __init__(
        self, root: Path, program: tuple[str, ...] = DRIVEN, flags: tuple[str, ...] = (), **environment: str
    ) -> None:
        self.root = root
        self.program = program
        self.flags = flags
        self.environment = environment
        self.url = ""
        self.port = 0
        self.process: asyncio.subprocess.Process | None = None
        self.errors = root / "stderr.txt"
        self.database = root / ".sprint-runner" / "sprint-runner.db"
        self._session: aiohttp.ClientSession | None = None
        self._lines: list[socket.socket] = []
        _make_project(root)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.hang_up()
        if self._session is not None:
            await self._session.close()
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session

    async def start(self) -> None:
        with self.errors.open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, *self.flags, *self.program, str(self.root), "--demo", "--port", str(self.port),
                stdout=asyncio.subprocess.PIPE, stderr=errors, cwd=ROOT, env={**os.environ, **self.environment},
            )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(120):  # a busy machine takes its time over a fresh interpreter
            line = (await self.process.stdout.readline()).decode()
        assert line, self.errors.read_text()
        self.url = line.split()[3]
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def end(self) -> int:
        """A polite end; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    async def get(self, path: str) -> Any:
        async with self.session.get(self.url + path) as response:
            return await response.json()

    async def text(self, path: str) -> str:
        async with self.session.get(self.url + path) as response:
            return await response.text()

    async def post(self, path: str, **body: Any) -> Any:
        async with self.session.post(self.url + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def emit(self, count: int = 1, size: int = 40, *, wait: bool = True) -> None:
        await self.post("drive/emit", count=count, size=size, wait=wait)

    async def epoch(self) -> str:
        async with self.session.ws_connect(self.url + "ws") as line:
            return str((await line.receive_json())["payload"]["epoch"])

    def connect(self, query: str = "", **options: Any) -> Any:
        """A page's line, to be used as a context manager or awaited."""
        return self.session.ws_connect(f"{self.url}ws{query}", max_msg_size=0, **options)

    def raw(self, query: str = "", receive_buffer: int | None = None) -> socket.socket:
        """A socket that has shaken hands and reads only on request."""
        line = socket.socket()
        self._lines.append(line)
        if receive_buffer is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        line.connect(("127.0.0.1", self.port))
        line.sendall(handshake(self.port, query))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += line.recv(1)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        return line

    def hang_up(self) -> None:
        """Close the raw sockets that were handed out."""
        for line in self._lines:
            line.close()
        self._lines.clear()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self) -> int:
        """Descriptors that are sockets: files come and go with the readers of the database."""
        folder = Path(f"/proc/{self.pid}/fd")
        return sum(_leads_to(entry).startswith("socket:") for entry in folder.iterdir())

    def memory(self) -> int:
        """Resident bytes of the server."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def handshake(port: int, query: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """RFC 6455 section 4.1, with the example's key."""
    lines = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET /ws{query} HTTP/1.1\r\n{head}\r\n".encode()


def masked(data: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A client's frame; the mask is zero, which RFC 6455 allows."""
    size = len(data)
    first = bytes((opcode | (0x80 if final else 0),))
    if size < 126:
        head = first + bytes((0x80 | size,))
    elif size < 1 << 16:
        head = first + bytes((0x80 | 126,)) + size.to_bytes(2)
    else:
        head = first + bytes((0x80 | 127,)) + size.to_bytes(8)
    return head + b"\0\0\0\0" + data


async def fill(server: DrivenServer, count: int) -> None:
    """Store so many events in the database of a server that does not run yet."""
    server.database.parent.mkdir(exist_ok=True)
    database = await Database.open(server.database)
    body = event(1, "x" * 100).body.decode()

    def work(connection: sqlite3.Connection) -> None:
        rows = ((seq, "command:progress", 1706112000000 + seq, None, "2a-1", body) for seq in range(1, count + 1))
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)

    await database.write(work)
    await database.close()


def _make_project(root: Path) -> None:
    """Two stories are enough: what is under test are the lines. The marker lets the scripted agent in."""
    artifacts = root / "_bmad-output" / "implementation-artifacts"
    artifacts.mkdir(parents=True)
    (root / ".sprint-runner-demo").write_text("{}\n")
    (artifacts / "sprint-status.yaml").write_text(
        f"development_status:\n  epic-1: in-progress\n  {KEY}: backlog\n  1-2-b: backlog\n"
    )


def _leads_to(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:  # closed meanwhile
        return ""
