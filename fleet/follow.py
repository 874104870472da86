"""Follows one runner of this machine by its own `/ws`: every event once and in order, over every break of the line.

A break is resumed with the last `seq` and the epoch of the runner's database, as a page does it; the answer of another
database, or of one that was pruned too far, is a new snapshot. Promises: no event is passed on twice or after a gap; a
runner that has ended is reported as lost at once, one that is stopped or hangs within `QUIET_S` and `ANSWER_S`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import msgspec

from base.plain_json import JsonObject
from fleet.client import SILENT, RunnerClient
from fleet.registry import Entry
from fleet.source import Committed, Envelope, Facts, Heard, Lost, News, RunnerId, Snapshot, Unreachable
from runstate.server_state import ServerState
from security.grants import Role
from store.rows import now_ms

QUIET_S: Final = 1.0  # of silence, after which the runner is asked for a sign of life …
ANSWER_S: Final = 1.5  # … and has so long to give it
RETRY_S: Final = 0.25  # before the first new try, doubled each time …
RETRY_MAX_S: Final = 2.0  # … up to this
FACTS_S: Final = 1.0  # between two reads of the facts at least: the cost of the day changes all the time …
FACTS_MAX_S: Final = 30.0  # … and at most: a runner of an earlier version does not say when they change
PING: Final = '{"type":"ping"}'

Sink = Callable[[News], Awaitable[None]]


class _Message(msgspec.Struct):
    """A message of the runner: an event, or `init`, `resumed`, `tick`, `pong`."""

    type: str
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    seq: int = 0
    timestamp: int = 0
    revision: int = 0
    batch_id: int | None = None
    problem: str | None = None


class _Init(msgspec.Struct):
    seq: int
    epoch: str
    run: msgspec.Raw


class _Resumed(msgspec.Struct):
    first: int = msgspec.field(name="from")


_messages: Final = msgspec.json.Decoder(_Message)


class Follower:
    """Follows one runner until it is cancelled, and gives `sink` its news. `entry` may change at any time."""

    def __init__(self, client: RunnerClient, runner: RunnerId, entry: Entry, sink: Sink) -> None:
        self._client = client
        self._runner = runner
        self._sink = sink
        self._changed = asyncio.Event()
        self._facts_due = asyncio.Event()
        self._position: tuple[str, int] | None = None  # epoch and seq of the last event that was passed on
        self._sign_of_facts: tuple[int, str | None] = (0, None)  # of the last tick
        self.entry = entry

    def replace(self, entry: Entry) -> None:
        """Follow the runner at another address, or another process at the same one."""
        if entry != self.entry:
            self.entry = entry
            self._changed.set()

    def resync(self) -> None:
        """Begin anew with a snapshot."""
        self._position = None
        self._changed.set()

    async def run(self) -> None:
        """Follow the runner; never returns."""
        facts = asyncio.create_task(self._keep_facts())
        try:
            await self._keep_line()
        finally:
            facts.cancel()
            with suppress(asyncio.CancelledError):
                await facts

    async def _keep_line(self) -> None:
        wait = RETRY_S
        while True:
            self._changed.clear()
            before = self._position
            try:
                await self._line()
            except Unreachable as error:
                await self._sink(Lost(self._runner, str(error)))
            if self._position != before:
                wait = RETRY_S
            with suppress(TimeoutError):  # a new entry is tried at once
                await asyncio.wait_for(self._changed.wait(), wait)
            wait = min(2 * wait, RETRY_MAX_S)

    async def _line(self) -> None:
        """Follow one connection to its end. Raises `Unreachable`."""
        epoch, seq = self._position or ("none", 0)
        query = urlencode({"since": seq, "epoch": epoch})
        async with self._client.socket(self.entry, query, Role.OPERATOR) as socket:
            while not self._changed.is_set():
                if not await self._hear(await self._next(socket)):
                    return

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        """Return the next message; ask for one after a silence. Raises `Unreachable`."""
        for patience in (QUIET_S, ANSWER_S):
            try:
                message = await socket.receive(patience)
            except TimeoutError:
                if patience == QUIET_S:
                    await self._ask(socket)
                continue
            if message.type is aiohttp.WSMsgType.TEXT:
                return str(message.data)
            raise Unreachable("The connection to it has ended.")
        raise Unreachable(SILENT)

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            await socket.send_str(PING)
        except (OSError, aiohttp.ClientError):
            raise Unreachable("The connection to it has ended.") from None

    async def _hear(self, text: str) -> bool:
        """Pass a message on; return whether the line may be followed further."""
        try:
            message = _messages.decode(text)
            match message.type:
                case "init":
                    return await self._init(msgspec.json.decode(message.payload, type=_Init))
                case "resumed":
                    return self._resumed(msgspec.json.decode(message.payload, type=_Resumed))
                case "tick" | "pong":
                    return await self._sign(message)
                case _:
                    return await self._event(message)
        except msgspec.DecodeError as error:
            raise Unreachable(f"It says what this version does not understand: {error}.") from None

    async def _init(self, init: _Init) -> bool:
        self._position = (init.epoch, init.seq)
        await self._sink(Snapshot(self._runner, init.epoch, init.seq, bytes(init.run), now_ms()))
        return True

    def _resumed(self, resumed: _Resumed) -> bool:
        if self._position is not None and resumed.first == self._position[1] + 1:
            self._facts_due.set()
            return True
        self._position = None
        return False

    async def _sign(self, message: _Message) -> bool:
        await self._sink(Heard(self._runner, now_ms()))
        if message.type == "tick":
            if (sign := (message.revision, message.problem)) != self._sign_of_facts:
                self._sign_of_facts = sign
                self._facts_due.set()
            # What the server has sent and what was received differ: ask again from there.
            return self._position is not None and message.seq <= self._position[1]
        return True

    async def _event(self, message: _Message) -> bool:
        if self._position is None:
            return False
        epoch, seq = self._position
        if message.seq <= seq:
            return True
        if message.seq != seq + 1:
            return False
        payload: JsonObject = msgspec.json.decode(message.payload, type=dict[str, Any])
        event = Envelope(message.type, payload, message.timestamp, message.seq, message.batch_id)
        self._position = (epoch, message.seq)
        await self._sink(Committed(self._runner, epoch, (event,), now_ms()))
        return True

    async def _keep_facts(self) -> None:
        """Read what no event carries whenever the runner says that it has changed."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._facts_due.wait(), FACTS_MAX_S)
            self._facts_due.clear()
            with suppress(Unreachable, msgspec.DecodeError):
                run = await self._client.get(self.entry, "/api/run")
                await self._sink(Facts(self._runner, msgspec.json.decode(run, type=ServerState)))
            await asyncio.sleep(FACTS_S)
