"""Who is connected, and how every committed event reaches each of them exactly once.

Owns the clients of `/ws`: fan-out, `init` and resume, heartbeat, slow clients, shutdown. Promises: connecting and
publishing are each one block without an `await`, so no event slips in between; the frames of a commit are built once
and written to each client with one `transport.write`; a client that does not read costs its own bounded buffer and
nobody else a microsecond. The transport's buffer is the only queue (RFC 6455 frames, no compression, no send tasks).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from events import Event

BACKLOG_MAX: Final = 1 << 20  # bytes a client may leave unread, beside its own init while that drains
RING_EVENTS: Final = 10_000  # newest events kept as frames, for resuming without the disk
RING_BYTES: Final = 8 << 20  # and never more than this many bytes of them
INIT_EVENTS: Final = 50  # events in an init, as protocol.md says
REPLAY_CHUNK: Final = 1_000  # events read from the log at a time when a client resumes from far behind
REPLAY_STALL_S: Final = 10.0  # a resuming client that takes nothing for so long is too slow
CLOSE_S: Final = 2.0  # how long a closing handshake may take before the line is cut
SWEEP_S: Final = 0.25  # how often the heartbeat looks at the clients
LATE_S: Final = 2.0  # a sweep later than this was the machine's fault (sleep, load), not the clients'
MESSAGE_MAX: Final = 16 * 1024  # bytes of a client's message; more closes with 1009

GOING_AWAY: Final = 1001
TOO_SLOW: Final = 4408
TOO_MANY: Final = 4429

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA  # RFC 6455 section 5.2, opcodes

log = logging.getLogger("sprint_runner.hub")


def frame(data: bytes, opcode: int = TEXT) -> bytes:
    """One unmasked, unfragmented WebSocket frame (RFC 6455 section 5.2)."""
    size = len(data)
    if size < 126:
        return bytes((0x80 | opcode, size)) + data
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2) + data
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8) + data


class Client:
    """One connected page: a transport and a few numbers. Times are readings of the hub's clock, in seconds."""

    __slots__ = ("allowance", "close_line", "closing", "ping_at", "transport", "waiting_since", "wants_ticks")

    def __init__(
        self, transport: asyncio.Transport, close_line: Callable[[int], Awaitable[Any]], ping_at: float
    ) -> None:
        self.transport = transport
        self.close_line = close_line
        self.wants_ticks = False
        self.allowance = 0
        self.ping_at = ping_at
        self.waiting_since: float | None = None  # when the ping was sent that has had no answer
        self.closing = False


class History(Protocol):
    """The log behind the ring: stored envelopes with first <= seq <= last, oldest first."""

    def __call__(self, first: int, last: int) -> Awaitable[list[bytes]]: ...


