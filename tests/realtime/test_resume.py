"""Resuming over real sockets: byte-identical, gapless, and never at the expense of the loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
import websockets

from tests.lines import Envelope
from tests.realtime.server import DrivenServer, fill

STORED = 100_000
decode = msgspec.json.Decoder(Envelope).decode


async def read(line: object, count: int) -> list[str]:
    async with asyncio.timeout(240):
        return [await line.receive_str() for _ in range(count)]  # type: ignore[attr-defined]


async def range_of(line: object) -> tuple[int, int]:
    """The range that the first message of a page that comes back announces."""
    resumed = json.loads((await read(line, 1))[0])
    assert resumed["type"] == "resumed"
    return resumed["payload"]["from"], resumed["payload"]["to"]


async def test_what_was_missed_comes_byte_for_byte_from_memory_and_from_the_disk(tmp_path: Path) -> None:
    server = DrivenServer(tmp_path / "tiny")
    async with server, server.connect() as live:
        await read(live, 1)
        await server.emit(300)
        seen = await read(live, 300)
        epoch = await server.epoch()
        async with server.connect(f"?since=120&epoch={epoch}") as back:
            assert await range_of(back) == (121, 300)
            assert await read(back, 180) == seen[120:]
        await server.kill()
        await server.start()  # now the ring holds the last 50
        async with server.connect(f"?since=20&epoch={epoch}") as back:
            assert await range_of(back) == (21, 300)
            assert await read(back, 280) == seen[20:]
        async with server.connect(f"?since=300&epoch={epoch}") as back:  # nothing was missed
            assert await range_of(back) == (301, 300)
            await server.emit()
            assert decode((await read(back, 1))[0]).seq == 301


async def test_a_page_of_a_database_that_was_deleted_starts_anew(server: DrivenServer) -> None:
    await server.emit(20)
    epoch = await server.epoch()
    async with server.connect(f"?since=20&epoch={epoch}") as line:
        await read(line, 1)
        assert await server.end() == 0
    for path in server.database.parent.glob("sprint-runner.db*"):
        path.unlink()
    await server.start()
    await server.emit(30)  # so that its seq could be one of this database
    async with server.connect(f"?since=20&epoch={epoch}") as line:
        init = json.loads((await read(line, 1))[0])
        assert init["type"] == "init"
        assert init["payload"]["seq"] == 30
        assert init["payload"]["epoch"] != epoch
        await server.emit()
        assert decode((await read(line, 1))[0]).seq == 31


async def test_an_independent_client_reads_our_frames(server: DrivenServer) -> None:
    """Frames of every length, many in one segment, and a closing handshake, as another implementation sees them."""
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/ws", compression=None, max_size=None) as line:
        assert json.loads(await line.recv())["type"] == "init"
        for size in (0, 100, 60_000, 70_000):
            await server.emit(3, size)
        seqs = [json.loads(await line.recv())["seq"] for _ in range(12)]
        assert seqs == list(range(1, 13))
        await (await line.ping())
        ended = asyncio.create_task(server.end())
        with pytest.raises(websockets.ConnectionClosedOK):
            await line.recv()
        assert line.close_code == 1001
        assert await ended == 0


async def test_positions_that_cannot_be_resumed_get_an_init(server: DrivenServer) -> None:
    await server.emit(10)
    epoch = await server.epoch()
    for since in ("11", "-1", "", "3.0", "%D9%A3", "NaN", "9" * 400, "0x3", "%00"):
        await expect_init(server, f"?since={since}&epoch={epoch}")
    for query in ("", "?since=3&epoch=other", "?since=3", f"?epoch={epoch}"):
        await expect_init(server, query)


async def expect_init(server: DrivenServer, query: str) -> None:
    async with server.connect(query) as line:
        init = await line.receive_json()
    assert init["type"] == "init", query
    assert init["payload"]["recovered"] is False
    assert init["payload"]["seq"] == 10
    assert [one["seq"] for one in init["payload"]["events"]] == list(range(1, 11))


async def test_100000_events_are_replayed_among_live_ones_and_greeted_in_no_time(tmp_path: Path) -> None:
    server = DrivenServer(tmp_path / "tiny")
    await fill(server, STORED)
    async with server:
        epoch = await server.epoch()
        await server.get("drive/facts")

        async def page() -> int:
            async with server.connect(f"?since=0&epoch={epoch}") as line:
                assert decode(await line.receive_str()).type == "resumed"
                seq = 0
                while seq < STORED + 100:
                    one = decode(await line.receive_str())
                    if one.type == "tick":
                        continue
                    seq += 1
                    assert one.seq == seq
                return seq

        async def emit() -> None:
            for _ in range(100):
                await server.emit()

        async with asyncio.timeout(240):
            first, second, _ = await asyncio.gather(page(), page(), emit())
        assert first == second == STORED + 100
        facts = await server.get("drive/facts")
        assert facts["busy_s"] < 0.020

        lines = await asyncio.gather(*(server.connect().__aenter__() for _ in range(500)))
        inits = [line.receive_str() for line in lines]
        assert {decode(init).type for init in await asyncio.gather(*inits)} == {"init"}
        facts = await server.get("drive/facts")
        assert facts["clients"] == 500
        await asyncio.gather(*(line.close() for line in lines))
        async with server.connect() as line:
            await line.receive_str()
        await server.get("drive/facts")
        async with server.connect() as line:
            await line.receive_str()
        assert (await server.get("drive/facts"))["busy_s"] < 0.050


async def test_pages_that_resume_and_read_nothing_cost_bounded_buffers(tmp_path: Path) -> None:
    server = DrivenServer(tmp_path / "tiny")
    await fill(server, 60_000)
    async with server:
        epoch = await server.epoch()

        async def stall(count: int) -> int:
            for number in range(count):
                server.raw(f"?since={number * 100}&epoch={epoch}", receive_buffer=4096)
            await asyncio.sleep(2)
            return server.memory()

        warm = await stall(10)  # the readers' caches are filled
        assert await stall(30) - warm < 30 * (1 << 20)
        assert (await server.get("drive/facts"))["clients"] == 40
