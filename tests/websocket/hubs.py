"""A hub with the log behind it and a clock, all of them moved by hand."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.lines import Clock, StreamLine, event
from websocket import hub as hub_module
from websocket.hub import Hub

EPOCH = "e1"
NOW_MS = 1706112000000  # the server's time, which pages keep


class HubHarness:
    """A hub, the log behind it and a clock."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.log: list[bytes] = []
        self.snapshots = 0
        self.reads = 0
        self.hub = Hub(
            epoch=EPOCH,
            history=self.history,
            snapshot=self.snapshot,
            clock=self.clock,
            wall_clock=lambda: NOW_MS / 1000,
            **settings,
        )

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

    def connect(self, line: StreamLine, since: int | None = None, epoch: str | None = EPOCH) -> Any:
        return self.hub.connect(line, line.close_line, since, epoch)

    def pass_time(self, seconds: float) -> None:
        """Let the sweeper run on time."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += hub_module.SWEEP_S
            self.hub.sweep()


async def settle(rounds: int = 60) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)
