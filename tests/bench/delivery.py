"""How long an event takes from `emit_event` to a client, at 50 events a second."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tests.bench.load import NOISE_HEAD, Report, clients, noise, server, table
from tests.realtime.house import House
from tests.realtime.sick import Ward

RATE: Final = 50  # events a second
TIMED: Final = 50  # clients whose messages are read; the hub's order is arbitrary, so they stand for all
HEAD: Final = ("clients", "p50 ms", "p99 ms", "max ms", "measured deliveries", NOISE_HEAD)
Row = tuple[str, float, float, float, int, str]


async def steady(house: House, seconds: float) -> None:
    started = time.monotonic()
    for number in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, started + number / RATE - time.monotonic()))
        await house.emit(wait=False)


async def measure(house: House, name: str, count: int, seconds: float) -> Row:
    noises: list[str] = []
    async with clients(house.port, count, TIMED) as load:
        await steady(house, 1)
        await load.report()
        async with noise(house.root, noises):
            await steady(house, seconds)
            await asyncio.sleep(0.3)
        told: Report = await load.report()
    return name, told.p50_ms, told.p99_ms, told.max_ms, told.count, noises[0]


async def run(seconds: float) -> None:
    rows = []
    async with server() as house:
        for count in (1, 10, 100, 500, 1000):
            rows.append(await measure(house, str(count), count, seconds))
        for _ in range(2):  # twice, in turns: the machine's noise changes more than the sick change anything
            rows.append(await measure(house, "180 healthy", 180, seconds))
            rows.append(await among_sick(house, seconds))
    table("Delivery at 50 events/s, from emit to the client's process", HEAD, rows)


async def among_sick(house: House, seconds: float) -> Row:
    """Four each of five kinds; two of those that babble, since each of them keeps a core of the client side busy."""
    ward = Ward(house)
    for _ in range(4):
        ward.stalled()
        ward.silent()
        ward.pinging()
        await ward.frozen()
    for _ in range(2):
        ward.babbling()
        ward.returning()
    try:
        return await measure(house, "180 healthy, 20 sick", 180, seconds)
    finally:
        await ward.close()
