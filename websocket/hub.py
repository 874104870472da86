"""The hub of all WebSocket clients: every committed event reaches each client exactly once.

Owns the clients of `/ws`: fan-out, `init` and resume, heartbeat, slow clients, shutdown. Promises: connecting and
publishing are each one block without an `await`, so no event is lost or sent twice in between; the frames of a commit
are built once and written to each client with one `transport.write`; a client that does not read uses its own bounded
buffer and delays no other one. The transport's buffer is the only queue; only a long replay has its own task.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final, Protocol

from websocket import frames
from websocket.client import Client, CloseLine
from websocket.replay import History, Replay
from websocket.ring import INIT_EVENTS, Ring

BACKLOG_MAX: Final = 1 << 20  # bytes that a client may leave unread before a flush, in addition to its init
CLOSE_S: Final = 2.0  # seconds for the closing handshake before the connection is aborted
SWEEP_S: Final = 0.25  # seconds between two checks of all clients
LATE_S: Final = 0.5  # a sweep later than this was delayed by the machine (sleep, load), not by the clients

log = logging.getLogger("sprint_runner.hub")


class Published(Protocol):
    """An event as the hub needs it: its number, and the envelope as it goes over the wire."""

    @property
    def seq(self) -> int: ...
    @property
    def data(self) -> bytes: ...


class Hub:
    """The clients of one server. `snapshot` returns the JSON of the active batch and of the run, as of `seq`."""

    def __init__(
        self,
        *,
        epoch: str,
        history: History,
        snapshot: Callable[[], tuple[bytes, bytes]],
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = time.time,
        heartbeat_s: float = 30.0,
        pong_timeout_s: float = 10.0,
        max_clients: int = 1000,
        page: str = "",
    ) -> None:
        self.epoch = epoch
        self.page = page  # the version of the page, which every first message has
        self.clients: set[Client] = set()
        self.dropped = self.refused = self.deliveries = 0
        self.lag_s = 0.0
        self.problem: str | None = None
        self.on_refresh: Callable[[], None] = lambda: None  # called once for all changes between two sweeps
        self._revision = self._revision_sent = 0  # of what no event carries
        self._snapshot = snapshot
        self._clock = clock
        self._wall_clock = wall_clock  # pages count from the server's time, since their own clock may be wrong
        self._heartbeat_s = heartbeat_s
        self._pong_timeout_s = pong_timeout_s
        self._max_clients = max_clients
        self.ring = Ring()
        self._replay = Replay(self.ring, self.clients, history, self._send)
        self._init: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._swept_at = clock()
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def seq(self) -> int:
        """The `seq` of the newest published event."""
        return self.ring.seq

    # -- events ------------------------------------------------------------------------------------------------

    def load(self, seq: int, envelopes: Iterable[bytes]) -> None:
        """Fill the ring at start with the newest stored envelopes, the last of which has the given seq."""
        self.ring.add(seq, envelopes)

    def publish(self, events: Sequence[Published]) -> None:
        """Send one commit to every client: one block, one write each."""
        if events[0].seq != self.seq + 1:
            self._start_over(events[0].seq)
        flush = self.ring.add(events[-1].seq, [event.data for event in events])
        self._init = None
        live = [client for client in self.clients if client.live]
        for client in live:
            self._send(client, flush)
        self.deliveries += len(events) * len(live)

    def refresh(self) -> None:
        """Build the next `init` again: the snapshot has changed in a part that no event carries.

        Clients are sent a tick with the next sweep, so that many changes in a row are one.
        """
        self._init = None
        self._revision += 1

    def _start_over(self, seq: int) -> None:
        """Disconnect all clients after committed events were not published: they resume from the log."""
        log.error("events %d to %d did not reach the clients; the clients must reconnect", self.seq + 1, seq - 1)
        self.ring.clear()
        for client in tuple(self.clients):
            self._drop(client)

    # -- connecting --------------------------------------------------------------------------------------------

    def connect(
        self, transport: asyncio.Transport, close_line: CloseLine, since: int | None = None, epoch: str | None = None
    ) -> Client:
        """Send a client `init` or the events that it missed, and from then on every event.

        `since` is the last seq that the client has received, None for a new client. Call `forget` after its end.
        """
        now = self._clock()
        client = Client(transport, close_line, now, now + self._heartbeat_s)
        client.wants_ticks = since is not None
        if self._closed or len(self.clients) >= self._max_clients:
            self.refused += 1
            self._disconnect(client, frames.GOING_AWAY if self._closed else frames.TOO_MANY)
            return client
        self.clients.add(client)
        if since is None or epoch != self.epoch or not self.ring.within(since):
            init = self._init_frame()
            client.live = True
            self._send(client, init)
            client.init_bytes = len(init)
        else:
            self._resume(client, since)
        return client

    def forget(self, client: Client) -> None:
        """Remove a client whose connection has ended; may be called again."""
        client.live = False
        self.clients.discard(client)
        if client.replay is not None:
            client.replay.cancel()

    def end(self, client: Client, code: int) -> None:
        """Send a client nothing more, and close its connection."""
        self._disconnect(client, code)

    def init_text(self) -> bytes:
        """Return the message `init` for a page that another server has."""
        batch, run = self._snapshot()
        payload = frames.init_payload(batch, self.ring.recent, self.seq, self.epoch, run)
        return frames.init_text(payload, self._now_ms())

    def _init_frame(self) -> bytes:
        """Return the `init` frame, serialised once for all clients that connect at the same seq."""
        if self._init is None:
            batch, run = self._snapshot()
            self._init = frames.init_payload(batch, self.ring.recent, self.seq, self.epoch, run, self.page)
        return frames.init(self._init, self._now_ms())

    def _now_ms(self) -> int:
        return int(self._wall_clock() * 1000)

    def _resume(self, client: Client, since: int) -> None:
        """Send the missed events: immediately when one piece of the ring contains all, otherwise piece by piece."""
        self._send(client, frames.resumed(since + 1, self.seq, self.page))
        since = self._replay.start(client, since)
        if client in self.clients and not client.live:
            client.replay = self._spawn(self._finish_replay(client, since))

    async def _finish_replay(self, client: Client, since: int) -> None:
        try:
            await self._replay.finish(client, since)
        except Exception as error:
            log.error("a client that resumed after event %d was not served: %r", since, error)
            self._disconnect(client, frames.FAILED)

    # -- one client --------------------------------------------------------------------------------------------

    def _send(self, client: Client, data: bytes) -> None:
        """Write to one client, or disconnect it when its backlog is over the bound: it reconnects with `since`."""
        if client.transport.is_closing():
            self.forget(client)
        elif client.backlog() > BACKLOG_MAX:
            self._drop(client)
        else:
            client.write(data)

    def receive(self, client: Client, opcode: int, data: object) -> None:
        """Handle a message of a client: reply to pings; anything else only proves that the client is alive."""
        client.waiting_since = None
        if client.closing:
            return
        if opcode == frames.PING and isinstance(data, bytes | bytearray):
            self._send(client, frames.frame(bytes(data), frames.PONG))
        elif opcode == frames.TEXT and isinstance(data, str) and frames.is_ping(data):
            self._send(client, frames.PONG_MESSAGE)

    def _drop(self, client: Client) -> None:
        self.dropped += 1
        self._disconnect(client, frames.TOO_SLOW)

    def _disconnect(self, client: Client, code: int) -> None:
        """Stop sending immediately; the closing handshake runs in its own task, with a deadline."""
        self.forget(client)
        if not client.closing:
            client.closing = True
            self._spawn(self._close(client, code))

    async def _close(self, client: Client, code: int) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await client.close_line(code)
        except TimeoutError:
            log.info("a client did not close within %.0f s and was aborted", CLOSE_S)
        finally:
            client.transport.abort()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- heartbeat and shutdown --------------------------------------------------------------------------------

    def start(self) -> None:
        self._swept_at = self._clock()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def close(self) -> None:
        """Close all connections with 1001; abort those that have not closed after `CLOSE_S`."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for client in tuple(self.clients):
            self._disconnect(client, frames.GOING_AWAY)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                self.sweep()
            except Exception:  # without the sweeper no dead client would ever be removed
                log.exception("the heartbeat failed once and continues")

    def sweep(self) -> None:
        """Ping clients that are due, abort those without a reply in time, disconnect those that read nothing."""
        now = self._clock()
        self.lag_s = max(now - self._swept_at - SWEEP_S, 0.0)
        self._swept_at = now
        if self._revision != self._revision_sent:
            self._revision_sent = self._revision
            self._send_ticks()
            self.on_refresh()
        for client in tuple(self.clients):
            if self.lag_s > LATE_S:
                client.discount_lag(self.lag_s)
            self._check(client, now)

    def _check(self, client: Client, now: float) -> None:
        stuck = client.stuck_for(now)
        if client.silent_for(now) >= self._pong_timeout_s:
            self.dropped += 1
            self.forget(client)
            client.transport.abort()
        elif stuck >= self._heartbeat_s + self._pong_timeout_s:
            self._drop(client)  # it answers pings, but reads nothing
        elif now >= client.ping_at:
            self._ping(client, now)

    def _ping(self, client: Client, now: float) -> None:
        client.ping_at = now + self._heartbeat_s
        client.waiting_since = now if client.waiting_since is None else client.waiting_since
        tick = self._tick() if client.wants_ticks and client.live else b""
        self._send(client, frames.frame(b"", frames.PING) + tick)

    def _tick(self) -> bytes:
        return frames.tick(self.seq, self.problem, self._now_ms(), self._revision)

    def _send_ticks(self) -> None:
        tick = self._tick()
        for client in tuple(self.clients):
            if client.wants_ticks and client.live:
                self._send(client, tick)

    def set_problem(self, problem: str | None) -> None:
        """Report a problem that prevents events from being stored: with a tick now, and with every later one."""
        self.problem = problem
        self._init = None
        self._send_ticks()


__all__ = ["BACKLOG_MAX", "CLOSE_S", "INIT_EVENTS", "Client", "Hub"]
