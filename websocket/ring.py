"""The newest events as frames, to send `init` and replays without a read from the disk.

The ring has no gap: it contains the events up to the newest one, as far back as its bounds allow.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from websocket.frames import frame

RING_EVENTS: Final = 10_000  # some minutes of a busy run
RING_BYTES: Final = 8 << 20  # and never more than this many bytes of frames
INIT_EVENTS: Final = 50  # events in an init; part of the protocol
PIECE_BYTES: Final = 128 * 1024  # bytes of one write of a replay: a fraction of a millisecond on the loop


class Ring:
    """The frames of the newest events; `seq` is that of the newest one, 0 before the first."""

    def __init__(self) -> None:
        self.seq = 0
        self.oldest = 1  # the oldest event that the log still has
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._recent: deque[bytes] = deque(maxlen=INIT_EVENTS)

    def add(self, seq: int, envelopes: Iterable[bytes]) -> bytes:
        """Append the events up to `seq` without a gap and return their frames joined."""
        built = []
        for data in envelopes:
            self._recent.append(data)
            built.append(frame(data))
        self._frames.extend(built)
        flush = b"".join(built)
        self._bytes += len(flush)
        self.seq = seq
        while len(self._frames) > RING_EVENTS or self._bytes > RING_BYTES:
            self._bytes -= len(self._frames.popleft())
        return flush

    def clear(self) -> None:
        self._frames.clear()
        self._recent.clear()
        self._bytes = 0

    @property
    def recent(self) -> bytes:
        """The newest `INIT_EVENTS` envelopes, oldest first, separated by commas."""
        return b",".join(self._recent)

    def pruned(self, oldest: int) -> None:
        """Record that the log was pruned up to, but not including, `oldest`."""
        self.oldest = oldest

    def within(self, since: int) -> bool:
        """Whether everything after `since` is in the ring or in the log."""
        return since <= self.seq and (since + 1 >= self.oldest or self.reaches(since))

    def reaches(self, since: int) -> bool:
        """Whether everything after `since` is in the ring."""
        return self.seq - since <= len(self._frames)

    def piece(self, since: int) -> list[bytes]:
        """Return the first frames after `since`, about `PIECE_BYTES` of them; empty when nothing is newer."""
        start = len(self._frames) - (self.seq - since)
        return next(pieces(itertools.islice(self._frames, start, None)), [])


def pieces(frames: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield consecutive frames in lists of about `PIECE_BYTES`, none of them empty."""
    piece: list[bytes] = []
    size = 0
    for data in frames:
        piece.append(data)
        size += len(data)
        if size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
