"""The hub over lines that are moved by hand: exactly once, one write a flush, bounds, heartbeat, shutdown."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest

import hub as hub_module
import ring
from hub import BACKLOG_MAX, Hub
from tests.lines import Clock, Line, event
from wire import PING, PONG, TEXT

EPOCH = "e1"


class House:
    """A hub, the log behind it and a clock."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.log: list[bytes] = []
        self.snapshots = 0
        self.reads = 0
        self.hub = Hub(epoch=EPOCH, history=self.history, snapshot=self.snapshot, clock=self.clock, **settings)

    async def history(self, first: int, last: int) -> list[bytes]:
        self.reads += 1
        await asyncio.sleep(0)
        return self.log[first - 1 : last]

    def snapshot(self) -> tuple[bytes, bytes]:
        self.snapshots += 1
        return b"null", b'{"state":"idle"}'

    def emit(self, count: int = 1, message: str = "Writing tests") -> None:
        events = [event(seq, message) for seq in range(len(self.log) + 1, len(self.log) + count + 1)]
        self.log += [one.data for one in events]
        self.hub.publish(events)

    def connect(self, line: Line, since: int | None = None, epoch: str | None = EPOCH) -> Any:
        return self.hub.connect(line, line.close_line, since, epoch)

    def pass_time(self, seconds: float) -> None:
        """Let the sweeper run on time."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += hub_module.SWEEP_S
            self.hub.sweep()


@pytest.fixture
def house() -> House:
    return House()


async def settle(rounds: int = 60) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)


# -- fan-out ---------------------------------------------------------------------------------------------------


async def test_one_write_per_client_and_flush(house: House) -> None:
    lines = [Line() for _ in range(20)]
    for line in lines:
        house.connect(line)
    for flush in (1, 10, 500):
        before = [line.writes for line in lines]
        house.emit(flush)
        assert [line.writes - count for line, count in zip(lines, before, strict=True)] == [1] * 20
    assert all(line.seqs() == list(range(1, 512)) for line in lines)
    assert house.hub.deliveries == 511 * 20


async def test_init_holds_the_last_events_and_is_serialised_once(house: House) -> None:
    house.emit(60)
    lines = [Line() for _ in range(500)]
    for line in lines:
        house.connect(line)
    assert house.snapshots == 1
    first = lines[0].texts()[0]
    assert first["type"] == "init"
    assert [one["seq"] for one in first["payload"]["events"]] == list(range(11, 61))
    assert {name: first["payload"][name] for name in ("batch", "seq", "epoch", "recovered", "run")} == {
        "batch": None, "seq": 60, "epoch": EPOCH, "recovered": False, "run": {"state": "idle"},
    }  # fmt: skip
    house.hub.refresh()
    house.connect(Line())
    assert house.snapshots == 2
    house.emit()
    house.connect(Line())
    assert house.snapshots == 3


async def test_a_commit_that_never_came_sends_everybody_to_the_log(house: House) -> None:
    line = Line()
    house.connect(line)
    house.emit(2)
    house.log += [event(3).data]  # committed, but a fault kept it from the hub
    house.emit()
    await settle()
    assert line.codes == [4408]
    assert line.seqs() == [1, 2]
    back = Line()
    house.connect(back, since=2)
    await settle()
    assert back.seqs() == [3, 4]


# -- resume ----------------------------------------------------------------------------------------------------


async def test_resume_from_the_ring_is_byte_identical(house: House) -> None:
    live = Line()
    house.connect(live)
    house.emit(30)
    back = Line()
    house.connect(back, since=10)
    assert back.texts()[0] == {"type": "resumed", "payload": {"from": 11, "to": 30}}
    assert back.frames()[1:] == live.frames()[11:]
    assert house.reads == 0


async def test_resume_from_the_log_is_byte_identical(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 7)
    monkeypatch.setattr(ring, "PIECE_BYTES", 500)
    monkeypatch.setattr(hub_module, "REPLAY_EVENTS", 10)
    live, back = Line(), Line()
    house.connect(live)
    house.emit(95)
    house.connect(back, since=0)
    await settle(5)
    house.emit(3)  # in the middle of the replay
    await settle()
    house.emit(2)
    assert house.reads > 5
    assert back.frames()[1:] == live.frames()[1:]
    assert back.seqs() == list(range(1, 101))


@pytest.mark.parametrize(("since", "epoch"), [(11, EPOCH), (10**17, EPOCH), (3, "other"), (3, None), (None, EPOCH)])
async def test_what_cannot_be_resumed_gets_an_init(house: House, since: int | None, epoch: str | None) -> None:
    house.emit(10)
    line = Line()
    house.connect(line, since, epoch)
    assert line.texts()[0]["type"] == "init"
    assert line.texts()[0]["payload"]["recovered"] is False
    house.emit()
    assert line.seqs() == [11]


async def test_resume_with_nothing_missing(house: House) -> None:
    house.emit(5)
    line = Line()
    house.connect(line, since=5)
    assert line.texts() == [{"type": "resumed", "payload": {"from": 6, "to": 5}}]
    house.emit()
    assert line.seqs() == [6]


async def test_a_replay_waits_for_its_client_within_the_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "REPLAY_PAUSE_S", 0.0)
    house.emit(9_000, "x" * 300)
    line = Line(reading=False)
    client = house.connect(line, since=0)
    while not client.live:
        await asyncio.sleep(0)
        line.take(40_000)
    house.emit()
    line.take()
    assert line.seqs() == list(range(1, 9_002))
    assert line.largest <= BACKLOG_MAX


async def test_a_replay_that_cannot_be_read_ends_with_1011(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 1)
    house.emit(10)
    del house.log[4]
    line = Line()
    house.connect(line, since=0)
    await settle()
    assert line.codes == [1011]
    assert line.aborted
    assert not house.hub.clients


async def test_a_replay_ends_with_its_client(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 1)
    house.emit(5_000)
    client = house.connect(line := Line(), since=0)
    await settle(3)
    house.hub.forget(client)
    line.abort()
    await settle()
    assert client.replay.cancelled()


async def test_one_event_larger_than_every_bound_still_arrives(house: House) -> None:
    line = Line(reading=False)
    house.connect(line)
    house.emit(1, "x" * (2 * BACKLOG_MAX))
    line.take()
    back = Line(reading=False)
    house.connect(back, since=0)
    await settle()
    back.take()
    house.emit()
    line.take()
    back.take()
    assert line.seqs() == back.seqs() == [1, 2]
    assert not line.codes
    assert not back.codes


# -- everything at random --------------------------------------------------------------------------------------


class Page:
    """A browser's page: counts what it has seen, comes back with `since` whenever its line is gone."""

    def __init__(self, house: House, rng: random.Random) -> None:
        self.house, self.rng = house, rng
        self.seen: list[int] = []
        self.start: int | None = None
        self.line: Line | None = None
        self.client: Any = None

    @property
    def last(self) -> int:
        return self.seen[-1] if self.seen else (self.start or 0)

    def connect(self) -> None:
        self.line = Line(reading=self.rng.random() < 0.5)
        known = self.start is not None
        if not known and self.rng.random() < 0.5:
            self.start, known = 0, True
        self.client = self.house.connect(self.line, self.last if known else None)

    def drop(self) -> None:
        """The line breaks; what it still held is lost, what was delivered is not."""
        if self.line is None:
            return
        self.line.abort()
        self.house.hub.forget(self.client)
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


