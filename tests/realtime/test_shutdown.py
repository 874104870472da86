"""The end of a server with many pages, some of them dead."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp

from tests.realtime.house import DRIVEN, House


async def test_200_pages_20_of_them_dead_are_gone_in_three_seconds(tmp_path: Path) -> None:
    house = House(tmp_path / "tiny", DRIVEN, ("-W", "error"), PYTHONASYNCIODEBUG="1")
    async with house:
        living = [await house.connect() for _ in range(180)]
        dead = [house.raw(receive_buffer=4096) for _ in range(20)]
        for _ in range(20):
            await house.emit(100, 2_000)  # four megabytes: the dead have some of it waiting in the server

        async def last_word(line: aiohttp.ClientWebSocketResponse) -> int | None:
            async for _ in line:
                pass
            return line.close_code

        words = [asyncio.create_task(last_word(line)) for line in living]
        await asyncio.sleep(0.5)
        started = time.monotonic()
        code = await house.end()
        assert time.monotonic() - started < 3
        assert code == 0
        assert set(await asyncio.gather(*words)) == {1001}
        for line in dead:
            line.close()
        errors = [text for text in house.errors.read_text().splitlines() if " WARNING asyncio: Executing" not in text]
        assert errors == []
