"""The hub under everything at random: every page ends with every event exactly once, in order."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest

from tests.lines import StreamLine
from tests.websocket.hubs import HubHarness
from websocket import hub as hub_module
from websocket import replay, ring


@pytest.fixture
def harness() -> HubHarness:
    return HubHarness()


# -- everything at random --------------------------------------------------------------------------------------


class SimulatedClient:
    """A browser's page: counts what it has seen, comes back with `since` whenever its line is gone."""

    def __init__(self, harness: HubHarness, rng: random.Random) -> None:
        self.harness, self.rng = harness, rng
        self.seen: list[int] = []
        self.start: int | None = None
        self.line: StreamLine | None = None
        self.client: Any = None

    @property
    def last(self) -> int:
        return self.seen[-1] if self.seen else (self.start or 0)

    def connect(self) -> None:
        self.line = StreamLine(reading=self.rng.random() < 0.5)
        known = self.start is not None
        if not known and self.rng.random() < 0.5:
            self.start, known = 0, True
        self.client = self.harness.connect(self.line, self.last if known else None)

    def drop(self) -> None:
        """The line breaks; what it still held is lost, what was delivered is not."""
        if self.line is None:
            return
        self.line.abort()
        self.harness.hub.forget(self.client)
        self.note()
        self.line = None

    def note(self) -> None:
        assert self.line is not None
        for one in self.line.envelopes():
            if one.type == "init":
                assert self.start is None
                self.start = msgspec.json.decode(one.payload)["seq"]
        self.seen += self.line.seqs()

    def step(self) -> None:
        if self.line is None:
            self.connect()
        elif self.line.aborted or self.rng.random() < 0.05:
            self.drop()
        elif self.rng.random() < 0.3:
            self.line.reading = not self.line.reading
            if self.line.reading:
                self.line.take()
        else:
            self.line.take(self.rng.randrange(400))


async def finish(harness: HubHarness, pages: list[SimulatedClient]) -> None:
    """Heal every line and wait until every page has everything."""
    for page in pages:
        if page.line is not None and not page.line.aborted:
            page.line.reading = True
            page.line.take()
    while any(page.line is None or page.line.aborted or not page.client.live for page in pages):
        for page in pages:
            if page.line is not None and page.line.aborted:
                page.drop()
            if page.line is None:
                page.connect()
                assert page.line is not None
                page.line.reading = True
                page.line.take()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("seed", range(4))
async def test_10000_random_steps_end_with_every_event_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BACKLOG_MAX", 1_000), ("CLOSE_S", 0.001), ("SWEEP_S", 0.001)):
        monkeypatch.setattr(hub_module, name, value)
    for name, value in (("UNREAD_MAX", 500), ("REPLAY_EVENTS", 7), ("REPLAY_PAUSE_S", 0.0)):
        monkeypatch.setattr(replay, name, value)
    monkeypatch.setattr(ring, "RING_EVENTS", 25)
    monkeypatch.setattr(ring, "PIECE_BYTES", 900)
    rng, harness = random.Random(seed), HubHarness()
    pages = [SimulatedClient(harness, rng) for _ in range(12)]
    for _ in range(2_500):
        if rng.random() < 0.3:
            harness.emit(rng.choice((1, 1, 1, 2, 5, 40)))
        else:
            rng.choice(pages).step()
        if rng.random() < 0.5:
            await asyncio.sleep(0)
    await finish(harness, pages)
    harness.emit(3)
    for page in pages:
        page.drop()
        assert page.start is not None
        assert page.seen == list(range(page.start + 1, len(harness.log) + 1))
    assert harness.hub.dropped > 5  # the bounds were met on the way
    assert harness.reads > 100


async def test_10000_connects_and_drops_never_show_an_event_twice(harness: HubHarness) -> None:
    rng = random.Random(7)
    lines: list[tuple[Any, StreamLine]] = []
    for _ in range(10_000):
        if rng.random() < 0.5 or not lines:
            since = rng.randrange(len(harness.log) + 1) if rng.random() < 0.5 else None
            line = StreamLine()
            lines.append((harness.connect(line, since), line))
        else:
            client, line = lines.pop(rng.randrange(len(lines)))
            line.abort()
            harness.hub.forget(client)
            assert_gapless(line.seqs())
        if rng.random() < 0.1:
            harness.emit(rng.randrange(1, 4))
            await asyncio.sleep(0)
    for _, line in lines:
        assert_gapless(line.seqs())


def assert_gapless(seqs: list[int]) -> None:
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