async def finish(house: House, pages: list[Page]) -> None:
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
    for name, value in (("BACKLOG_MAX", 1_000), ("REPLAY_EVENTS", 7), ("CLOSE_S", 0.001), ("REPLAY_PAUSE_S", 0.0)):
        monkeypatch.setattr(hub_module, name, value)
    monkeypatch.setattr(hub_module, "SWEEP_S", 0.001)
    monkeypatch.setattr(ring, "RING_EVENTS", 25)
    monkeypatch.setattr(ring, "PIECE_BYTES", 900)
    rng, house = random.Random(seed), House()
    pages = [Page(house, rng) for _ in range(12)]
    for _ in range(2_500):
        if rng.random() < 0.3:
            house.emit(rng.choice((1, 1, 1, 2, 5, 40)))
        else:
            rng.choice(pages).step()
        if rng.random() < 0.5:
            await asyncio.sleep(0)
    await finish(house, pages)
    house.emit(3)
    for page in pages:
        page.drop()
        assert page.start is not None
        assert page.seen == list(range(page.start + 1, len(house.log) + 1))
    assert house.hub.dropped > 5  # the bounds were met on the way
    assert house.reads > 100


async def test_10000_connects_and_drops_never_show_an_event_twice(house: House) -> None:
    rng = random.Random(7)
    lines: list[tuple[Any, Line]] = []
    for _ in range(10_000):
        if rng.random() < 0.5 or not lines:
            since = rng.randrange(len(house.log) + 1) if rng.random() < 0.5 else None
            line = Line()
            lines.append((house.connect(line, since), line))
        else:
            client, line = lines.pop(rng.randrange(len(lines)))
            line.abort()
            house.hub.forget(client)
            assert_gapless(line.seqs())
        if rng.random() < 0.1:
            house.emit(rng.randrange(1, 4))
            await asyncio.sleep(0)
    for _, line in lines:
        assert_gapless(line.seqs())


