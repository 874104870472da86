"""The server configuration of docs/fleet for work: a worker serves its runner alone, and reads nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agents import OutcomeKind
from fleet.stream.broker import Broker, BrokerProblem
from fleet.stream.login import BrokerLogin
from fleet.stream.names import events_stream
from fleet.stream.prepare import prepare
from fleet.work.machines import FleetMachines
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.stream.test_permissions import CONFIGURATION, STORE, USERS, refused
from tests.fleet.work.workshop import Workshop, until


async def test_a_worker_reaches_the_lanes_of_its_runner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in USERS:
        monkeypatch.setitem(os.environ, f"FLEET_{user.upper()}_PASSWORD", f"{user}-password-1")
    configuration = tmp_path / "nats-server.conf"
    configuration.write_text(CONFIGURATION.read_text().replace(STORE, str(tmp_path / "store")))
    nats = NatsServer(tmp_path / "nats", configuration)
    await nats.start()
    workshop = Workshop(tmp_path, nats)
    workshop.machines = FleetMachines(login(nats, "laptop"), "laptop")
    try:
        await workshop.open()
        await until(lambda: "has no stream" in (workshop.machines.problem or ""))
        await prepare(login(nats, "admin"), ["laptop", "desktop"])
        await until(lambda: workshop.machines.problem is None)
        monkeypatch.setenv("SPRINT_RUNNER_FLEET_PASSWORD", "bench-password-1")
        worker = workshop.worker("bench")
        await until(lambda: workshop.machines.free(["shell"]) == 1)
        hold = await workshop.take()
        called = await workshop.start(hold, "echo made > made; cat src/app.py")
        outcome = await called.outcome()
        assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
        assert (workshop.lane / "made").exists()
        await hold.release(keep=False)
        assert "no permission" not in worker.said
        await check_others(nats.address)
    finally:
        await workshop.close()
        nats.close()


def login(nats: NatsServer, user: str) -> BrokerLogin:
    return BrokerLogin(address=nats.address, user=user, password=f"{user}-password-1")


async def check_others(address: str) -> None:
    """A worker commands no runner and reads no events; another runner's lanes are closed to it, and to a runner."""
    bench = await Broker.connect(address, "bench", "bench-password-1", "bench")
    for subject in (
        "fleet.command.laptop",
        "fleet.read.laptop",
        "fleet.events.laptop.x",
        "fleet.work.laptop.lanes.x",
        "fleet.work.laptop.lane.x.do",
        "fleet.work.desktop.lane.x.said",
        "$KV.fleet-workers.other",
        "$JS.API.CONSUMER.MSG.NEXT.fleet-work-desktop.workers",
        "$JS.API.STREAM.PURGE.fleet-lanes-laptop",
        "$JS.API.STREAM.DELETE.fleet-lanes-laptop",
        "$JS.API.CONSUMER.CREATE.fleet-work-laptop.workers",
        f"$JS.API.STREAM.MSG.GET.{events_stream('laptop').name}",
        "$JS.API.DIRECT.GET.fleet-lanes-desktop.x",
        "$O.fleet-bundles-desktop.C.x",
    ):
        await refused(bench, subject)
    await bench.close()
    desktop = await Broker.connect(address, "desktop", "desktop-password-1", "desktop")
    for subject in ("fleet.work.laptop.lane.x.do", "fleet.work.laptop.lanes.x", "$O.fleet-bundles-laptop.C.x"):
        await refused(desktop, subject)
    await desktop.close()


async def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    """A wrong address, and a server without JetStream; refused credentials are those of `prepare` above."""
    nats = NatsServer(tmp_path / "plain", jetstream=False)
    await nats.start()
    closed = NatsServer(tmp_path / "closed")
    try:
        await closed.start()
        closed.kill()
        for address, words in ((nats.address, "has no JetStream"), (closed.address, "cannot be reached")):
            machines = FleetMachines(BrokerLogin(address=address, user="box"), "box")
            machines.start()
            await until(lambda: words in (machines.problem or ""))  # noqa: B023
            assert machines.free(["shell"]) == 0
            await machines.stop()
    finally:
        nats.close()
    with pytest.raises(BrokerProblem):
        await prepare(BrokerLogin(address=closed.address, user="admin"), ["box"])
