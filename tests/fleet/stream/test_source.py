"""What the page of a fleet gets of a runner: who is there, its events, and answers to what it asks."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

import fleet.stream.outbox as outbox
from fleet.source import RunnerId, RunnerRequest, Unreachable
from fleet.stream.broker import Broker
from fleet.stream.names import STATE, VERSION, VERSION_HEADER, events_stream, events_subject, key_subject
from security.grants import Role
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.stream.readers import Reader
from tests.fleet.stream.runners import machine
from tests.fleet.stream.test_presence import within

ID = RunnerId("stream", "box")


def request(method: str, path: str, role: Role = Role.OPERATOR, key: str | None = None) -> RunnerRequest:
    headers = () if key is None else (("idempotency-key", key),)
    return RunnerRequest(method=method, path=path, role=role, headers=headers)


async def ask(reader: Reader, asked: RunnerRequest) -> tuple[int, bytes]:
    response = await reader.source.request(ID, asked)
    return response.status, b"".join([piece async for piece in response.body])


async def present(reader: Reader, name: str = "box") -> None:
    await reader.until(lambda: (state := reader.state(name)) is not None and state.run is not None and not state.lost)


async def test_events_reach_a_page_once_over_kills_and_partitions_of_the_broker(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with machine(tmp_path, nats.address) as box, Reader(nats.address) as reader:
        await present(reader)
        await box.commit(300)
        nats.kill()
        await box.commit(500)
        await reader.until(lambda: "The broker does not work" in (reader.lost("box") or ""))
        await nats.start()
        await box.commit(500)
        await present(reader)
        nats.send(signal.SIGSTOP)
        await box.commit(500)
        await reader.until(lambda: reader.lost("box"), 8)
        nats.send(signal.SIGCONT)
        await box.commit(5)
        await reader.until_seq("box", 1805)
        await present(reader)
    reader.check("box")
    assert reader.seqs["box"][-1] == 1805
    assert len(reader.snapshots) == 1
    assert reader.run("box").seq == 1805


async def test_presence_is_right_within_three_seconds(nats: NatsServer, tmp_path: Path) -> None:
    async with Reader(nats.address) as reader:
        async with machine(tmp_path, nats.address) as box:
            await present(reader)
            assert box.runner._task is not None
            box.runner._task.cancel()  # as a process that was killed: no word of its end
            box.runner._connected = False
            await within(lambda: reader.lost("box") == "Nothing is heard of it.")
        async with machine(tmp_path, nats.address):
            await within(lambda: reader.lost("box") is None)
        await within(lambda: reader.lost("box") == "It has ended.")


async def test_what_the_stream_has_forgotten_is_asked_of_the_runner(
    nats: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MESSAGE_MAX", 400)  # of a larger event only the place is in the stream
    async with machine(tmp_path, nats.address) as box, Reader(nats.address) as reader:
        await present(reader)
        await box.commit(5)
        await reader.until_seq("box", 5)
        messages = reader.source.messages(ID, f"since=0&epoch={box.database.epoch}", Role.READER)
        assert json.loads(await anext(messages))["type"] == "resumed"
        await box.commit(3)
        admin = await Broker.connect(nats.address, "admin", None, "admin")
        await reader.until_seq("box", 8)
        await admin.api(f"STREAM.PURGE.{events_stream('box').name}", {"keep": 2})
        assert [json.loads(await anext(messages))["seq"] for _ in range(8)] == list(range(1, 9))
        await messages.aclose()  # type: ignore[attr-defined]
        await admin.close()
        assert any(path.startswith("/api/events") for _, _, path in box.asked)


async def test_a_command_with_a_key_is_carried_out_once_also_after_a_restart(nats: NatsServer, tmp_path: Path) -> None:
    async with Reader(nats.address) as reader:
        async with machine(tmp_path, nats.address) as box:
            await present(reader)
            box.answer, box.hold = b'{"first":true}', asyncio.Event()
            both = [asyncio.create_task(ask(reader, request("POST", "/api/run/stop", key="k"))) for _ in range(2)]
            while not box.asked:
                await asyncio.sleep(0.01)
            box.hold.set()
            assert await asyncio.gather(*both) == [(200, b'{"first":true}')] * 2
            status, body = await ask(reader, request("POST", "/api/run/start", key="k"))
            assert (status, b"another command" in body) == (422, True)
            assert box.asked == [("operator", "POST", "/api/run/stop")]
        async with machine(tmp_path, nats.address) as box:
            await present(reader)
            assert await ask(reader, request("POST", "/api/run/stop", key="k")) == (200, b'{"first":true}')
            assert box.asked == []
            await box.database.write(
                lambda connection: connection.execute("UPDATE command_replies SET status = NULL")
            )  # as if it was killed in the middle
            status, body = await ask(reader, request("POST", "/api/run/stop", key="k"))
            assert (status, b"look at its state" in body) == (409, True)


async def test_roles_late_commands_and_large_answers(nats: NatsServer, tmp_path: Path) -> None:
    async with machine(tmp_path, nats.address) as box, Reader(nats.address) as reader:
        await present(reader)
        assert (await ask(reader, request("POST", "/api/run/stop", Role.READER)))[0] == 403
        assert (await ask(reader, request("POST", "/api/access/link")))[0] == 403
        box.clock_ahead_s = 100.0  # the command waited in a connection that stood still for so long
        status, body = await ask(reader, request("POST", "/api/run/stop"))
        assert (status, b"too late" in body) == (409, True)
        assert box.asked == []
        for size in (10, 600_000, 3_000_000):  # one message, pieces, the object store
            box.answer = bytes(range(256)) * (size // 256)
            assert await ask(reader, request("GET", "/api/x", Role.READER)) == (200, box.answer)
        with pytest.raises(Unreachable):
            await reader.source.request(RunnerId("stream", "nobody"), request("GET", "/api/run"))


async def test_what_cannot_be_read_is_said_of_its_runner(nats: NatsServer, tmp_path: Path) -> None:
    async with machine(tmp_path, nats.address) as box, Reader(nats.address) as reader:
        await present(reader)
        other = await Broker.connect(nats.address, "other", None, "other")
        await other.put(key_subject(STATE, "new"), b"{}", Sprint_Runner_Version="2")
        await reader.until(lambda: "version 2" in (reader.lost("new") or ""))
        await other.put(key_subject(STATE, "odd"), b"{", Sprint_Runner_Version=VERSION)
        await reader.until(lambda: "cannot be read" in (reader.lost("odd") or ""))
        answer = await other.request("fleet.command.box", b"", {VERSION_HEADER: "2"}, 5)
        assert b"version 1" in answer.data
        await box.commit(2)
        await reader.until_seq("box", 2)
        subject = events_subject("box", box.database.epoch)
        await other.put(subject, b"no event", Nats_Msg_Id=f"{box.database.epoch}:3", Sprint_Runner_Version=VERSION)
        await reader.until(lambda: "event 3 in a form that cannot be read" in (reader.lost("box") or ""))
        assert reader.run("box").seq == 2
        await box.commit(1)
        await box.until_problem("other events than its database")
        await other.close()


async def test_two_runners_of_one_name_find_each_other(nats: NatsServer, tmp_path: Path) -> None:
    async with machine(tmp_path, nats.address) as box, Reader(nats.address) as reader:
        await present(reader)
        async with machine(tmp_path, nats.address, place="elsewhere", machine="another", silent="1") as twin:
            await twin.until_problem("another runner is in the fleet as box, on machine of box")
            await box.commit(3)
            await reader.until_seq("box", 3)
            assert not twin.views[-1].connected
            assert box.views[-1].connected


async def test_what_is_wrong_with_a_broker_is_one_sentence(tmp_path: Path) -> None:
    bare = NatsServer(tmp_path / "bare", jetstream=False)
    configuration = tmp_path / "users.conf"
    configuration.write_text('authorization { user: a, password: "b" }\n')
    locked = NatsServer(tmp_path / "locked", configuration)
    try:
        await bare.start()
        await locked.start()
        for address, words in (
            ("nats://127.0.0.1:1", "cannot be reached"),
            (bare.address, "has no JetStream: start it with -js"),
            (locked.address, "refuses user box: check SPRINT_RUNNER_FLEET_USER and SPRINT_RUNNER_FLEET_PASSWORD"),
        ):
            folder = tmp_path / words[:5]
            folder.mkdir()
            async with machine(folder, address) as box:
                await box.until_problem(words)
                await box.commit(1)
                problem = box.views[-1].problem or ""
                assert "\n" not in problem
                assert problem.endswith("this runner works on alone")
    finally:
        bare.close()
        locked.close()


async def test_machines_on_one_account_stop_together_and_continue_together(nats: NatsServer, tmp_path: Path) -> None:
    async with (
        machine(tmp_path, nats.address, "one") as one,
        machine(tmp_path, nats.address, "two", silent="1") as two,
    ):
        for each in (one, two):
            each.accounts.shared = ["team"]
            each.accounts.on_wait("team")
        one.accounts.known["5 h"] = (0.6, 2_000_000_000_000)
        one.accounts.shares = {"5 h": 0.4}
        two.accounts.known["5 h"] = (0.3, 2_000_000_000_000)
        async with asyncio.timeout(20):
            while two.accounts.known["5 h"][0] != 0.6 or two.accounts.reserves != [({"5 h": 0.4}, None)]:
                await asyncio.sleep(0.02)
            one.accounts.let_wait(2_000_000_000_000)
            while two.accounts.waiting is None:
                await asyncio.sleep(0.02)
            two.accounts.let_wait(None)
            while one.accounts.waiting is not None:
                await asyncio.sleep(0.02)
        assert one.accounts.reserves == []
