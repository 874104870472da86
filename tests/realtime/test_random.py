"""Whatever happens to lines and server, every page ends with every event exactly once, in order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.realtime.house import KEY, SERVER, House
from tests.realtime.pages import Page


class Story:
    """A story whose status is set by hand, the plainest way to make the real server emit."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.status = "backlog"
        self.told = 0

    async def flip(self) -> None:
        new = "review" if self.status == "backlog" else "backlog"
        url = f"{self.house.url}api/stories/{KEY}/status"
        async with self.house.session.put(url, json={"status": new, "expected": self.status}) as response:
            assert response.status == 200, await response.text()
        self.status = new
        self.told += 1


@pytest.mark.parametrize("seed", [11, 12])
async def test_kills_drops_and_stalls_lose_nothing_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with House(tmp_path / "tiny", SERVER) as house:
        epoch, story = await house.epoch(), Story(house)
        pages = [Page(house, epoch) for _ in range(6)]
        for step in range(240):
            page = rng.choice(pages)
            if step % 80 == 79:
                await house.kill()
                await house.start()
            elif rng.random() < 0.6:
                await story.flip()
            elif rng.random() < 0.4:
                page.drop()
            elif page.reading.is_set():
                page.reading.clear()
            else:
                page.reading.set()
        last = (await house.get("healthz"))["seq"]
        assert last >= story.told  # every answer 200 was on the disk
        for page in pages:
            await page.until(last)
            await page.leave()
            assert page.seen == list(range(1, last + 1))
            assert page.inits == 0
        assert "Traceback" not in house.errors.read_text()


async def test_a_burst_cut_by_a_kill_is_whole_for_everybody(tmp_path: Path) -> None:
    """What any page has seen before the kill is there after it, and what was not seen is not repeated."""
    async with House(tmp_path / "tiny") as house:
        epoch = await house.epoch()
        pages = [Page(house, epoch) for _ in range(5)]
        await pages[0].until(0)
        for _ in range(3):
            await house.emit(3_000, wait=False)
            seen = pages[0].last
            await pages[0].until(seen + 200)
            await house.kill()
            await house.start()
            assert (await house.get("healthz"))["seq"] >= max(page.last for page in pages)
        await house.emit()
        last = (await house.get("healthz"))["seq"]
        for page in pages:
            await page.until(last)
            await page.leave()
            assert page.seen == list(range(1, last + 1))
