"""The server configuration of docs/fleet: a runner reaches nothing of another one, and a viewer commands nobody."""

from __future__ import annotations

import os
from contextlib import aclosing
from pathlib import Path

import pytest

from base.program import PROGRAM_DIR
from fleet.source import RunnerId, RunnerRequest
from fleet.stream.broker import Broker, BrokerProblem
from fleet.stream.login import BrokerLogin
from fleet.stream.names import (
    PRESENCE,
    REQUEST_HEADER,
    STATE,
    VERSION,
    VERSION_HEADER,
    bucket,
    events_stream,
    key_subject,
)
from fleet.stream.prepare import prepare
from security.grants import Role
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.stream.readers import Reader
from tests.fleet.stream.runners import machine

CONFIGURATION = PROGRAM_DIR / "docs" / "fleet" / "nats-server.conf"
STORE = "/var/lib/sprint-runner-fleet"
USERS = ("admin", "operator", "viewer", "laptop", "desktop", "bench")


async def refused(broker: Broker, subject: str, data: bytes = b"{}") -> None:
    """Fail unless the broker does not let a message to a subject through."""
    with pytest.raises(BrokerProblem, match="has no permission"):
        await broker.request(subject, data, {VERSION_HEADER: VERSION, REQUEST_HEADER: "POST /api/run/stop"}, 5)


async def test_credentials_reach_what_is_theirs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in USERS:
        monkeypatch.setitem(os.environ, f"FLEET_{user.upper()}_PASSWORD", f"{user}-password-1")
    configuration = tmp_path / "nats-server.conf"
    text = CONFIGURATION.read_text()
    assert STORE in text
    configuration.write_text(text.replace(STORE, str(tmp_path / "store")))
    nats = NatsServer(tmp_path / "nats", configuration)
    try:
        await nats.start()
        address = nats.address
        async with machine(tmp_path, address, "laptop", password="laptop-password-1") as box:
            await box.until_problem("the broker has no stream")  # and no runner may make it
            login = BrokerLogin(address=address, user="admin", password="admin-password-1")
            await prepare(login, ["laptop", "desktop"])
            await prepare(login, ["laptop"])  # once more changes nothing
            async with (
                Reader(address, "operator", "operator-password-1") as operator,
                Reader(address, "viewer", "viewer-password-1") as viewer,
            ):
                await box.commit(20)
                for reader in (operator, viewer):
                    await reader.until_seq("laptop", box.database.last_seq)
                    reader.check("laptop")
                    await reader.until(lambda reader=reader: reader.lost("laptop") is None)  # type: ignore[misc]
                await check_commands(operator, viewer, box.asked)
                box.answer = b"x" * 3_000_000
                response = await viewer.source.request(ID, asked("GET", Role.READER))
                assert len(b"".join([piece async for piece in response.body])) == 3_000_000
            await check_other(address, box.asked)
    finally:
        nats.close()


ID = RunnerId("stream", "laptop")


def asked(method: str, role: Role) -> RunnerRequest:
    return RunnerRequest(method=method, path="/api/run/stop", role=role)


async def check_commands(operator: Reader, viewer: Reader, noted: list[tuple[str, str, str]]) -> None:
    """The operator's page commands; the viewer's page cannot, whatever role its visitor has there."""
    assert (await operator.source.request(ID, asked("POST", Role.OPERATOR))).status == 200
    assert noted[-1] == ("operator", "POST", "/api/run/stop")
    count = len(noted)
    assert (await viewer.source.request(ID, asked("POST", Role.OPERATOR))).status == 403
    assert (await viewer.source.request(ID, asked("POST", Role.READER))).status == 403
    assert len(noted) == count
    assert (await viewer.source.request(ID, asked("GET", Role.OPERATOR))).status == 200
    assert noted[-1] == ("reader", "GET", "/api/run/stop")


async def check_other(address: str, noted: list[tuple[str, str, str]]) -> None:
    """Another runner's credentials read, write and command nothing of the laptop."""
    count = len(noted)
    other = await Broker.connect(address, "desktop", "desktop-password-1", "other")
    events, presence = events_stream("laptop").name, bucket(PRESENCE).name
    for subject in (
        "fleet.command.laptop",
        "fleet.read.laptop",
        "fleet.events.laptop.x",
        key_subject(PRESENCE, "laptop"),
        key_subject(STATE, "laptop"),
        "$O.fleet-objects-laptop.M.x",
        f"$JS.API.DIRECT.GET.{events}.fleet.events.laptop.x",
        f"$JS.API.DIRECT.GET.{presence}.{key_subject(PRESENCE, 'laptop')}",
        f"$JS.API.STREAM.MSG.GET.{events}",
        f"$JS.API.STREAM.MSG.GET.{presence}",
        f"$JS.API.STREAM.INFO.{events}",
        f"$JS.API.STREAM.DELETE.{events}",
        f"$JS.API.STREAM.PURGE.{events}",
        # A stream of its own could copy the events of another's.
        "$JS.API.STREAM.CREATE.fleet-events-mine",
        f"$JS.API.STREAM.UPDATE.{events_stream('desktop').name}",
        f"$JS.API.CONSUMER.CREATE.{events}.name.fleet.events.laptop.x",
    ):
        await refused(other, subject)
    await other.close()
    for subject in ("fleet.events.laptop.*", "fleet.command.laptop", "_INBOX_laptop.>", "_INBOX_operator.>", "$KV.>"):
        other = await Broker.connect(address, "desktop", "desktop-password-1", "other")
        said: list[str] = []
        other.on_refusal = said.append
        received: list[object] = []
        await other.serve(subject, lambda message, received=received: received.append(message))  # type: ignore[misc]
        await other.api("INFO", {})  # the refusal has come before this answer
        assert said, subject
        await other.close()
    viewer = await Broker.connect(address, "viewer", "viewer-password-1", "viewer")
    await refused(viewer, "fleet.command.laptop")
    await refused(viewer, "fleet.events.laptop.x")
    # A consumer may deliver anywhere: what it brings is no request, whatever it says.
    async with aclosing(viewer.follow(events, "fleet.events.laptop.*", 1)) as messages:
        assert (await anext(messages)).seq == 1
    await viewer.close()
    assert len(noted) == count