def assert_gapless(seqs: list[int]) -> None:
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True


# -- slow clients ----------------------------------------------------------------------------------------------


async def test_over_the_bound_a_client_is_closed_with_4408_and_cut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "CLOSE_S", 0.01)
    healthy, stalled = Line(), Line(reading=False, answers_close=False)
    house.connect(healthy)
    house.connect(stalled)
    while house.hub.dropped == 0:
        house.emit(100, "x" * 300)
    flush = 100 * len(event(1, "x" * 300).data)
    assert stalled.largest <= BACKLOG_MAX + 2 * flush
    writes = stalled.writes
    house.emit()
    assert stalled.writes == writes
    await asyncio.sleep(0.05)
    assert stalled.codes == [4408]
    assert stalled.aborted
    assert healthy.seqs() == list(range(1, len(house.log) + 1))


async def test_a_large_init_has_room_of_its_own_while_it_drains(house: House) -> None:
    house.emit(50, "x" * 60_000)  # three megabytes of init
    line = Line(reading=False)
    client = house.connect(line)
    house.emit()
    house.emit()
    assert client.live
    line.take(len(line.buffer) - 10)
    house.emit()
    assert client.allowance < 1_000
    house.emit(1, "x" * 2 * BACKLOG_MAX)
    house.emit()
    await settle()
    assert line.codes == [4408]


# -- heartbeat -------------------------------------------------------------------------------------------------


async def test_ping_at_30_seconds_and_abort_at_40(house: House) -> None:
    line = Line()
    house.connect(line)
    house.pass_time(29.75)
    assert [opcode for opcode, _ in line.frames()] == [TEXT]
    house.pass_time(0.25)
    assert line.frames()[1:] == [(PING, b"")]
    house.pass_time(9.75)
    assert not line.aborted
    house.pass_time(0.25)
    assert line.aborted
    assert not house.hub.clients
    assert house.hub.dropped == 1


async def test_who_answers_stays_and_ticks_are_for_those_who_named_a_seq(house: House) -> None:
    plain, resuming = Line(), Line()
    clients = [house.connect(plain), house.connect(resuming, since=0)]
    house.emit(3)
    for _ in range(40):
        house.pass_time(5)
        for client in clients:
            house.hub.heard(client, PONG, b"")
    pings = [frame for frame in plain.frames() if frame[0] == PING]
    assert len(pings) == 6  # 200 seconds
    assert [text["type"] for text in plain.texts() if text["type"] == "tick"] == []
    assert [text for text in resuming.texts() if text["type"] == "tick"] == [{"type": "tick", "seq": 3}] * 6


