"""Pages that come and go, in a process of their own: each reads all it is sent and answers pings, as browsers do.

`python -m tests.bench.visitors PORT EPOCH PLACES RATE` opens `RATE` pages a second and closes one at random whenever
there are more than `PLACES`. Half of them greet with nothing, the others were away for up to a minute, one in fifty for
as long as there are events. The end of standard input ends the process; it then prints how many came.
"""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any, Final

import aiohttp
import msgspec

AWAY_EVENTS: Final = 12_000  # events missed in a minute of the soak, a little more than the server's ring holds
FAR_ONE_IN: Final = 50


class _Where(msgspec.Struct):
    seq: int = 0


_where: Final = msgspec.json.Decoder(_Where)


class Visitors:
    """The pages of one process; `newest` is the last seq that any of them has seen."""

    def __init__(self, session: aiohttp.ClientSession, url: str, epoch: str) -> None:
        self.session, self.url, self.epoch = session, url, epoch
        self.rng = random.Random(1)
        self.pages: list[asyncio.Task[None]] = []
        self.newest = 0
        self.came = self.read = self.thrown_out = 0

    def come(self) -> None:
        self.came += 1
        self.pages.append(asyncio.create_task(self._page(self._query())))

    async def leave(self, places: int) -> None:
        while len(self.pages) > places:
            page = self.pages.pop(self.rng.randrange(len(self.pages)))
            page.cancel()
            await asyncio.gather(page, return_exceptions=True)

    def _query(self) -> str:
        if self.rng.random() < 0.5:
            return ""
        far = self.came % FAR_ONE_IN == 0
        since = self.rng.randrange(self.newest + 1) if far else self.newest - self.rng.randrange(AWAY_EVENTS)
        return f"?since={max(since, 0)}&epoch={self.epoch}"

    async def _page(self, query: str) -> None:
        async with self.session.ws_connect(self.url + query, max_msg_size=0) as line:
            async for message in line:
                self.read += 1
                if self.read % 100 == 0:
                    self.newest = max(self.newest, _where.decode(message.data).seq)
        self.thrown_out += 1


async def visit(port: int, epoch: str, places: int, rate: float) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        visitors = Visitors(session, f"http://127.0.0.1:{port}/ws", epoch)
        while not ended.done():
            visitors.come()
            await visitors.leave(places)
            await asyncio.sleep(1 / rate)
        await visitors.leave(0)
    return {"came": visitors.came, "read": visitors.read, "thrown_out": visitors.thrown_out}


if __name__ == "__main__":
    received = asyncio.run(visit(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    sys.stdout.write(msgspec.json.encode(received).decode() + "\n")
