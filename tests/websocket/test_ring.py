"""The ring is gapless, bounded, and hands out runs that are bounded, too."""

from __future__ import annotations

import pytest

from websocket import ring
from websocket.frames import frame
from websocket.ring import Ring, pieces


def test_pieces_keep_order_and_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "PIECE_BYTES", 10)
    assert list(pieces([b"aaaa", b"bbbb", b"cccc", b"d" * 50, b"e"])) == [
        [b"aaaa", b"bbbb", b"cccc"],
        [b"d" * 50],
        [b"e"],
    ]
    assert list(pieces([])) == []


def test_it_reaches_back_as_far_as_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_EVENTS", 3)
    held = Ring()
    for seq in range(1, 6):
        held.add(seq, [b"%d" % seq])
    assert (held.reaches(5), held.reaches(2), held.reaches(1)) == (True, True, False)
    assert held.piece(2) == [frame(b"3"), frame(b"4"), frame(b"5")]
    assert held.piece(5) == []
    assert held.recent == b"1,2,3,4,5"


def test_it_holds_a_bounded_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "RING_BYTES", 500)
    held = Ring()
    held.add(100, [b"x" * 98 for _ in range(100)])
    assert held.reaches(95)
    assert not held.reaches(94)


def test_cleared_it_reaches_nothing_older() -> None:
    held = Ring()
    held.add(2, [b"1", b"2"])
    held.clear()
    held.add(5, [b"5"])
    assert held.reaches(4)
    assert not held.reaches(3)