async def test_trouble_that_no_event_can_tell_goes_out_with_the_ticks(house: House) -> None:
    plain, resuming = Line(), Line()
    clients = [house.connect(plain), house.connect(resuming, since=0)]
    house.hub.trouble("disk is full")
    house.hub.trouble(None)
    ticks = [text for text in resuming.texts() if text["type"] == "tick"]
    assert ticks == [{"type": "tick", "seq": 0, "problem": "disk is full"}, {"type": "tick", "seq": 0}]
    assert [text for text in plain.texts() if text["type"] == "tick"] == []
    assert len(clients) == 2


async def test_a_late_tick_of_ours_is_nobodys_silence(house: House) -> None:
    line = Line()
    client = house.connect(line)
    house.pass_time(30)
    assert client.waiting_since is not None
    house.pass_time(5)
    house.clock.now += 3_600  # the machine slept
    house.hub.sweep()
    assert house.hub.lag_s == pytest.approx(3_600 - hub_module.SWEEP_S)
    house.pass_time(4.5)
    assert not line.aborted
    house.pass_time(0.75)
    assert line.aborted


async def test_a_client_that_talks_but_reads_nothing_is_let_go(house: House) -> None:
    line = Line(reading=False)
    client = house.connect(line)
    for _ in range(17):
        house.pass_time(2.5)
        house.hub.heard(client, PING, b"")
    await settle()
    assert line.codes == [4408]
    assert line.aborted


async def test_a_client_that_reads_slowly_is_kept(house: House) -> None:
    line = Line(reading=False)
    client = house.connect(line)
    for _ in range(100):
        house.pass_time(2.5)
        house.emit(1, "x" * 500)
        line.take(300)
        house.hub.heard(client, PONG, b"")
    assert client.live


async def test_pings_are_answered_and_nothing_else(house: House) -> None:
    line = Line()
    client = house.connect(line)
    for opcode, data in ((PING, b"abc"), (PING, bytearray(b"d")), (TEXT, '{"type":"ping"}'), (TEXT, "[[["), (0, None)):
        house.hub.heard(client, opcode, data)
    assert line.frames()[1:] == [(PONG, b"abc"), (PONG, b"d"), (TEXT, b'{"type":"pong"}')]


# -- limits and shutdown ---------------------------------------------------------------------------------------


async def test_too_many_clients_are_closed_with_4429_and_replays_count() -> None:
    house = House(max_clients=2)
    house.emit(20_000)
    lines = [Line(), Line(), Line()]
    house.connect(lines[0], since=0)
    house.connect(lines[1])
    house.connect(lines[2])
    await settle(3)
    assert [line.codes for line in lines] == [[], [], [4429]]
    assert lines[2].writes == 0
    assert house.hub.dropped == 0
    await house.hub.close()


async def test_close_tells_the_living_and_cuts_the_dead(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "CLOSE_S", 0.05)
    living = [Line() for _ in range(30)]
    dead = [Line(reading=False, answers_close=False) for _ in range(5)]
    replaying = Line(reading=False)
    house.emit(12_000, "x" * 200)
    house.hub.start()
    for line in (*living, *dead):
        house.connect(line)
    house.connect(replaying, since=0)
    await settle(5)
    async with asyncio.timeout(1):
        await house.hub.close()
    assert all(line.codes == [1001] and line.aborted for line in (*living, *dead, replaying))
    late = Line()
    house.connect(late)
    await settle(3)
    assert late.codes == [1001]
    assert len(asyncio.all_tasks()) == 1


async def test_an_init_over_100000_events_is_quick(house: House) -> None:
    """The init's cost does not grow with the log: it holds 50 events, whatever came before."""
    house.emit(100_000)
    line = Line()
    house.connect(line)
    init = line.frames()[0][1]
    assert len(msgspec.json.decode(init)["payload"]["events"]) == 50
    assert len(init) < 20_000
