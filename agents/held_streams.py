"""The pipes that running agents print into, held open by the guardian for the time after the server.

A pipe lives as long as anybody has its reading end: what an agent has printed and the server has not read is appended
to the recording. Nothing is read while the server lives, and nothing is waited for: who holds the other end may print
for ever. For the guardian, which imports nothing but the smallest modules.
"""

from __future__ import annotations

import os
import sys
from collections import deque

CHUNK_BYTES = 1 << 16  # what a pipe holds
MOST_BYTES = 1 << 26  # of one agent after its server: the longest line that is read, many times a pipe
DESCRIPTORS = 2  # of one stream: its pipe and its recording
INT_BYTES = 4


class HeldStreams:
    """The streams by the numbers that the server has given them."""

    def __init__(self) -> None:
        self._arrived: deque[int] = deque()  # descriptors whose line has not been read yet
        self._streams: dict[int, tuple[int, int]] = {}
        self._left: dict[int, int] = {}

    def receive(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        """Take descriptors as `recvmsg` gives them, in the order of the lines that name them."""
        for _, _, data in ancillary:
            whole = len(data) - len(data) % INT_BYTES
            self._arrived += [int.from_bytes(data[at : at + 4], sys.byteorder) for at in range(0, whole, INT_BYTES)]

    def hold(self, number: int) -> None:
        """Keep the next stream that has arrived."""
        if len(self._arrived) >= DESCRIPTORS:
            self._streams[number] = self._arrived.popleft(), self._arrived.popleft()
            self._left[number] = MOST_BYTES

    def drop(self, number: int) -> None:
        """Close a stream, and with it the lock of its recording."""
        self._left.pop(number, None)
        for descriptor in self._streams.pop(number, ()):
            os.close(descriptor)

    def drain(self) -> None:
        """Append to each recording what is in its pipe now; only after the server's end."""
        for number, (pipe, recording) in self._streams.items():
            while self._left[number] > 0 and (size := _move(pipe, recording)):
                self._left[number] -= size

    def close(self) -> None:
        """Release all recordings."""
        for number in list(self._streams):
            self.drop(number)


def _move(pipe: int, recording: int) -> int:
    """How many bytes were read: none if there are none now, and none where they cannot be written."""
    try:
        data = os.read(pipe, CHUNK_BYTES)  # the server has made it one that does not block
        os.lseek(recording, 0, os.SEEK_END)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(recording, rest) :]
    except OSError:
        return 0
    return len(data)
