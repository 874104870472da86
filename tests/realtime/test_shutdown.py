"""The end of a server with many pages, some of them dead."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import aiohttp

from tests.realtime.server import DRIVEN, DrivenServer


class Queued:
    """How long processes were ready to run and others had the processor: not theirs to answer for."""

    def __init__(self, *pids: int) -> None:
        self._before = {pid: _queued_ns(pid) for pid in pids}
        self._now = dict(self._before)

    def look(self) -> None:
        for pid in self._now:
            self._now[pid] = max(self._now[pid], _queued_ns(pid))

    @property
    def seconds(self) -> float:
        return sum(now - self._before[pid] for pid, now in self._now.items()) / 1e9


def _queued_ns(pid: int) -> int:
    """Of its main thread; see Documentation/scheduler/sched-stats of Linux. 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
    except OSError:
        return 0


async def test_200_pages_20_of_them_dead_are_gone_in_three_seconds(tmp_path: Path) -> None:
    server = DrivenServer(tmp_path / "tiny", DRIVEN, ("-W", "error"), PYTHONASYNCIODEBUG="1")
    async with server:
        living = [await server.connect() for _ in range(180)]
        dead = [server.raw(receive_buffer=4096) for _ in range(20)]
        for _ in range(20):
            await server.emit(100, 2_000)  # four megabytes: the dead have some of it waiting in the server

        async def last_word(line: aiohttp.ClientWebSocketResponse) -> int | None:
            async for _ in line:
                pass
            return line.close_code

        words = [asyncio.create_task(last_word(line)) for line in living]
        await asyncio.sleep(0.5)
        queued, started = Queued(os.getpid(), server.pid), time.monotonic()
        ended = asyncio.create_task(server.end())
        while not ended.done():
            queued.look()
            await asyncio.sleep(0.02)
        assert time.monotonic() - started < 3 + queued.seconds
        assert await ended == 0
        assert set(await asyncio.gather(*words)) == {1001}
        for line in dead:
            line.close()
        errors = [text for text in server.errors.read_text().splitlines() if " WARNING asyncio: Executing" not in text]
        assert errors == []
