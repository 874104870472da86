"""The delivery of the events of a broker's runners: each runner from a snapshot on, its events without a gap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from fleet.source import Committed, Lost, RunnerId, RunnerRequest, RunnerResponse, Snapshot, Unreachable
from fleet.stream.broker import Broker, BrokerProblem, NoStream
from fleet.stream.follow import Delivered, Missing, Unreadable, follow
from fleet.stream.presence import NO_RUN
from fleet.stream.remote import Remote
from security.grants import Role
from store.rows import now_ms

RETRY_S: Final = 0.5
MAKE_S: Final = 1.0  # until the next look for a bucket or stream that no runner has made yet

Ask = Callable[[RunnerId, RunnerRequest], Awaitable[RunnerResponse]]

log = logging.getLogger("sprint_runner.fleet")


class Position(msgspec.Struct):
    """The seq of whatever has one."""

    seq: int


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]


class Delivery:
    """The events of runners; `request` asks one for what the stream does not have."""

    def __init__(self, request: Ask) -> None:
        self._request = request

    async def follow_forever(self, broker: Broker, remote: Remote) -> None:
        """Deliver the events of one runner for as long as the connection lasts."""
        while True:
            try:
                remote.updated.clear()
                if remote.seq is None or (remote.state is not None and remote.state.epoch != remote.epoch):
                    await self._begin(remote)
                await self._deliver(broker, remote)
            except Unreadable as error:
                await remote.cannot_read(str(error))
                await remote.updated.wait()
            except Missing as error:
                log.warning("%s: %s is kept nowhere any more; it begins anew", remote.name, error)
                behind, remote.seq = remote.is_behind, None
                if not behind:
                    await remote.updated.wait()
            except NoStream:
                await asyncio.sleep(MAKE_S)
            except (BrokerProblem, Unreachable) as error:
                if broker.lost.done():
                    return
                log.info("%s is followed again: %s", remote.name, error)
                if isinstance(error, Unreachable) and remote.lost is not None and remote.is_behind:
                    remote.seq = None  # it cannot be asked for what the stream has dropped: its last state is known
                await asyncio.sleep(RETRY_S)

    async def _begin(self, remote: Remote) -> None:
        """Begin with the newest state, or with what the runner responds where that was too large for it."""
        state = remote.state
        if state is None:
            raise Unreachable("its state is not known yet")
        run, seq = state.run, state.seq
        if bytes(run) == NO_RUN:
            run = msgspec.Raw(await self._get(remote, "/api/run"))
            seq = msgspec.json.decode(run, type=Position).seq
        remote.epoch, remote.seq = state.epoch, seq
        # A state is no sign of life: it may be of yesterday.
        at = now_ms() if remote.lost is None else min(remote.state_at, now_ms())
        await remote.put(Snapshot(remote.id, state.epoch, seq, bytes(run), at))
        if remote.lost is not None:
            await remote.put(Lost(remote.id, remote.lost))

    async def _deliver(self, broker: Broker, remote: Remote) -> None:
        async with aclosing(self.events(broker, remote, remote.seq or 0)) as events:
            async for event in events:
                envelope = event.envelope()
                at = now_ms() if remote.lost is None else min(envelope.timestamp, now_ms())
                await remote.put(Committed(remote.id, remote.epoch, (envelope,), at))
                remote.seq = event.seq
                if remote.lost is not None:  # what is delivered may be of yesterday
                    await remote.put(Lost(remote.id, remote.lost))

    def events(self, broker: Broker, remote: Remote, since: int) -> AsyncGenerator[Delivered]:
        """Yield the events of a runner after a seq, as `follow` does."""

        async def history(after: int, count: int) -> Sequence[bytes]:
            body = await self._get(remote, f"/api/events?since={after}&limit={count}")
            return [bytes(event) for event in msgspec.json.decode(body, type=_Events).events]

        return follow(broker, remote.name, remote.epoch, since, history)

    async def _get(self, remote: Remote, path: str) -> bytes:
        response = await self._request(remote.id, RunnerRequest(method="GET", path=path, role=Role.READER))
        body = b"".join([piece async for piece in response.body])
        if response.status != 200:
            raise Unreachable(f"It responds with {response.status} to {path.partition('?')[0]}.")
        return body
