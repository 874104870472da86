"""Every route and `/ws` of a real server under hostile requests for a bounded time: never a 500, never a traceback,
never a hang, and afterwards neither more open files nor much more memory.

    python -m tests.fuzz.fuzz_routes --seconds 60 [--seed 7]

A failure names the seed and the request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.fuzz.requests import Requests
from tests.servers import Server, demo, get

AT_ONCE = 8  # connections
HANG_S = 60.0  # that an answer may take on a busy machine
TORN_S = 0.5  # that an incomplete request is waited for
ANSWER_BYTES = 64 << 20  # of one answer
WARM_UP = 300  # requests before memory and files are looked at
SPARE_FILES = 8  # open files more than before that are no leak: readers of the database, a page of git
SPARE_BYTES = 192 << 20  # of memory more than before: bodies of a megabyte, caches, what Python keeps
STATES = ("idle", "paused", "waiting")


@dataclass(slots=True)
class Findings:
    """What was answered: how many of each status."""

    statuses: Counter[str] = field(default_factory=Counter)
    sockets: int = 0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


class Fuzz:
    """One run against one server."""

    def __init__(self, server: Server, requests: Requests, seed: int) -> None:
        self._server, self._requests, self._seed = server, requests, seed
        self._port = int(server.url.rpartition(":")[2])
        self.findings = Findings()

    async def until(self, end: float, most: int) -> None:
        """Ask until a time, or so often."""

        async def worker() -> None:
            while time.monotonic() < end and self.findings.requests < most:
                if self.findings.requests % 10 == 9:
                    await self._socket()
                await self._ask()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())

    async def _ask(self) -> None:
        request, whole = self._requests.request()
        answer = await self._exchange(request, whole)
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "cut"
        self.findings.statuses[status] += 1
        assert not status.startswith("5") or status == "503", self._report(request, answer)
        assert status != "cut" or not whole, self._report(request, answer)
        if status.startswith("4") and b"application/json" in answer and not request.startswith(b"HEAD"):
            error = json.loads(answer.partition(b"\r\n\r\n")[2] or b'{"error": {"code": "", "message": ""}}')["error"]
            assert set(error) == {"code", "message"}, self._report(request, answer)

    async def _exchange(self, data: bytes, whole: bool) -> bytes:
        """What is answered until the server closes; who asks for nothing whole is not waited for."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=ANSWER_BYTES)
        try:
            async with asyncio.timeout(HANG_S if whole else TORN_S):
                writer.write(data)
                return await reader.read()
        except TimeoutError:
            assert not whole, self._report(data, b"no answer")
            return b""
        except OSError:  # closed on us before we had said all
            return b""
        finally:
            writer.transport.abort()

    async def _socket(self) -> None:
        self.findings.sockets += 1
        handshake, frames = self._requests.handshake(), self._requests.frames()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.timeout(HANG_S):
                writer.write(handshake)
                answer = await reader.read(12)
                assert answer.startswith((b"HTTP/1.1 101", b"HTTP/1.1 4", b"HTTP/1.0 4")), self._report(
                    handshake, answer
                )
                writer.write(frames)
                await writer.drain()
        except TimeoutError:
            raise AssertionError(self._report(handshake, b"no answer")) from None
        except OSError:
            pass
        finally:
            writer.transport.abort()

    def _report(self, request: bytes, answer: bytes) -> str:
        return f"seed {self._seed}: {request[:1000]!r} -> {answer[:500]!r}"


def open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def memory(pid: int) -> int:
    """Bytes that are resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


async def at_rest(client: aiohttp.ClientSession) -> None:
    """Stop what was started by chance."""
    async with asyncio.timeout(HANG_S):
        while (await get(client, "/api/run"))["state"] not in STATES:
            async with client.post("/api/run/stop", json={"mode": "now"}) as response:
                await response.read()
            await asyncio.sleep(0.1)


async def fuzz(folder: Path, seconds: float, most: int, seed: int) -> Findings:
    """Start a server in the folder, ask, and look how it is afterwards."""
    async with demo(folder) as (server, client):
        assert server.process is not None
        keys = [story["key"] for story in (await get(client, "/api/sprint"))["stories"]]
        document = await get(client, "/api/openapi.json")
        run = Fuzz(server, Requests(document, keys, int(server.url.rpartition(":")[2]), seed), seed)
        end = time.monotonic() + seconds
        await run.until(end, WARM_UP)
        await at_rest(client)
        pid = server.process.pid
        files, bytes_before = open_files(pid), memory(pid)
        await run.until(end, most)
        await at_rest(client)
        async with asyncio.timeout(HANG_S):
            while open_files(pid) > files + SPARE_FILES:
                await asyncio.sleep(0.1)
        assert memory(pid) < bytes_before + SPARE_BYTES, f"seed {seed}: from {bytes_before} to {memory(pid)} bytes"
        assert (await get(client, "/healthz"))["status"] == "ok"
        assert server.end() == 0
        assert "Traceback" not in server.errors(), f"seed {seed}: {server.errors()[-4000:]}"
        assert "ERROR" not in server.errors(), f"seed {seed}: {server.errors()[-4000:]}"
        return run.findings


def main() -> None:
    parser = argparse.ArgumentParser(description="Hostile requests to every route of a real server.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=1 << 40)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        found = asyncio.run(fuzz(Path(folder), options.seconds, options.requests, options.seed))
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items()))
    sys.stdout.write(
        f"{found.requests} requests ({statuses}), {found.sockets} sockets, no failure (seed {options.seed})\n"
    )


if __name__ == "__main__":
    main()
