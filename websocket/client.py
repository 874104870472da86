"""One connected WebSocket client: its transport and the state of its heartbeat and backlog.

It has no queue and no task; what the client has not read yet is in the transport's buffer. Times are readings of the
hub's clock, in seconds; sizes are bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

CloseLine = Callable[[int], Awaitable[Any]]
"""The closing handshake with the given code."""


class Client:
    """A client of the hub. `live` clients receive every event; one that is still in its replay is not live."""

    __slots__ = (
        "close_line",
        "closing",
        "delivered",
        "delivered_at",
        "init_bytes",
        "live",
        "ping_at",
        "replay",
        "sent",
        "transport",
        "waiting_since",
        "wants_ticks",
    )  # fmt: skip

    def __init__(self, transport: asyncio.Transport, close_line: CloseLine, now: float, ping_at: float) -> None:
        self.transport = transport
        self.close_line = close_line
        self.wants_ticks = False
        self.live = False
        self.closing = False
        self.replay: asyncio.Task[None] | None = None
        self.init_bytes = 0  # the unread part of its init
        self.sent = 0
        self.delivered = 0  # bytes that had left the buffer at `delivered_at`, when that number last grew
        self.delivered_at = now
        self.ping_at = ping_at
        self.waiting_since: float | None = None  # when the oldest unanswered ping was sent

    def write(self, data: bytes) -> None:
        self.transport.write(data)
        self.sent += len(data)

    def backlog(self) -> int:
        """Return the unread bytes, without those of the init: its size depends on the run, not on the client."""
        unread = self.transport.get_write_buffer_size()
        if unread < self.init_bytes:
            self.init_bytes = unread
        return unread - self.init_bytes

    def discount_lag(self, late: float) -> None:
        """Subtract a delay of the server itself: it counts neither as silence nor as a stuck client."""
        self.delivered_at += late
        if self.waiting_since is not None:
            self.waiting_since += late

    def silent_for(self, now: float) -> float:
        return 0.0 if self.waiting_since is None else now - self.waiting_since

    def stuck_for(self, now: float) -> float:
        """Return the seconds for which the client has read nothing although data waits. To be called regularly."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or self.sent - unread != self.delivered:
            self.delivered, self.delivered_at = self.sent - unread, now
        return now - self.delivered_at
