"""Resident memory of the server: per idle client, per stored event, and over a soak with clients coming and going."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.bench.load import clients, driven_server, table
from tests.realtime.server import ROOT, DrivenServer

IDLE: Final = 500
RATE: Final = 200  # events a second of the soak
PLACES: Final = 50  # pages at a time during the soak
COMING: Final = 15  # new pages a second during the soak
MIB: Final = 1 << 20
HEAD: Final = ("what", "figure")


async def run(soak_minutes: float) -> None:
    rows: list[tuple[Any, ...]] = []
    async with driven_server() as server:
        await server.emit(100)
        before = server.memory()
        async with clients(server.port, IDLE):
            await asyncio.sleep(1)
            rows.append((f"KiB per idle client ({IDLE})", (server.memory() - before) / IDLE / 1024))
    async with driven_server() as server:
        rows += await grow(server)
    async with driven_server() as server:
        rows += await soak(server, soak_minutes * 60)
    table("Memory", HEAD, rows)


async def ten_thousand(server: DrivenServer) -> None:
    for _ in range(20):
        await server.emit(500, 100)


async def grow(server: DrivenServer) -> list[tuple[Any, ...]]:
    """The ring holds 10,000 events after the first step; then SQLite's page cache fills up, then nothing grows."""
    found = []
    for _ in range(21):
        await ten_thousand(server)
        found.append(server.memory() / 1024)
    return [
        ("KiB per further 10,000 events, the ring being full: the first 100,000", (found[10] - found[0]) / 10),
        ("KiB per further 10,000 events: the next 100,000", (found[20] - found[10]) / 10),
    ]


@asynccontextmanager
async def visitors(server: DrivenServer) -> AsyncIterator[None]:
    """Pages that come, read and go, in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.visitors", str(server.port), await server.epoch(), str(PLACES), str(COMING),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        yield
    finally:
        process.stdin.close()
        received, _ = await process.communicate()
        sys.stdout.write(f"visitors of the soak: {received.decode()}")


async def soak(server: DrivenServer, seconds: float) -> list[tuple[Any, ...]]:
    """A fifth of the time to warm up: ring and caches are full then; growth is what comes after."""
    await ten_thousand(server)
    before = server.sockets()
    found: list[float] = []
    async with visitors(server):
        started, emitted = time.monotonic(), 0
        while (passed := time.monotonic() - started) < seconds:
            await server.emit(RATE // 10, 100, wait=False)
            emitted += RATE // 10
            if passed > seconds * (len(found) + 1) / 5:
                found.append(server.memory() / MIB)
            await asyncio.sleep(max(0.0, started + emitted / RATE - time.monotonic()))
        found.append(server.memory() / MIB)
    async with asyncio.timeout(60):
        while (await server.get("drive/facts"))["clients"]:
            await asyncio.sleep(0.1)
    name = f"soak of {seconds / 60:.1f} minutes at {RATE} events/s"
    return [
        (f"{name}: MiB when warm, then each fifth", ", ".join(f"{size:.1f}" for size in found)),
        (f"{name}: sockets left over", server.sockets() - before),
    ]
