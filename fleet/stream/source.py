"""The source of the runners of a broker: who is there, their states, their events without a gap, and requests to them.

Promises: a runner that is gone is lost within three seconds, also one that was stopped in the middle of its work; a
lost connection loses and doubles no event; what cannot be read is said of its runner, and of no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Final, TypeVar
from urllib.parse import parse_qs

import msgspec

from base.tasks import end_tasks
from fleet.source import (
    Committed,
    Facts,
    Heard,
    Listed,
    Lost,
    News,
    RunnerId,
    RunnerInfo,
    RunnerRequest,
    RunnerResponse,
    Snapshot,
    StreamEnded,
    Unreachable,
)
from fleet.stream.asking import ask
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message, NoStream
from fleet.stream.follow import Delivered, Missing, Unreadable, follow
from fleet.stream.login import BrokerLogin
from fleet.stream.names import GONE_S, PRESENCE, STATE, VERSION, VERSION_HEADER, bucket, key_subject
from fleet.stream.presence import NO_RUN, PresenceMessage, StateMessage
from runstate.server_state import ServerState
from security.grants import Role
from websocket.frames import resumed_text

STREAM: Final = "stream"
NEWS_MAX: Final = 1000  # that wait; who follows a runner waits as well, and the broker with it
RETRY_S: Final = 0.5
MAKE_S: Final = 1.0  # until the next look for a bucket or stream that no runner has made yet
SWEEP_S: Final = 0.2
CONNECT_S: Final = 3.0  # that a request waits for a connection
RESTARTS: Final = 1012  # RFC 6455 registry: reconnect
ENDED: Final = "It has ended."
SILENT: Final = "Nothing is heard of it."

T = TypeVar("T")
Take = Callable[[Broker, str, Message], Awaitable[None]]

log = logging.getLogger("sprint_runner.fleet")


class _Remote:
    """A runner as it is known here; `seq` is that of the last event that was delivered, None: begin with a snapshot."""

    def __init__(self, name: str, heard: float) -> None:
        self.id = RunnerId(STREAM, name)
        self.name = name
        self.state: StateMessage | None = None
        self.epoch = ""
        self.seq: int | None = None
        self.heard = heard  # by the loop's clock
        self.clock_ahead_ms: float | None = None  # of the runner's clock, to the loop's
        self.lost: str | None = SILENT
        self.problem: str | None = None  # what of it cannot be read
        self.task: asyncio.Task[None] | None = None
        self.told = asyncio.Event()  # of a newer state


class StreamRunners:
    """The runners of one broker."""

    name = STREAM

    def __init__(self, login: BrokerLogin) -> None:
        self._login = login
        self._remotes: dict[str, _Remote] = {}
        self._news: asyncio.Queue[News] = asyncio.Queue(NEWS_MAX)
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
            remote.task = asyncio.create_task(self._follow_forever(self._broker, remote))

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
        self._problem = problem
        for remote in self._remotes.values():
            await self._lose(remote, f"The broker does not work: {problem}.")

    async def _session(self) -> None:
        """Follow all runners with one connection until it ends. Raises `BrokerProblem`."""
        login = self._login
        broker = await Broker.connect(login.address, login.user, login.password, "fleet page")
        broker.on_refusal = lambda sentence: log.warning("fleet: %s", sentence)
        self._broker = broker
        now = asyncio.get_running_loop().time()
        for remote in self._remotes.values():
            remote.heard = now  # silence of the broker was not theirs
        self._connected.set()
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
        remote = self._remotes.setdefault(name, _Remote(name, asyncio.get_running_loop().time()))
        state = _read(message, StateMessage)
        if isinstance(state, str):
            if remote.state is None:
                await self._news.put(Listed(remote.id, RunnerInfo(project=name, machine="")))
            await self._cannot_read(remote, state)
            return
        remote.problem = None
        info = _info(state)
        if remote.state is None or _info(remote.state) != info:
            await self._news.put(Listed(remote.id, info))
        remote.state = state
        remote.told.set()
        if state.epoch != remote.epoch and remote.task is not None:
            await end_tasks(remote.task)
        elif bytes(state.run) != NO_RUN and remote.seq is not None:
            await self._news.put(Facts(remote.id, msgspec.json.decode(state.run, type=ServerState)))
        if remote.task is None or remote.task.done():
            remote.task = asyncio.create_task(self._follow_forever(broker, remote))

    async def _take_presence(self, broker: Broker, name: str, message: Message) -> None:
        remote = self._remotes.get(name)
        if remote is None:  # its state comes with the other watch
            return
        if not message.data:
            remote.clock_ahead_ms = None
            await self._lose(remote, ENDED)
            return
        presence = _read(message, PresenceMessage)
        if isinstance(presence, str):
            await self._cannot_read(remote, presence)
            return
        remote.heard = asyncio.get_running_loop().time()
        remote.clock_ahead_ms = presence.at - remote.heard * 1000
        if remote.problem is None:
            remote.lost = None
            await self._news.put(Heard(remote.id, _now_ms()))

    async def _sweep(self) -> None:
        """Lose those of whom nothing is heard."""
        while True:
            now = asyncio.get_running_loop().time()
            for remote in list(self._remotes.values()):
                if now - remote.heard > GONE_S:
                    remote.clock_ahead_ms = None
                    await self._lose(remote, SILENT if remote.lost != ENDED else ENDED)
            await asyncio.sleep(SWEEP_S)

    async def _lose(self, remote: _Remote, reason: str) -> None:
        if remote.lost != reason:
            remote.lost = reason
            await self._news.put(Lost(remote.id, reason))

    async def _cannot_read(self, remote: _Remote, problem: str) -> None:
        if remote.problem != problem:
            log.warning("fleet: %s %s", remote.name, problem)
        remote.problem = problem
        await self._lose(remote, f"It {problem}.")

    # -- events ------------------------------------------------------------------------------------------------

    async def _follow_forever(self, broker: Broker, remote: _Remote) -> None:
        """Deliver the events of one runner for as long as the connection lasts."""
        while True:
            try:
                remote.told.clear()
                if remote.seq is None or (remote.state is not None and remote.state.epoch != remote.epoch):
                    await self._begin(remote)
                await self._deliver(broker, remote)
            except Unreadable as error:
                await self._cannot_read(remote, str(error))
                await remote.told.wait()
            except Missing as error:
                log.warning("%s: %s is kept nowhere any more; it begins anew", remote.name, error)
                remote.seq = None
                await remote.told.wait()
            except NoStream:
                await asyncio.sleep(MAKE_S)
            except (BrokerProblem, Unreachable) as error:
                if broker.lost.done():
                    return
                log.info("%s is followed again: %s", remote.name, error)
                await asyncio.sleep(RETRY_S)

    async def _begin(self, remote: _Remote) -> None:
        """Begin with the newest state, or with what the runner responds where that was too large for it."""
        state = remote.state
        if state is None:
            raise Unreachable("its state is not known yet")
        run, seq = state.run, state.seq
        if bytes(run) == NO_RUN:
            run = msgspec.Raw(await self._get(remote, "/api/run"))
            seq = msgspec.json.decode(run, type=_Position).seq
        remote.epoch, remote.seq = state.epoch, seq
        await self._news.put(Snapshot(remote.id, state.epoch, seq, bytes(run), _now_ms()))
        if remote.lost is not None:  # a state is no sign of life
            await self._news.put(Lost(remote.id, remote.lost))

    async def _deliver(self, broker: Broker, remote: _Remote) -> None:
        async with aclosing(self._events(broker, remote, remote.seq or 0)) as events:
            async for event in events:
                await self._news.put(Committed(remote.id, remote.epoch, (event.envelope(),), _now_ms()))
                remote.seq = event.seq
                if remote.lost is not None:  # what is delivered may be of yesterday
                    await self._news.put(Lost(remote.id, remote.lost))

    def _events(self, broker: Broker, remote: _Remote, since: int) -> AsyncGenerator[Delivered]:
        async def history(after: int, count: int) -> Sequence[bytes]:
            body = await self._get(remote, f"/api/events?since={after}&limit={count}")
            return [bytes(event) for event in msgspec.json.decode(body, type=_Events).events]

        return follow(broker, remote.name, remote.epoch, since, history)

    async def _get(self, remote: _Remote, path: str) -> bytes:
        response = await self.request(remote.id, RunnerRequest(method="GET", path=path, role=Role.READER))
        body = b"".join([piece async for piece in response.body])
        if response.status != 200:
            raise Unreachable(f"It responds with {response.status} to {path.partition('?')[0]}.")
        return body

    # -- requests ----------------------------------------------------------------------------------------------

    async def request(self, runner: RunnerId, request: RunnerRequest) -> RunnerResponse:
        """Send a request to a runner. Raises `Unreachable`."""
        remote = self._remotes.get(runner.key)
        if remote is None:
            raise Unreachable("It is not there.")
        return await ask(self._connection, runner.key, request, lambda: _clock_of(remote))

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
            async with aclosing(self._events(broker, remote, position)) as events:
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


class _Position(msgspec.Struct):
    seq: int


class _Init(msgspec.Struct):
    payload: _Position


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]


def _read(message: Message, kind: type[T]) -> T | str:
    """Return a message, or what is wrong with it, as a sentence after the runner's name."""
    version = message.headers.get(VERSION_HEADER)
    if version != VERSION:
        return f"sends messages of version {version}, and this page knows version {VERSION}: update both"
    try:
        return msgspec.json.decode(message.data, type=kind)
    except (msgspec.DecodeError, UnicodeError):
        return "sends messages that cannot be read"


def _info(state: StateMessage) -> RunnerInfo:
    return RunnerInfo(
        project=state.project,
        machine=state.machine,
        folder=state.folder,
        branch=state.branch,
        started_at=state.started_at,
        epoch=state.epoch,
        host=state.host,
    )


def _clock_of(remote: _Remote) -> int | None:
    """Return the time by the runner's own clock in ms; None where it is not there."""
    if remote.clock_ahead_ms is None:
        return None
    return int(asyncio.get_running_loop().time() * 1000 + remote.clock_ahead_ms)


def _now_ms() -> int:
    return int(time.time() * 1000)
