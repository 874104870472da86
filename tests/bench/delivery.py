"""How long an event takes from `emit_event` to a client, at 50 events a second; and what sick clients add to that.

The machine's noise changes from second to second by more than the sick could add. So rounds with and without them take
turns, in an order that favours neither, over the same healthy connections, and the figure is the median of the ratios
of neighbours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

from tests.bench.load import NOISE_HEAD, Load, Report, clients, median, noise, server, table
from tests.realtime.house import House
from tests.realtime.sick import Ward

RATE: Final = 50  # events a second
TIMED: Final = 50  # clients whose messages are read; the hub's order is arbitrary, so they stand for all
HEALTHY: Final = 180
PAIRS: Final = 10  # rounds without and with the sick
HEAD: Final = ("clients", "p50 ms", "p99 ms", "max ms", "measured deliveries", NOISE_HEAD)
SICK_HEAD: Final = ("figure", "alone", "with the sick", "median of the ratios", "ratios")


async def steady(house: House, seconds: float) -> None:
    started = time.monotonic()
    for number in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, started + number / RATE - time.monotonic()))
        await house.emit(wait=False)


async def measure(house: House, load: Load, seconds: float) -> tuple[Report, str]:
    noises: list[str] = []
    await load.report()
    async with noise(house.root, noises):
        await steady(house, seconds)
        await asyncio.sleep(0.3)
    return await load.report(), noises[0]


async def run(seconds: float) -> None:
    rows: list[tuple[Any, ...]] = []
    async with server() as house:
        for count in (1, 10, 100, 500, 1000):
            async with clients(house.port, count, TIMED) as load:
                await steady(house, 1)
                told, noises = await measure(house, load, seconds)
                rows.append((str(count), told.p50_ms, told.p99_ms, told.max_ms, told.count, noises))
        table("Delivery at 50 events/s, from emit to the client's process", HEAD, rows)
        async with clients(house.port, HEALTHY, TIMED) as load:
            await steady(house, 1)
            await compare(house, load, seconds)


async def compare(house: House, load: Load, seconds: float) -> None:
    """Well, sick, sick, well, and so on."""
    well: list[Report] = []
    ill: list[Report] = []
    for number in range(2 * PAIRS):
        with_sick = number % 4 in (1, 2)
        async with ward_of_20(house) if with_sick else nullcontext():
            (ill if with_sick else well).append((await measure(house, load, seconds))[0])
    rows = []
    for name, of in _FIGURES.items():
        ratios = [of(sick) / of(healthy) for sick, healthy in zip(ill, well, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        rows.append((name, median(map(of, well)), median(map(of, ill)), median(ratios), spread))
    table(f"{HEALTHY} healthy clients, alone and with 20 sick ones, {PAIRS} rounds each in turns", SICK_HEAD, rows)


@asynccontextmanager
async def ward_of_20(house: House) -> AsyncIterator[None]:
    """Four each of four kinds; two of those that babble, since each of them keeps a core of the client side busy."""
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
        await asyncio.sleep(0.5)
        yield
    finally:
        await ward.close()
        house.hang_up()


_FIGURES: Final[dict[str, Callable[[Report], float]]] = {
    "p50 ms": lambda told: told.p50_ms,
    "p99 ms": lambda told: told.p99_ms,
}
