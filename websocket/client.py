"""One connected page, as the hub sees it: a transport and a few numbers.

It has no queue and no task of its own; the transport's buffer is what it has not read yet. Times are readings of the
hub's clock, in seconds; sizes are bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

CloseLine = Callable[[int], Awaitable[Any]]
"""The closing handshake with the given code."""


class Client:
    """`live` clients get every event; one that is still sent what it missed is not live yet."""

    __slots__ = (
        "close_line",
        "closing",
        "delivered",
        "init_bytes",
        "live",
        "ping_at",
        "replay",
        "sent",
        "taken_at",
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
        self.init_bytes = 0  # what of its init is still unread
        self.sent = 0
        self.delivered = 0  # what had left our buffer at `taken_at`, the last time anything did
        self.taken_at = now
        self.ping_at = ping_at
        self.waiting_since: float | None = None  # when the ping was sent that has had no answer

    def write(self, data: bytes) -> None:
        self.transport.write(data)
        self.sent += len(data)

    def backlog(self) -> int:
        """What the transport still holds, beyond the init while that drains."""
        unread = self.transport.get_write_buffer_size()
        if unread < self.init_bytes:
            self.init_bytes = unread
        return unread - self.init_bytes

    def discount_lag(self, late: float) -> None:
        """Nobody was looking for so long: it counts neither as silence nor as standing still."""
        self.taken_at += late
        if self.waiting_since is not None:
            self.waiting_since += late

    def silent_for(self, now: float) -> float:
        return 0.0 if self.waiting_since is None else now - self.waiting_since

    def stuck_for(self, now: float) -> float:
        """How long it has taken nothing although something waits. To be asked regularly."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or self.sent - unread != self.delivered:
            self.delivered, self.taken_at = self.sent - unread, now
        return now - self.taken_at
