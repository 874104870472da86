"""Every committed event is in the stream once and in order, also where one side is away or killed in between."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

import fleet.stream.outbox as outbox
from base.program import PROGRAM_DIR
from fleet.stream.broker import Broker
from fleet.stream.names import EXPECTED_HEADER, ID_HEADER, VERSION, VERSION_HEADER, events_stream, events_subject
from store.fleet import published_seq
from tests.fleet.stream.killed_outbox import STEPS
from tests.fleet.stream.logs import NAME, log_of, published
from tests.fleet.stream.nats_server import NatsServer


async def test_what_is_committed_while_the_broker_is_away_is_published_when_it_is_back(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with log_of(tmp_path, nats.address) as log, log.publishing():
        await log.commit(10)
        await log.until_published()
        nats.kill()
        await log.commit(5000)
        assert await log.outbox.first_unpublished() == 11
        await nats.start()
        await log.until_published()
        assert await log.outbox.first_unpublished() is None
        assert await published(nats.address, log.database.epoch, 5010) == await log.stored()
        assert any(log.problems)  # it was said


async def test_a_broker_that_is_killed_while_events_are_published_loses_and_doubles_none(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with log_of(tmp_path, nats.address) as log, log.publishing():
        for _ in range(3):
            committed = asyncio.create_task(log.commit(1500))
            await asyncio.sleep(0.05)
            nats.kill()
            await committed
            await nats.start()
        await log.until_published()
        assert await published(nats.address, log.database.epoch, 4500) == await log.stored()


async def test_a_broker_that_stands_still_delays_and_doubles_nothing(nats: NatsServer, tmp_path: Path) -> None:
    async with log_of(tmp_path, nats.address) as log, log.publishing():
        await log.commit(200)
        await log.until_published()
        nats.send(signal.SIGSTOP)
        await asyncio.wait_for(log.commit(2000), 30)  # commits do not wait for it
        while not any("does not answer" in (problem or "") for problem in log.problems):
            await asyncio.sleep(0.05)
        nats.send(signal.SIGCONT)  # what was on its way arrives late
        await log.commit(10)
        await log.until_published()
        assert await published(nats.address, log.database.epoch, 2210) == await log.stored()


async def test_a_runner_that_is_killed_at_any_step_continues_from_what_the_stream_has(
    nats: NatsServer, tmp_path: Path
) -> None:
    total = 0
    for step in (*STEPS, "none"):
        arguments = [str(tmp_path), nats.address, "700", step, "301" if step == "publish" else "2"]
        command = [sys.executable, "-m", "tests.fleet.stream.killed_outbox", *arguments]
        process = await asyncio.create_subprocess_exec(*command, cwd=PROGRAM_DIR)
        assert await process.wait() == (0 if step == "none" else -signal.SIGKILL), step
        total += 700
    async with log_of(tmp_path, nats.address) as log:
        assert log.database.last_seq == total
        assert await published(nats.address, log.database.epoch, total) == await log.stored()
        subject = events_subject(NAME, log.database.epoch)
        assert await log.database.read(published_seq, subject) == total


async def test_messages_of_an_earlier_connection_that_come_late_are_counted_once(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with log_of(tmp_path, nats.address) as log:
        async with log.publishing():
            await log.commit(3)
            await log.until_published()
        await log.commit(2)
        early = await Broker.connect(nats.address, "runner", None, "early")
        for seq, data in enumerate(await log.stored(), start=1):  # as one whose answers were lost: some are there
            headers = {ID_HEADER: f"{log.database.epoch}:{seq}", VERSION_HEADER: VERSION}
            headers[EXPECTED_HEADER] = str(seq - 1)
            place = await early.store(events_subject(NAME, log.database.epoch), data, headers)
            await asyncio.wait([place])
            _ = place.exception()
        async with log.publishing():
            await log.commit(1)
            await log.until_published()
        assert await published(nats.address, log.database.epoch, 6) == await log.stored()
        await early.close()


async def test_a_database_that_was_put_back_publishes_nothing_over_its_later_events(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with log_of(tmp_path, nats.address) as log:
        await log.commit(3)
        other = await Broker.connect(nats.address, "runner", None, "other")
        await other.make(events_stream(NAME))
        id = f"{log.database.epoch}:7"
        await other.put(events_subject(NAME, log.database.epoch), b'{"seq":7}', 0, Nats_Msg_Id=id)
        async with log.publishing():
            async with asyncio.timeout(20):
                while not any("other events than its database" in (problem or "") for problem in log.problems):
                    await asyncio.sleep(0.02)
        newest = await other.last(events_stream(NAME).name, events_subject(NAME, log.database.epoch))
        assert newest is not None
        assert newest.seq == 1
        await other.close()


async def test_a_full_stream_is_said_and_loses_nothing(
    nats: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FULL_S", 0.1)
    async with log_of(tmp_path, nats.address) as log:
        admin = await Broker.connect(nats.address, "admin", None, "admin")
        spec = events_stream(NAME)
        small = {
            "name": spec.name,
            "subjects": spec.subjects,
            "max_bytes": 30_000,
            "discard": "new",
            "allow_direct": True,
        }
        await admin.api(f"STREAM.CREATE.{spec.name}", small)
        async with log.publishing():
            await log.commit(200)
            async with asyncio.timeout(20):
                while not any("stores nothing more" in (problem or "") for problem in log.problems):
                    await asyncio.sleep(0.02)
                while log.outbox.seq == 0:
                    await asyncio.sleep(0.02)
            assert log.outbox.seq < 200
            await admin.api(f"STREAM.UPDATE.{spec.name}", {**small, "max_bytes": 30_000_000})
            await log.until_published()
        assert log.problems[-1] is None
        assert await published(nats.address, log.database.epoch, 200) == await log.stored()
        await admin.close()
