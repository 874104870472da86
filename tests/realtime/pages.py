"""Pages as browsers are: they note what they see, and come back with `since` when their line is gone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import aiohttp
import msgspec

from tests.lines import Envelope
from tests.realtime.server import DrivenServer

_decode = msgspec.json.Decoder(Envelope).decode


class PageClient:
    """Runs until `leave`. `seen` are the seqs in the order they came, `delays` the seconds from emission to here.

    `first` is what it has seen before it came; a page that names no `since` learns it from its `init`.
    """

    def __init__(self, server: DrivenServer, epoch: str, *, since: int | None = 0) -> None:
        self.server, self.epoch = server, epoch
        self.first = since
        self.resumed = 0
        self.seen: list[int] = []
        self.delays: list[float] = []
        self.inits = 0
        self.codes: list[int | None] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self._line: aiohttp.ClientWebSocketResponse | None = None
        self._task = asyncio.create_task(self._live())

    @property
    def last(self) -> int:
        return self.seen[-1] if self.seen else (self.first or 0)

    def drop(self) -> None:
        """Cut the line without a word."""
        transport: Any = None if self._line is None else self._line.get_extra_info("socket")
        if self._line is not None and transport is not None and self._line._response.connection is not None:
            self._line._response.connection.transport.abort()  # type: ignore[union-attr]

    async def until(self, seq: int) -> None:
        self.reading.set()
        async with asyncio.timeout(240):
            while self.last < seq:
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _live(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                query = "" if self.first is None else f"?since={self.last}&epoch={self.epoch}"
                async with self.server.connect(query) as self._line:
                    await self._read(self._line)
                    self.codes.append(self._line.close_code)
            await asyncio.sleep(0.05)

    async def _read(self, line: aiohttp.ClientWebSocketResponse) -> None:
        async for message in line:
            await self.reading.wait()
            one = _decode(message.data)
            self.resumed += one.type == "resumed"
            if one.type == "init":
                self._greeted(bytes(one.payload))
            elif one.seq is not None and bytes(one.payload):
                self.seen.append(one.seq)
                self._time(bytes(one.payload))

    def _greeted(self, payload: bytes) -> None:
        self.inits += 1
        if self.first is None:
            self.first = msgspec.json.decode(payload)["seq"]

    def _time(self, payload: bytes) -> None:
        at = payload.find(b'"message":"') + len(b'"message":"')
        stamp = payload[at : at + 24].split(b" ")[0]
        if stamp.isdigit():
            self.delays.append((time.monotonic_ns() - int(stamp)) / 1e9)


def quantile(values: list[float], part: float) -> float:
    """The value below which the given part of the values lies."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]
