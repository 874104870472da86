"""A stream that has dropped old events while a page was away: nothing is invented, also of when a runner was heard."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec

from fleet.stream.broker import Broker
from fleet.stream.names import STATE, bucket, events_stream, key_subject
from fleet.stream.presence import StateMessage
from tests.fleet.line import line_to
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.stream.readers import Reader
from tests.fleet.stream.runners import Machine, machine


async def until_state(broker: Broker, box: Machine) -> None:
    """Wait until the broker has the state after all events of a runner."""
    async with asyncio.timeout(30):
        while True:
            found = await broker.last(bucket(STATE).name, key_subject(STATE, box.name))
            if found is not None and msgspec.json.decode(found.data, type=StateMessage).seq == box.database.last_seq:
                return
            await asyncio.sleep(0.05)


async def test_a_page_that_was_away_continues_with_the_last_state_of_a_runner_that_has_gone(
    nats: NatsServer, tmp_path: Path
) -> None:
    admin = await Broker.connect(nats.address, "admin", None, "admin")
    async with line_to(nats.port) as line, Reader(f"nats://127.0.0.1:{line.own}") as reader:
        async with machine(tmp_path, nats.address) as box:
            await box.commit(5)
            await reader.until_seq("box", 5)
            line.cut()
            await reader.until(lambda: "The broker does not work" in (reader.lost("box") or ""))
            await box.commit(20)
            await until_state(admin, box)
        ended = time.time() * 1000
        await admin.api(f"STREAM.PURGE.{events_stream('box').name}", {"keep": 2})
        line.mend()
        await reader.until_seq("box", 25)
        await reader.until(lambda: reader.lost("box") in ("It has ended.", "Nothing is heard of it."))
        state = reader.state("box")
        assert state is not None
        assert state.heard_at <= ended  # by no clock but this machine's
        assert [one.seq for one in reader.snapshots][-1] == 25
        assert not {6, 7, 8} & set(reader.seqs.get("box", []))
    await admin.close()


async def test_a_page_that_opens_a_day_later_says_when_the_runner_was_there(nats: NatsServer, tmp_path: Path) -> None:
    admin = await Broker.connect(nats.address, "admin", None, "admin")
    async with machine(tmp_path, nats.address) as box:
        await box.until_connected()
        await box.commit(7)
        await until_state(admin, box)
    ended = time.time() * 1000
    await admin.api(f"STREAM.PURGE.{events_stream('box').name}", {})
    async with Reader(nats.address) as reader:
        await reader.until(lambda: (state := reader.state("box")) is not None and state.run is not None and state.lost)
        state = reader.state("box")
        assert state is not None
        assert 0 < state.heard_at <= ended
        assert reader.run("box").seq == 7
        assert reader.seqs == {}
    await admin.close()
