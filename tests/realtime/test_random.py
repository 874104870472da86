"""Whatever happens to lines and server, every page ends with every event exactly once, in order."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import aiohttp

from tests.realtime.pages import PageClient
from tests.realtime.server import KEY, SERVER, DrivenServer

STEPS = int(os.environ.get("SPRINT_RUNNER_STEPS", "3000"))
PAGES = 8
ENDS_EVERY = 450  # steps from one end of the server to the next
MESSAGE = b"x" * 60 + b"\n"


class Pipe:
    """Lines for a server that emits each as an event: a step costs the test a write and no request.

    What no server has read waits in the pipe for the next one.
    """

    def __init__(self, server: DrivenServer) -> None:
        self.server = server
        self.path = server.root / "lines"
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.written = 0
        self._before = (0, 0)  # lines written and events stored when the server that runs now began
        self._reading: asyncio.Task[None] | None = None

    def connect(self, stored: int) -> None:
        """Let the server that runs now read; it has so many events."""
        self._before = (self.written, stored)
        self._reading = asyncio.create_task(self._read())

    async def emit(self, count: int) -> None:
        for _ in range(count):
            while not self._put():
                await asyncio.sleep(0.001)
            self.written += 1

    async def close(self) -> None:
        """The end: the server has read everything, and stored it."""
        os.close(self.end)
        assert self._reading is not None
        await self._reading

    async def flown(self) -> None:
        """Half of what this server was given is stored: on a slow machine, too, the end comes in the middle of work."""
        written, stored = self._before
        async with asyncio.timeout(240):
            while (await self.server.get("healthz"))["seq"] < stored + (self.written - written) // 2:
                await asyncio.sleep(0.01)

    async def cut(self) -> None:
        """The server is gone."""
        assert self._reading is not None
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            await self.server.post("drive/lines", pipe=str(self.path))
        except aiohttp.ClientError:
            return  # killed

    def _put(self) -> bool:
        try:
            os.write(self.end, MESSAGE)
        except BlockingIOError:
            return False
        return True


async def test_thousands_of_steps_of_emitting_dropping_stalling_and_killing(tmp_path: Path) -> None:
    """The server ends again and again, mostly by SIGKILL, while pages come, go and stall."""
    rng = random.Random(11)
    async with DrivenServer(tmp_path / "tiny") as server:
        epoch, pipe = await server.epoch(), Pipe(server)
        pipe.connect(0)
        pages = [PageClient(server, epoch, since=None if place % 2 else 0) for place in range(PAGES)]
        for step in range(STEPS):
            if step % ENDS_EVERY == ENDS_EVERY - 1:
                await restart(server, pipe, pages, politely=rng.random() < 0.2)
            else:
                await one_step(rng, pipe, rng.choice(pages))
            await asyncio.sleep(0.001 if step % 4 == 0 else 0)
        await pipe.close()
        last = (await server.get("healthz"))["seq"]
        assert pipe.written / 4 < last <= pipe.written
        for place, page in enumerate(pages):
            await page.until(last)
            await page.leave()
            assert page.first is not None
            assert page.seen == list(range(page.first + 1, last + 1))
            assert page.inits == place % 2
            assert page.resumed >= 5
        assert "Traceback" not in server.errors.read_text()


async def one_step(rng: random.Random, pipe: Pipe, page: PageClient) -> None:
    chance = rng.random()
    if chance < 0.5:
        await pipe.emit(rng.choice((1, 1, 1, 2, 5, 20)))
    elif chance < 0.7:
        page.drop()
    elif page.reading.is_set():
        page.reading.clear()
    else:
        page.reading.set()


async def restart(server: DrivenServer, pipe: Pipe, pages: list[PageClient], *, politely: bool) -> None:
    await pipe.flown()
    if politely:
        assert await server.end() == 0
    else:
        await server.kill()
    shown = max(page.last for page in pages)
    await pipe.cut()
    await server.start()
    stored = (await server.get("healthz"))["seq"]
    assert stored >= shown  # what any page has seen is on the disk
    pipe.connect(stored)


class RandomStory:
    """A story whose status is set by hand, the plainest way to make the program emit."""

    def __init__(self, server: DrivenServer) -> None:
        self.server = server
        self.status = "backlog"
        self.received = 0

    async def flip(self) -> None:
        new = "review" if self.status == "backlog" else "backlog"
        url = f"{self.server.url}api/stories/{KEY}/status"
        async with self.server.session.put(url, json={"status": new, "expected": self.status}) as response:
            assert response.status == 200, await response.text()
        self.status = new
        self.received += 1


async def test_kills_and_drops_of_the_program_as_everybody_starts_it(tmp_path: Path) -> None:
    rng = random.Random(12)
    async with DrivenServer(tmp_path / "tiny", SERVER) as server:
        epoch, story = await server.epoch(), RandomStory(server)
        pages = [PageClient(server, epoch) for _ in range(6)]
        for step in range(160):
            if step % 80 == 79:
                await server.kill()
                await server.start()
            elif rng.random() < 0.6:
                await story.flip()
            else:
                rng.choice(pages).drop()
        last = (await server.get("healthz"))["seq"]
        assert last >= story.received  # every answer 200 was on the disk
        for page in pages:
            await page.until(last)
            await page.leave()
            assert page.seen == list(range(1, last + 1))
            assert page.inits == 0
        assert "Traceback" not in server.errors.read_text()


async def test_a_burst_cut_by_a_kill_is_whole_for_everybody(tmp_path: Path) -> None:
    """What any page has seen before the kill is there after it, and what was not seen is not repeated."""
    async with DrivenServer(tmp_path / "tiny") as server:
        epoch = await server.epoch()
        pages = [PageClient(server, epoch) for _ in range(5)]
        await pages[0].until(0)
        for _ in range(3):
            await server.emit(3_000, wait=False)
            seen = pages[0].last
            await pages[0].until(seen + 200)
            await server.kill()
            await server.start()
            assert (await server.get("healthz"))["seq"] >= max(page.last for page in pages)
        await server.emit()
        last = (await server.get("healthz"))["seq"]
        for page in pages:
            await page.until(last)
            await page.leave()
            assert page.seen == list(range(1, last + 1))
