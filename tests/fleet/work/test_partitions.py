"""Connections that are cut, half-closed and stalled while a lane runs, at the worker and at the coordinator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents import OutcomeKind, Text
from fleet.stream.login import BrokerLogin
from fleet.work.machines import FleetMachines
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.proxy import Proxy
from tests.fleet.work.workshop import LEASE_S, PATIENCE_S, Called, Workshop, until

KINDS = ("cut", "half-closed", "stalled", "stalled for longer than the lease")
SHORT_S = 1.0
TURNS, MOMENTS_S = 100, 0.06  # of stops, over the time that connecting takes
SPEAKS = "i=0; while [ ! -e go ]; do echo line $i; i=$((i+1)); sleep 0.02; done; echo made > made; echo end"


@pytest.fixture
async def proxy(nats: NatsServer) -> AsyncIterator[Proxy]:
    async with Proxy(lambda: nats.port) as made:
        yield made


async def connect(workshop: Workshop, proxy: Proxy, side: str) -> None:
    """Have one side reach the broker through the proxy."""
    if side == "worker":
        workshop.address = proxy.address
        return
    await workshop.machines.stop()
    login = BrokerLogin(address=proxy.address, user="box", password=None)
    workshop.machines = FleetMachines(login, "box", lease_s=LEASE_S)
    workshop.machines.start()


async def disturb(proxy: Proxy, kind: str) -> None:
    match kind:
        case "cut":
            proxy.cut()
        case "half-closed":
            proxy.half_close()
        case _:
            proxy.stall()
            await asyncio.sleep(SHORT_S if kind == "stalled" else LEASE_S * 1.4)
            proxy.flow()


async def check(workshop: Workshop, proxy: Proxy, kinds: list[str]) -> None:
    """Disturb a command of a lane by each kind: it is run once, all that it says comes once and in order."""
    runs = workshop.folder / "runs"
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, f"echo run >> {runs}; {SPEAKS}")
    for kind in kinds:
        before = len(called.records)
        await until(lambda: len(called.records) > before + 5)  # noqa: B023
        await disturb(proxy, kind)
    before = len(called.records)
    await until(lambda: len(called.records) > before)
    (workshop.workers["east"].folder / "data/lanes/box/01234567-1-story/go").touch()
    outcome = await called.outcome()
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    words = said(called)
    assert words == [*(f"line {number}" for number in range(len(words) - 1)), "end"]
    assert [file.read_text() for file in (runs, workshop.lane / "made")] == ["run\n", "made\n"]
    assert {lease.machine for lease in workshop.leases} == {"east"}
    assert (await (await workshop.start(hold, "cat made")).outcome()).text == "made"
    assert workshop.workers["east"].branches() == []


def said(called: Called) -> list[str]:
    return [line for record in called.records if isinstance(record, Text) for line in record.text.splitlines()]


@pytest.mark.parametrize("side", ["worker", "coordinator"])
async def test_a_lane_outlives_cut_connections(workshop: Workshop, proxy: Proxy, side: str) -> None:
    await connect(workshop, proxy, side)
    await check(workshop, proxy, ["cut", "half-closed"])
    assert proxy.passed >= 3


@pytest.mark.worlds
@pytest.mark.parametrize("side", ["worker", "coordinator"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_lane_outlives_every_partition(workshop: Workshop, proxy: Proxy, side: str, kind: str) -> None:
    await connect(workshop, proxy, side)
    await check(workshop, proxy, [kind] * 3)


async def test_a_coordinator_is_stopped_at_any_moment_of_its_connecting(nats: NatsServer) -> None:
    login = BrokerLogin(address=nats.address, user="box", password=None)
    for turn in range(TURNS):
        machines = FleetMachines(login, "box", lease_s=LEASE_S)
        machines.start()
        await asyncio.sleep(MOMENTS_S * turn / TURNS)
        async with asyncio.timeout(PATIENCE_S):
            await machines.stop()
