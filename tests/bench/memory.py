"""Resident memory of the server: per idle client, per stored event, and over a soak with clients coming and going."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Final

import aiohttp

from tests.bench.load import clients, server, table
from tests.realtime.house import House

IDLE: Final = 500
RATE: Final = 200  # events a second of the soak
HEAD: Final = ("what", "figure")


async def run(soak_minutes: float) -> None:
    rows: list[tuple[Any, ...]] = []
    async with server() as house:
        await house.emit(100)
        before = house.memory()
        async with clients(house.port, IDLE):
            await asyncio.sleep(1)
            rows.append((f"KiB per idle client ({IDLE})", (house.memory() - before) / IDLE / 1024))
    async with server() as house:
        await ten_thousand(house)
        filled = house.memory()  # the ring holds 10,000 events from now on
        for _ in range(9):
            await ten_thousand(house)
        rows.append(("KiB per further 10,000 events", (house.memory() - filled) / 9 / 1024))
    async with server() as house:
        rows += await soak(house, soak_minutes * 60)
    table("Memory", HEAD, rows)


async def ten_thousand(house: House) -> None:
    for _ in range(20):
        await house.emit(500, 100)


async def soak(house: House, seconds: float) -> list[tuple[Any, ...]]:
    """A fifth of the time to warm up: ring and caches are full then; growth is what comes after."""
    await ten_thousand(house)
    epoch, rng = await house.epoch(), random.Random(1)
    lines: list[aiohttp.ClientWebSocketResponse] = []
    started, warm, descriptors = time.monotonic(), 0, 0
    emitted = 0
    while (passed := time.monotonic() - started) < seconds:
        if not warm and passed > seconds / 5:
            warm, descriptors = house.memory(), house.descriptors() - len(lines)
        await house.emit(RATE // 10, 100, wait=False)
        emitted += RATE // 10
        for _ in range(rng.randrange(4)):
            since = rng.choice(("", f"?since={10_000 + emitted // 2}&epoch={epoch}"))
            lines.append(await house.connect(since))
        while len(lines) > 50:
            await lines.pop(rng.randrange(len(lines))).close()
        await asyncio.sleep(max(0.0, started + emitted / RATE - time.monotonic()))
    after = house.memory()
    for line in lines:
        await line.close()
    await asyncio.sleep(0.5)
    name = f"soak of {seconds / 60:.1f} minutes at {RATE} events/s"
    return [
        (f"{name}: MiB when warm", warm / (1 << 20)),
        (f"{name}: MiB at the end", after / (1 << 20)),
        (f"{name}: descriptors left over", house.descriptors() - descriptors),
    ]