class Hub:
    """The clients of one server. `snapshot` gives the JSON of the run and of its active batch, as of `seq`."""

    def __init__(
        self,
        *,
        epoch: str,
        history: History,
        snapshot: Callable[[], tuple[bytes, bytes]],
        clock: Callable[[], float],
        heartbeat_s: float = 30.0,
        pong_timeout_s: float = 10.0,
        max_clients: int = 1000,
    ) -> None:
        self.epoch = epoch
        self.seq = 0
        self.clients: set[Client] = set()
        self.dropped = 0
        self.deliveries = 0
        self.lag_s = 0.0
        self._history = history
        self._snapshot = snapshot
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._pong_timeout_s = pong_timeout_s
        self._max_clients = max_clients
        self._ring: deque[bytes] = deque()
        self._ring_bytes = 0
        self._recent: deque[bytes] = deque(maxlen=INIT_EVENTS)
        self._init: bytes | None = None
        self._closers: set[asyncio.Task[None]] = set()
        self._closed = False
        self._swept_at = clock()
        self._sweeper: asyncio.Task[None] | None = None

    # -- events ------------------------------------------------------------------------------------------------

    def load(self, seq: int, envelopes: Iterable[bytes]) -> None:
        """Fill the ring at start with the newest stored envelopes, the last of which has the given seq."""
        self.seq = seq
        for data in envelopes:
            self._remember(data)

    def publish(self, events: Sequence[Event]) -> None:
        """Hand one commit to every client: one block, one write each."""
        flush = b"".join([self._remember(event.data) for event in events])
        self.seq = events[-1].seq
        self._init = None
        for client in tuple(self.clients):
            self._send(client, flush)
        self.deliveries += len(events) * len(self.clients)

    def refresh(self) -> None:
        """Something of the snapshot changed that no event tells: build the next `init` anew."""
        self._init = None

    def _remember(self, data: bytes) -> bytes:
        built = frame(data)
        self._ring.append(built)
        self._ring_bytes += len(built)
        while len(self._ring) > RING_EVENTS or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= len(self._ring.popleft())
        self._recent.append(data)
        return built

    # -- connecting --------------------------------------------------------------------------------------------

    async def connect(
        self,
        transport: asyncio.Transport,
        close_line: Callable[[int], Awaitable[Any]],
        since: int | None = None,
        epoch: str | None = None,
    ) -> Client:
        """Greet a client with `init` or with what it missed, and from then on send it every event.

        `since` is the last seq the client has seen, None when it named none. The client must be given to `forget`.
        """
        client = Client(transport, close_line, self._clock() + self._heartbeat_s)
        client.wants_ticks = since is not None
        if self._closed or len(self.clients) >= self._max_clients:
            await self._close(client, GOING_AWAY if self._closed else TOO_MANY)
        elif since is None or epoch != self.epoch or since > self.seq:
            self._greet(client, self._init_frame())
        else:
            await self._replay(client, since)
        return client

    def forget(self, client: Client) -> None:
        """The line is gone; safe to call again."""
        self.clients.discard(client)

    def _greet(self, client: Client, data: bytes) -> None:
        client.allowance = len(data)
        client.transport.write(data)
        self.clients.add(client)

    def _init_frame(self) -> bytes:
        """Serialised once for any number of clients that connect at the same seq."""
        if self._init is None:
            batch, run = self._snapshot()
            fields = (batch, b",".join(self._recent), self.seq, msgspec.json.encode(self.epoch), run)
            head = b'{"type":"init","payload":{"batch":%b,"events":[%b],"seq":%d,"epoch":%b,' % fields[:4]
            self._init = frame(head + b'"recovered":false,"run":%b}}' % run)
        return self._init

    async def _replay(self, client: Client, since: int) -> None:
        """Send what is missing: from the log while it is older than the ring, then, in one block, from the ring."""
        missing = {"type": "resumed", "payload": {"from": since + 1, "to": self.seq}}
        client.transport.write(frame(msgspec.json.encode(missing)))
        while since < self.seq - len(self._ring):
            last = min(since + REPLAY_CHUNK, self.seq)
            envelopes = await self._history(since + 1, last)
            if client.transport.is_closing():
                return
            client.transport.write(b"".join([frame(data) for data in envelopes]))
            since = last
            if not await self._drained(client):
                await self._close(client, TOO_SLOW)
                return
        tail = itertools.islice(self._ring, len(self._ring) - (self.seq - since), None)
        self._greet(client, b"".join(tail))

    async def _drained(self, client: Client) -> bool:
        """Wait until the client has taken half of what it was sent; False when it takes nothing for too long."""
        left = client.transport.get_write_buffer_size()
        progress_at = self._clock()
        while left > BACKLOG_MAX // 2 and not client.transport.is_closing():
            await asyncio.sleep(0.01)
            size = client.transport.get_write_buffer_size()
            if size < left:
                left, progress_at = size, self._clock()
            elif self._clock() - progress_at > REPLAY_STALL_S:
                return False
        return True

    # -- one client --------------------------------------------------------------------------------------------

    def _send(self, client: Client, data: bytes) -> None:
        """Write to one client; over its bound it is let go, and comes back with `since`."""
        if client.transport.is_closing():
            self.clients.discard(client)
            return
        client.transport.write(data)
        backlog = client.transport.get_write_buffer_size()
        if backlog == 0:
            client.allowance = 0
        elif backlog > BACKLOG_MAX + client.allowance:
            self._let_go(client, TOO_SLOW)

    def heard(self, client: Client, opcode: int, data: str | bytes) -> None:
        """A message came in. Only pings are answered; everything else, of any shape, is just a sign of life."""
        client.waiting_since = None
        if opcode == PING:
            self._send(client, frame(data if isinstance(data, bytes) else data.encode(), PONG))
        elif opcode == TEXT and _is_ping(data):
            self._send(client, frame(b'{"type":"pong"}'))

    def _let_go(self, client: Client, code: int) -> None:
        """Stop sending at once; the closing handshake goes on in a task of its own, with a deadline."""
        self.clients.discard(client)
        self.dropped += 1
        task = asyncio.get_running_loop().create_task(self._close(client, code))
        self._closers.add(task)
        task.add_done_callback(self._closers.discard)

    async def _close(self, client: Client, code: int) -> None:
        if client.closing:
            return
        client.closing = True
        try:
            async with asyncio.timeout(CLOSE_S):
                await client.close_line(code)
        except TimeoutError:
            log.info("a client did not close within %.0f s and was cut off", CLOSE_S)
        finally:
            client.transport.abort()

    # -- heartbeat and shutdown --------------------------------------------------------------------------------

    def start(self) -> None:
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def close(self) -> None:
        """1001 to all, at most `CLOSE_S` for their answers, the rest aborted."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        clients, self.clients = self.clients, set()
        await asyncio.gather(*(self._close(client, GOING_AWAY) for client in clients), *self._closers)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """Ping whom it is time to ping, abort who has not answered in time."""
        now = self._clock()
        late = now - self._swept_at - SWEEP_S
        self._swept_at, self.lag_s = now, max(late, 0.0)
        for client in tuple(self.clients):
            if late > LATE_S and client.waiting_since is not None:
                client.waiting_since += late
            self._check(client, now)

    def _check(self, client: Client, now: float) -> None:
        if client.waiting_since is not None and now - client.waiting_since >= self._pong_timeout_s:
            self.clients.discard(client)
            self.dropped += 1
            client.transport.abort()
        elif now >= client.ping_at:
            client.ping_at = now + self._heartbeat_s
            client.waiting_since = now if client.waiting_since is None else client.waiting_since
            tick = frame(b'{"type":"tick","seq":%d}' % self.seq) if client.wants_ticks else b""
            self._send(client, frame(b"", PING) + tick)


def _is_ping(data: str | bytes) -> bool:
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
    return isinstance(message, dict) and message.get("type") == "ping"
