"""The hub over lines that are moved by hand: one write a flush, resuming, limits, shutdown."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.lines import StreamLine, event
from tests.websocket.hubs import EPOCH, HubHarness, settle
from websocket import hub as hub_module
from websocket import replay, ring
from websocket.hub import BACKLOG_MAX


@pytest.fixture
def harness() -> HubHarness:
    return HubHarness()


# -- fan-out ---------------------------------------------------------------------------------------------------


async def test_one_write_per_client_and_flush(harness: HubHarness) -> None:
    lines = [StreamLine() for _ in range(20)]
    for line in lines:
        harness.connect(line)
    for flush in (1, 10, 500):
        before = [line.writes for line in lines]
        harness.emit(flush)
        assert [line.writes - count for line, count in zip(lines, before, strict=True)] == [1] * 20
    assert all(line.seqs() == list(range(1, 512)) for line in lines)
    assert harness.hub.deliveries == 511 * 20


async def test_init_holds_the_last_events_and_is_serialised_once(harness: HubHarness) -> None:
    harness.emit(60)
    lines = [StreamLine() for _ in range(500)]
    for line in lines:
        harness.connect(line)
    assert harness.snapshots == 1
    first = lines[0].texts()[0]
    assert first["type"] == "init"
    assert [one["seq"] for one in first["payload"]["events"]] == list(range(11, 61))
    assert {name: first["payload"][name] for name in ("batch", "seq", "epoch", "recovered", "run")} == {
        "batch": None, "seq": 60, "epoch": EPOCH, "recovered": False, "run": {"state": "idle"},
    }  # fmt: skip
    harness.hub.refresh()
    harness.connect(StreamLine())
    assert harness.snapshots == 2
    harness.emit()
    harness.connect(StreamLine())
    assert harness.snapshots == 3


async def test_a_commit_that_never_came_sends_everybody_to_the_log(harness: HubHarness) -> None:
    line = StreamLine()
    harness.connect(line)
    harness.emit(2)
    harness.log += [event(3).data]  # committed, but a fault kept it from the hub
    harness.emit()
    await settle()
    assert line.codes == [4408]
    assert line.seqs() == [1, 2]
    back = StreamLine()
    harness.connect(back, since=2)
    await settle()
    assert back.seqs() == [3, 4]


# -- resume ----------------------------------------------------------------------------------------------------


async def test_resume_from_the_ring_is_byte_identical(harness: HubHarness) -> None:
    live = StreamLine()
    harness.connect(live)
    harness.emit(30)
    back = StreamLine()
    harness.connect(back, since=10)
    assert back.texts()[0] == {"type": "resumed", "payload": {"from": 11, "to": 30}}
    assert back.frames()[1:] == live.frames()[11:]
    assert harness.reads == 0


async def test_resume_from_the_log_is_byte_identical(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 7)
    monkeypatch.setattr(ring, "PIECE_BYTES", 500)
    monkeypatch.setattr(replay, "REPLAY_EVENTS", 10)
    live, back = StreamLine(), StreamLine()
    harness.connect(live)
    harness.emit(95)
    harness.connect(back, since=0)
    await settle(5)
    harness.emit(3)  # in the middle of the replay
    await settle()
    harness.emit(2)
    assert harness.reads > 5
    assert back.frames()[1:] == live.frames()[1:]
    assert back.seqs() == list(range(1, 101))


@pytest.mark.parametrize(("since", "epoch"), [(11, EPOCH), (10**17, EPOCH), (3, "other"), (3, None), (None, EPOCH)])
async def test_what_cannot_be_resumed_gets_an_init(harness: HubHarness, since: int | None, epoch: str | None) -> None:
    harness.emit(10)
    line = StreamLine()
    harness.connect(line, since, epoch)
    assert line.texts()[0]["type"] == "init"
    assert line.texts()[0]["payload"]["recovered"] is False
    harness.emit()
    assert line.seqs() == [11]


async def test_what_the_log_has_let_go_is_answered_by_an_init(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 5)
    harness.emit(20)
    harness.hub.ring.pruned(11)
    for since, kind in ((9, "init"), (10, "resumed"), (16, "resumed")):
        line = StreamLine()
        harness.connect(line, since)
        await settle()
        assert line.texts()[0]["type"] == kind, since
    harness.hub.ring.pruned(19)
    line = StreamLine()
    harness.connect(line, 16)  # the ring still has what the log has not
    await settle()
    assert line.seqs() == [17, 18, 19, 20]


async def test_resume_with_nothing_missing(harness: HubHarness) -> None:
    harness.emit(5)
    line = StreamLine()
    harness.connect(line, since=5)
    assert line.texts() == [{"type": "resumed", "payload": {"from": 6, "to": 5}}]
    harness.emit()
    assert line.seqs() == [6]


@pytest.mark.parametrize(("since", "reads"), [(20, 0), (11, 0), (10, 0), (9, 1), (0, 1)])
async def test_the_ring_serves_exactly_what_it_holds(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch, since: int, reads: int
) -> None:
    """Ten events of twenty are in it; one further back, and the log is read, for that one as well as for all."""
    monkeypatch.setattr(ring, "RING_EVENTS", 10)
    harness.emit(20)
    line = StreamLine()
    client = harness.connect(line, since)
    assert client.live is not bool(reads)
    await settle()
    harness.emit()
    assert line.seqs() == list(range(since + 1, 22))
    assert harness.reads == reads
    assert client.live


async def test_many_that_resume_at_once_take_turns(harness: HubHarness) -> None:
    """Between two pieces, of whichever client, the loop gets to everything else."""
    harness.emit(3_000, "x" * 300)
    lines = [StreamLine() for _ in range(50)]
    clients = [harness.connect(line, since=0) for line in lines]
    most = 0
    while not all(client.live for client in clients):
        before = sum(line.writes for line in lines)
        await asyncio.sleep(0)
        most = max(most, sum(line.writes for line in lines) - before)
    assert most == 1
    harness.emit()
    assert {bytes(line.received) for line in lines} == {bytes(lines[0].received)}
    assert lines[0].seqs() == list(range(1, 3_002))


async def test_1000_at_once_share_one_init_and_the_next_is_refused_with_the_reason(harness: HubHarness) -> None:
    harness.emit(60)
    fresh, back, late = [StreamLine() for _ in range(500)], [StreamLine() for _ in range(500)], StreamLine()
    for plain, resuming in zip(fresh, back, strict=True):
        harness.connect(plain)
        harness.connect(resuming, since=60)
    harness.connect(late)
    harness.emit()
    await settle()
    assert harness.snapshots == 1
    assert {len(line.seqs()) for line in (*fresh, *back)} == {1}
    assert {line.writes for line in (*fresh, *back)} == {2}
    assert late.codes == [4429]


async def test_a_line_that_broke_while_it_shook_hands_costs_nothing(harness: HubHarness) -> None:
    """aiohttp hands it over, its transport is closing already: nothing is written, no client is kept."""
    for since in (None, 0, 5):
        harness.emit(10)
        line = StreamLine()
        line.abort()
        harness.connect(line, since)
        assert line.writes == 0
    await settle()
    assert not harness.hub.clients
    assert len(asyncio.all_tasks()) == 1


async def test_a_replay_waits_for_its_client_within_the_bound(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "REPLAY_PAUSE_S", 0.0)
    harness.emit(9_000, "x" * 300)
    line = StreamLine(reading=False)
    client = harness.connect(line, since=0)
    while not client.live:
        await asyncio.sleep(0)
        line.take(40_000)
    harness.emit()
    line.take()
    assert line.seqs() == list(range(1, 9_002))
    assert line.largest <= BACKLOG_MAX


async def test_a_replay_that_cannot_be_read_ends_with_1011(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 1)
    harness.emit(10)
    del harness.log[4]
    line = StreamLine()
    harness.connect(line, since=0)
    await settle()
    assert line.codes == [1011]
    assert line.aborted
    assert not harness.hub.clients


async def test_a_replay_ends_with_its_client(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 1)
    harness.emit(5_000)
    client = harness.connect(line := StreamLine(), since=0)
    await settle(3)
    harness.hub.forget(client)
    line.abort()
    await settle()
    assert client.replay.cancelled()


async def test_one_event_larger_than_every_bound_still_arrives(harness: HubHarness) -> None:
    line = StreamLine(reading=False)
    harness.connect(line)
    harness.emit(1, "x" * (2 * BACKLOG_MAX))
    line.take()
    back = StreamLine(reading=False)
    harness.connect(back, since=0)
    await settle()
    back.take()
    harness.emit()
    line.take()
    back.take()
    assert line.seqs() == back.seqs() == [1, 2]
    assert not line.codes
    assert not back.codes


# -- limits and shutdown ---------------------------------------------------------------------------------------


async def test_too_many_clients_are_closed_with_4429_and_replays_count() -> None:
    harness = HubHarness(max_clients=2)
    harness.emit(20_000)
    lines = [StreamLine(), StreamLine(), StreamLine()]
    harness.connect(lines[0], since=0)
    harness.connect(lines[1])
    harness.connect(lines[2])
    await settle(3)
    assert [line.codes for line in lines] == [[], [], [4429]]
    assert lines[2].writes == 0
    assert (harness.hub.dropped, harness.hub.refused) == (0, 1)
    await harness.hub.close()


async def test_close_tells_the_living_and_cuts_the_dead(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "CLOSE_S", 0.05)
    living = [StreamLine() for _ in range(30)]
    dead = [StreamLine(reading=False, answers_close=False) for _ in range(5)]
    replaying = StreamLine(reading=False)
    harness.emit(12_000, "x" * 200)
    harness.hub.start()
    for line in (*living, *dead):
        harness.connect(line)
    harness.connect(replaying, since=0)
    await settle(5)
    async with asyncio.timeout(20):
        await harness.hub.close()
    assert all(line.codes == [1001] and line.aborted for line in (*living, *dead, replaying))
    late = StreamLine()
    harness.connect(late)
    await settle(3)
    assert late.codes == [1001]
    assert len(asyncio.all_tasks()) == 1


async def test_an_init_over_100000_events_is_quick(harness: HubHarness) -> None:
    """The init's cost does not grow with the log: it holds 50 events, whatever came before."""
    harness.emit(100_000)
    line = StreamLine()
    harness.connect(line)
    init = line.frames()[0][1]
    assert len(msgspec.json.decode(init)["payload"]["events"]) == 50
    assert len(init) < 20_000
