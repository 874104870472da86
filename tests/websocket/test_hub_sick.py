"""The hub and clients that read slowly, do not answer or do not read: bounds and heartbeat."""

from __future__ import annotations

import asyncio

import pytest

from tests.lines import StreamLine, event
from tests.websocket.hubs import NOW_MS, HubHarness, settle
from websocket import hub as hub_module
from websocket.frames import PING, PONG, TEXT
from websocket.hub import BACKLOG_MAX


@pytest.fixture
def harness() -> HubHarness:
    return HubHarness()


# -- slow clients ----------------------------------------------------------------------------------------------


async def test_over_the_bound_a_client_is_closed_with_4408_and_cut(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "CLOSE_S", 0.01)
    healthy, stalled = StreamLine(), StreamLine(reading=False, answers_close=False)
    harness.connect(healthy)
    harness.connect(stalled)
    while harness.hub.dropped == 0:
        harness.emit(100, "x" * 300)
    flush = 100 * len(event(1, "x" * 300).data)
    assert stalled.largest <= BACKLOG_MAX + 2 * flush
    writes = stalled.writes
    harness.emit()
    assert stalled.writes == writes
    async with asyncio.timeout(20):
        while not stalled.aborted:
            await asyncio.sleep(0)
    assert stalled.codes == [4408]
    assert stalled.aborted
    assert healthy.seqs() == list(range(1, len(harness.log) + 1))


async def test_a_large_init_has_room_of_its_own_while_it_drains(harness: HubHarness) -> None:
    harness.emit(50, "x" * 60_000)  # three megabytes of init
    line = StreamLine(reading=False)
    client = harness.connect(line)
    harness.emit()
    harness.emit()
    assert client.live
    line.take(len(line.buffer) - 10)
    harness.emit()
    assert client.init_bytes < 1_000
    harness.emit(1, "x" * 2 * BACKLOG_MAX)
    harness.emit()
    await settle()
    assert line.codes == [4408]


# -- heartbeat -------------------------------------------------------------------------------------------------


async def test_ping_at_30_seconds_and_abort_at_40(harness: HubHarness) -> None:
    line = StreamLine()
    harness.connect(line)
    harness.pass_time(29.75)
    assert [opcode for opcode, _ in line.frames()] == [TEXT]
    harness.pass_time(0.25)
    assert line.frames()[1:] == [(PING, b"")]
    harness.pass_time(9.75)
    assert not line.aborted
    harness.pass_time(0.25)
    assert line.aborted
    assert not harness.hub.clients
    assert harness.hub.dropped == 1


async def test_who_answers_stays_and_ticks_are_for_those_who_named_a_seq(harness: HubHarness) -> None:
    plain, resuming = StreamLine(), StreamLine()
    clients = [harness.connect(plain), harness.connect(resuming, since=0)]
    harness.emit(3)
    for _ in range(40):
        harness.pass_time(5)
        for client in clients:
            harness.hub.receive(client, PONG, b"")
    pings = [frame for frame in plain.frames() if frame[0] == PING]
    assert len(pings) == 6  # 200 seconds
    assert [text["type"] for text in plain.texts() if text["type"] == "tick"] == []
    assert [text for text in resuming.texts() if text["type"] == "tick"] == [
        {"type": "tick", "seq": 3, "now": NOW_MS, "revision": 0}
    ] * 6


async def test_trouble_that_no_event_can_tell_goes_out_with_the_ticks(harness: HubHarness) -> None:
    plain, resuming = StreamLine(), StreamLine()
    clients = [harness.connect(plain), harness.connect(resuming, since=0)]
    harness.hub.set_problem("disk is full")
    harness.hub.set_problem(None)
    ticks = [text for text in resuming.texts() if text["type"] == "tick"]
    tick = {"type": "tick", "seq": 0, "now": NOW_MS, "revision": 0}
    assert ticks == [{**tick, "problem": "disk is full"}, tick]
    assert [text for text in plain.texts() if text["type"] == "tick"] == []
    assert len(clients) == 2


async def test_what_no_event_carries_is_announced_once_by_the_next_sweep(harness: HubHarness) -> None:
    plain, resuming = StreamLine(), StreamLine()
    clients = [harness.connect(plain), harness.connect(resuming, since=0)]
    called: list[None] = []
    harness.hub.on_refresh = lambda: called.append(None)
    for _ in range(2):
        harness.hub.refresh()
        harness.hub.refresh()
        harness.pass_time(0.5)
    ticks = [text["revision"] for text in resuming.texts() if text["type"] == "tick"]
    assert ticks == [2, 4]
    assert [text for text in plain.texts() if text["type"] == "tick"] == []
    assert (len(called), len(clients)) == (2, 2)


async def test_a_late_tick_of_ours_is_no_silence_of_a_client(harness: HubHarness) -> None:
    line = StreamLine()
    client = harness.connect(line)
    harness.pass_time(30)
    assert client.waiting_since is not None
    harness.pass_time(5)
    harness.clock.now += 3_600  # the machine slept
    harness.hub.sweep()
    assert harness.hub.lag_s == pytest.approx(3_600 - hub_module.SWEEP_S)
    harness.pass_time(4.5)
    assert not line.aborted
    harness.pass_time(0.75)
    assert line.aborted


async def test_a_fault_with_one_client_does_not_end_the_heartbeat(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_data: bytes) -> None:
        raise RuntimeError("a fault of the transport")

    silent, faulty = StreamLine(), StreamLine()
    harness.connect(silent)
    harness.connect(faulty)
    monkeypatch.setattr(faulty, "write", fail)
    monkeypatch.setattr(hub_module, "SWEEP_S", 0.0)
    harness.hub.start()
    async with asyncio.timeout(20):
        while harness.hub.clients:
            harness.clock.now += 0.25
            await asyncio.sleep(0)
    await harness.hub.close()
    assert silent.aborted
    assert faulty.aborted
    assert (PING, b"") in silent.frames()
    assert caplog.text.count("the heartbeat failed once and continues") == 1


async def test_a_client_that_talks_but_reads_nothing_is_let_go(harness: HubHarness) -> None:
    line = StreamLine(reading=False)
    client = harness.connect(line)
    for _ in range(17):
        harness.pass_time(2.5)
        harness.hub.receive(client, PING, b"")
    await settle()
    assert line.codes == [4408]
    assert line.aborted


async def test_a_client_that_reads_slowly_is_kept(harness: HubHarness) -> None:
    line = StreamLine(reading=False)
    client = harness.connect(line)
    for _ in range(100):
        harness.pass_time(2.5)
        harness.emit(1, "x" * 500)
        line.take(300)
        harness.hub.receive(client, PONG, b"")
    assert client.live


async def test_pings_are_answered_and_nothing_else(harness: HubHarness) -> None:
    line = StreamLine()
    client = harness.connect(line)
    for opcode, data in ((PING, b"abc"), (PING, bytearray(b"d")), (TEXT, '{"type":"ping"}'), (TEXT, "[[["), (0, None)):
        harness.hub.receive(client, opcode, data)
    assert line.frames()[1:] == [(PONG, b"abc"), (PONG, b"d"), (TEXT, b'{"type":"pong"}')]
