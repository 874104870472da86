"""The source of the runners of a broker: who is there, their states, their events without a gap, and requests to them.

Promises: a runner that is gone is lost within three seconds, also one that was stopped in the middle of its work; a
lost connection loses and doubles no event; what cannot be read is said of its runner, and of no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Final
from urllib.parse import parse_qs

import msgspec

from base.tasks import end_tasks
from fleet.source import (
    Facts,
    Heard,
    Listed,
    News,
    RunnerId,
    RunnerInfo,
    RunnerRequest,
    RunnerResponse,
    SourceProblem,
    StreamEnded,
    Unreachable,
)
from fleet.stream.asking import ask
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message, NoStream
from fleet.stream.delivery import MAKE_S, RETRY_S, Delivery, Position
from fleet.stream.follow import Missing, Unreadable
from fleet.stream.login import BrokerLogin
from fleet.stream.names import GONE_S, PRESENCE, STATE, bucket, key_subject
from fleet.stream.presence import NO_RUN, PresenceMessage, StateMessage
from fleet.stream.remote import SILENT, STREAM, Remote, info_of, read
from runstate.server_state import ServerState
from security.grants import Role
from store.rows import now_ms
from websocket.frames import resumed_text

NEWS_MAX: Final = 1000  # that wait; who follows a runner waits as well, and the broker with it
SWEEP_S: Final = 0.2
CONNECT_S: Final = 3.0  # that a request waits for a connection
RESTARTS: Final = 1012  # RFC 6455 registry: reconnect
ENDED: Final = "It has ended."

Take = Callable[[Broker, str, Message], Awaitable[None]]

log = logging.getLogger("sprint_runner.fleet")


class _Init(msgspec.Struct):
    payload: Position


class StreamRunners:
    """The runners of one broker."""

    name = STREAM

    def __init__(self, login: BrokerLogin) -> None:
        self._login = login
        self._remotes: dict[str, Remote] = {}
        self._news: asyncio.Queue[News] = asyncio.Queue(NEWS_MAX)
        self._delivery = Delivery(self.request)
        self._broker: Broker | None = None
        self._connected = asyncio.Event()
        self._problem = "the broker was not reached yet"

    # -- news --------------------------------------------------------------------------------------------------

    async def news(self) -> AsyncIterator[News]:
        """Yield the news of all runners until it is closed."""
        work = asyncio.create_task(self._work())
        try:
            while True:
                yield await self._news.get()
        finally:
            await end_tasks(work)

    def resync(self, runner: RunnerId) -> None:
        """Begin a runner anew with a snapshot."""
        remote = self._remotes.get(runner.key)
        if remote is None:
            return
        remote.seq = None
        if remote.task is not None and self._broker is not None:
            remote.task.cancel()
            remote.task = asyncio.create_task(self._delivery.follow_forever(self._broker, remote))

    async def _work(self) -> None:
        while True:
            try:
                await self._session()
            except BrokerProblem as problem:
                await self._say(str(problem))
            except Exception as error:
                log.exception("the runners of the broker are not followed for a moment")
                await self._say(repr(error))
            await asyncio.sleep(RETRY_S)

    async def _say(self, problem: str) -> None:
        """Report once what keeps all runners from being reached."""
        if problem != self._problem:
            log.warning("fleet: %s", problem)
            await self._news.put(SourceProblem(STREAM, f"Runners of other machines are not reached: {problem}."))
        self._problem = problem
        for remote in self._remotes.values():
            await remote.lose(f"The broker does not work: {problem}.")

    async def _session(self) -> None:
        """Follow all runners with one connection until it ends. Raises `BrokerProblem`."""
        broker = await Broker.log_in(self._login, "fleet page")
        broker.on_refusal = lambda sentence: log.warning("fleet: %s", sentence)
        self._broker = broker
        now = asyncio.get_running_loop().time()
        for remote in self._remotes.values():
            remote.heard = now  # silence of the broker was not theirs
        self._connected.set()
        self._problem = ""
        await self._news.put(SourceProblem(STREAM, None))
        tasks = [
            asyncio.ensure_future(self._watch(broker, STATE, self._take_state)),
            asyncio.ensure_future(self._watch(broker, PRESENCE, self._take_presence)),
            asyncio.ensure_future(self._sweep()),
        ]
        try:
            done, _ = await asyncio.wait({*tasks, broker.lost}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise BrokerLost("the connection to the broker was lost")
        finally:
            self._connected.clear()
            self._broker = None
            await end_tasks(*tasks, *(remote.task for remote in self._remotes.values()))
            await broker.close()

    async def _watch(self, broker: Broker, name: str, take: Take) -> None:
        """Take the newest message of every key of a bucket, and every later one."""
        while True:
            subject = key_subject(name, "*")
            try:
                async with aclosing(broker.follow(bucket(name).name, subject, None)) as messages:
                    async for message in messages:
                        await take(broker, message.subject.rpartition(".")[2], message)
            except NoStream:  # no runner was ever there
                await asyncio.sleep(MAKE_S)
            except BrokerLost:
                if broker.lost.done():
                    raise
                await asyncio.sleep(RETRY_S)

    async def _take_state(self, broker: Broker, name: str, message: Message) -> None:
        remote = self._remotes.setdefault(name, Remote(name, asyncio.get_running_loop().time(), self._news.put))
        state = read(message, StateMessage)
        if isinstance(state, str):
            if remote.state is None:
                await self._news.put(Listed(remote.id, RunnerInfo(project=name, machine="")))
            await remote.cannot_read(state)
            return
        remote.problem = None
        info = info_of(state)
        if remote.state is None or info_of(remote.state) != info:
            await self._news.put(Listed(remote.id, info))
        remote.state, remote.state_at = state, message.at
        remote.updated.set()
        if state.epoch != remote.epoch and remote.task is not None:
            await end_tasks(remote.task)
        elif bytes(state.run) != NO_RUN and remote.seq is not None:
            await self._news.put(Facts(remote.id, msgspec.json.decode(state.run, type=ServerState)))
        if remote.task is None or remote.task.done():
            remote.task = asyncio.create_task(self._delivery.follow_forever(broker, remote))

    async def _take_presence(self, broker: Broker, name: str, message: Message) -> None:
        remote = self._remotes.get(name)
        if remote is None:  # its state comes with the other watch
            return
        if not message.data:
            remote.clock_ahead_ms = None
            await remote.lose(ENDED)
            return
        presence = read(message, PresenceMessage)
        if isinstance(presence, str):
            await remote.cannot_read(presence)
            return
        remote.heard = asyncio.get_running_loop().time()
        remote.clock_ahead_ms = presence.at - remote.heard * 1000
        if remote.problem is None:
            remote.lost = None
            await self._news.put(Heard(remote.id, now_ms()))

    async def _sweep(self) -> None:
        """Lose those of whom nothing is heard."""
        while True:
            now = asyncio.get_running_loop().time()
            for remote in list(self._remotes.values()):
                if now - remote.heard > GONE_S:
                    remote.clock_ahead_ms = None
                    await remote.lose(SILENT if remote.lost != ENDED else ENDED)
            await asyncio.sleep(SWEEP_S)

    # -- requests ----------------------------------------------------------------------------------------------

    async def request(self, runner: RunnerId, request: RunnerRequest) -> RunnerResponse:
        """Send a request to a runner. Raises `Unreachable`."""
        remote = self._remotes.get(runner.key)
        if remote is None:
            raise Unreachable("It is not there.")
        return await ask(self._connection, runner.key, request, remote.clock_ms)

    async def messages(self, runner: RunnerId, query: str, role: Role) -> AsyncIterator[bytes]:
        """Yield the messages of the runner's `/ws`. Raises `StreamEnded` and `Unreachable`."""
        remote, broker = self._remotes.get(runner.key), await self._connection()
        if remote is None or remote.lost is not None:
            raise Unreachable(SILENT if remote is None else remote.lost or SILENT)
        given = {name: values[0] for name, values in parse_qs(query).items()}
        since = given.get("since", "")
        if since.isascii() and since.isdigit() and len(since) < 19 and given.get("epoch") == remote.epoch:
            position = int(since)
            yield resumed_text(position + 1, max(position, remote.seq or 0))
        else:
            request = RunnerRequest(method="GET", path="/ws", role=role)
            first = await self.request(runner, request)
            init = b"".join([piece async for piece in first.body])
            position = msgspec.json.decode(init, type=_Init).payload.seq
            yield init
        try:
            async with aclosing(self._delivery.events(broker, remote, position)) as events:
                async for event in events:
                    yield event.data
        except (BrokerProblem, Missing, Unreadable):
            raise StreamEnded(RESTARTS) from None

    async def _connection(self) -> Broker:
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                await self._connected.wait()
        if self._broker is None:
            raise Unreachable(f"The broker does not work: {self._problem}.")
        return self._broker
