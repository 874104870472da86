"""The replay of the events that a resuming client has missed: from the log as long as needed, then from the ring.

Promises: the last piece of the ring makes the client live in the same block, so no event is missed or sent twice; a
replay is as fast as its client reads, and keeps the client's buffer below the hub's bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from websocket import frames
from websocket.client import Client
from websocket.ring import Ring, pieces

REPLAY_EVENTS: Final = 500  # events read from the log at a time
REPLAY_PAUSE_S: Final = 0.01  # first wait for the client to read what was sent
REPLAY_PAUSE_MAX_S: Final = 0.25  # waits grow up to this
UNREAD_MAX: Final = 512 * 1024  # bytes in the client's buffer from which on the replay waits: half of the hub's bound

History = Callable[[int, int], Awaitable[list[bytes]]]
"""The log behind the ring: stored envelopes with first <= seq <= last, oldest first."""


class HistoryGap(RuntimeError):
    """The log does not contain all of the requested events."""


class Replay:
    """Sends clients what they missed. `clients` are those connected, `send` writes to one or disconnects it."""

    def __init__(
        self, ring: Ring, clients: Collection[Client], history: History, send: Callable[[Client, bytes], None]
    ) -> None:
        self._ring = ring
        self._clients = clients
        self._history = history
        self._send = send
        self._turn = asyncio.Lock()

    def start(self, client: Client, since: int) -> int:
        """Send the first piece without waiting, if the ring has it; return the `seq` that the client has then."""
        return self._send_ring(client, since) if self._ring.reaches(since) else since

    async def finish(self, client: Client, since: int) -> None:
        """Send the rest until the client is live. Raises `HistoryGap`, and the errors of the log.

        The hub's sweeper disconnects a client that reads nothing, which cancels this.
        """
        while client in self._clients and not client.live:
            await self._drained(client)
            reached = self._ring.reaches(since)
            since = self._send_ring(client, since) if reached else await self._send_log(client, since)

    def _send_ring(self, client: Client, since: int) -> int:
        """Send a piece. With the last one the client becomes live in the same block, so no event is missed."""
        piece = self._ring.piece(since)
        if piece:
            self._send(client, b"".join(piece))
        client.live = since + len(piece) == self._ring.seq
        return since + len(piece)

    async def _send_log(self, client: Client, since: int) -> int:
        last = min(since + REPLAY_EVENTS, self._ring.seq)
        envelopes = await self._history(since + 1, last)
        # A client cannot tell a gap from events that are still to come, so it is disconnected instead.
        if len(envelopes) != last - since:
            raise HistoryGap(f"the log holds {len(envelopes)} of the events {since + 1} to {last}")
        for piece in pieces(map(frames.frame, envelopes)):
            self._send(client, b"".join(piece))
            await self._drained(client)
        return last

    async def _drained(self, client: Client) -> None:
        """Wait until the client has read most of the data."""
        async with self._turn:  # among many replays, the loop runs other tasks after every single piece
            await asyncio.sleep(0)
        pause = REPLAY_PAUSE_S
        while client.transport.get_write_buffer_size() > UNREAD_MAX:
            await asyncio.sleep(pause)
            pause = min(2 * pause, REPLAY_PAUSE_MAX_S)
