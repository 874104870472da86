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

from tests.bench.load import NOISE_HEAD, Load, Report, clients, driven_server, median, noise, table
from tests.realtime.server import DrivenServer
from tests.realtime.sick import SickClients

RATE: Final = 50  # events a second
TIMED: Final = 50  # clients whose messages are read; the hub's order is arbitrary, so they represent all
HEALTHY: Final = 180
PAIRS: Final = 12  # rounds without and with the sick
HEAD: Final = ("clients", "p50 ms", "p99 ms", "max ms", "measured deliveries", NOISE_HEAD)
SICK_HEAD: Final = ("figure", "alone", "with the sick", "median of the ratios", "middle half of them")


async def steady(server: DrivenServer, seconds: float) -> None:
    started = time.monotonic()
    for number in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, started + number / RATE - time.monotonic()))
        await server.emit(wait=False)


async def measure(server: DrivenServer, load: Load, seconds: float) -> tuple[Report, str]:
    noises: list[str] = []
    await load.report()
    async with noise(server.root, noises):
        await steady(server, seconds)
        await asyncio.sleep(0.3)
    received = await load.report()
    assert received.gone == 0
    return received, noises[0]


async def run(seconds: float) -> None:
    rows: list[tuple[Any, ...]] = []
    async with driven_server() as server:
        for count in (1, 10, 100, 500, 1000):
            async with clients(server.port, count, TIMED) as load:
                await steady(server, 1)
                received, noises = await measure(server, load, seconds)
                rows.append((str(count), received.p50_ms, received.p99_ms, received.max_ms, received.count, noises))
        table("Delivery at 50 events/s, from emit to the client's process", HEAD, rows)
        async with clients(server.port, HEALTHY, TIMED) as load:
            await steady(server, 1)
            await compare(server, load, seconds)


async def compare(server: DrivenServer, load: Load, seconds: float) -> None:
    """Well, sick, sick, well, and so on."""
    well: list[tuple[Report, float]] = []
    ill: list[tuple[Report, float]] = []
    for number in range(2 * PAIRS):
        with_sick = number % 4 in (1, 2)
        async with twenty_sick_clients(server) if with_sick else nullcontext():
            spent = (await server.get("drive/facts"))["cpu_s"]
            received, _ = await measure(server, load, seconds)
            spent = (await server.get("drive/facts"))["cpu_s"] - spent
            (ill if with_sick else well).append((received, spent / seconds))
    rows = []
    for name, of in _FIGURES.items():
        alone, together = [of(*one) for one in well], [of(*one) for one in ill]
        ratios = sorted(sick / healthy for sick, healthy in zip(together, alone, strict=True))
        middle = f"{ratios[PAIRS // 4]:.2f} to {ratios[-1 - PAIRS // 4]:.2f}"
        rows.append((name, median(alone), median(together), median(ratios), middle))
    table(f"{HEALTHY} healthy clients, alone and with 20 sick ones, {PAIRS} rounds each in turns", SICK_HEAD, rows)


@asynccontextmanager
async def twenty_sick_clients(server: DrivenServer) -> AsyncIterator[None]:
    """Four each of four kinds; two of those that babble, since each of them keeps a core of the client side busy."""
    sick = SickClients(server)
    for _ in range(4):
        sick.stalled()
        sick.silent()
        sick.pinging()
        await sick.frozen()
    for _ in range(2):
        sick.babbling()
        sick.returning()
    try:
        await asyncio.sleep(0.5)
        yield
    finally:
        await sick.close()
        server.hang_up()


_FIGURES: Final[dict[str, Callable[[Report, float], float]]] = {
    "p50 ms": lambda received, _spent: received.p50_ms,
    "p99 ms": lambda received, _spent: received.p99_ms,
    "server's processor time, ms a second": lambda _told, spent: spent * 1e3,
}
