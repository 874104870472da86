"""The connection to a NATS server with JetStream: the only module that uses the package `nats-py`, an extra.

Promises: what is wrong is one sentence; an answer that does not come within its time ends the wait; a connection that
was lost is not made again by itself, so that whoever uses it begins from what the server has.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Final

import msgspec

from fleet.stream.inbox import Inbox, unless
from fleet.stream.names import EXPECTED_HEADER, MIB, ObjectLimits, StreamSpec
from fleet.stream.problems import (
    BrokerLost,
    BrokerProblem,
    NoStream,
    NotAllowed,
    RefusedByBroker,
    StreamFull,
    WrongSequence,
    refused_by_broker,
)

MISSING: Final = (
    "A fleet of many machines needs the package nats-py: `uv tool install 'sprint-runner[fleet]'`, or "
    "`pip install nats-py`, and restart the server."
)
CONNECT_S: Final = 2.0
ANSWER_S: Final = 2.0  # of the server itself
PING_S: Final = 2.0  # between two pings; two without an answer end the connection
HEARTBEAT_S: Final = 1.0  # of a consumer that has nothing to deliver
SILENT_S: Final = 3.0  # without a message or heartbeat a consumer is gone
INACTIVE_S: Final = 10.0  # after which the server forgets a consumer that nobody reads
DUPLICATES_S: Final = 120.0
PENDING_MSGS: Final = 65_536  # that wait in this process for who reads them
OTHER_CONFIGURATION: Final = {10058, 10065}  # the stream is there, made otherwise: the operator's own limits

_REFUSED_SUBJECT: Final = re.compile(r'for publish to "([^"]+)', re.IGNORECASE)

log = logging.getLogger("sprint_runner.fleet")


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `seq` is its place in its stream, 0 without one, `at` when it was stored, in ms."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    seq: int = 0
    reply: str = ""

    @property
    def status(self) -> str:
        """The status of a message by the server itself, "" of any other."""
        return self.headers.get("Status", "")


Serve = Callable[[Message], Awaitable[None]]


def why_unavailable() -> str | None:
    """Return how to get the package; None where it is installed."""
    return MISSING if importlib.util.find_spec("nats") is None else None


class Broker:
    """One connection, from `connect` until it is lost or closed. `lost` is done when it is."""

    def __init__(self, client: Any, user: str, lost: asyncio.Future[None]) -> None:
        self._client = client
        self._objects = client.jetstream(timeout=ANSWER_S)
        self._acks = ""  # the subject below which the answers to stored messages arrive
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._stored = 0
        self._asked: dict[str, asyncio.Future[Any]] = {}  # by subject in lower case, as refusals name it
        self._user = user
        self.lost = lost
        self.on_refusal: Callable[[str], None] = lambda sentence: None

    @classmethod
    async def connect(cls, address: str, user: str, password: str | None, name: str) -> Broker:
        """Connect and check that there is JetStream. Raises `BrokerProblem`."""
        if (missing := why_unavailable()) is not None:
            raise BrokerProblem(missing.rstrip("."))
        import nats
        from nats.aio.client import Client

        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client, failures = Client(), [""]
        made: list[Broker] = []

        async def on_error(error: Exception) -> None:
            failures[0] = _words(error)
            if made and "permissions violation" in failures[0].lower():
                made[0]._refuse(failures[0])

        async def on_closed() -> None:
            if not lost.done():
                lost.set_result(None)

        try:
            async with asyncio.timeout(2 * CONNECT_S):
                await client.connect(
                    address,
                    user=user,
                    password=password or "",
                    name=name,
                    error_cb=on_error,
                    closed_cb=on_closed,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # of the first connection; 0 would be for ever
                    reconnect_time_wait=0,
                    connect_timeout=int(CONNECT_S),
                    ping_interval=int(PING_S),
                    inbox_prefix=f"_INBOX_{user}",
                    **_tls(address),
                )
        except (OSError, TimeoutError, ValueError, nats.errors.Error) as error:
            await _close(client)
            raise _not_connected(address, user, failures[0] or _words(error)) from None
        made.append(cls(client, user, lost))
        await made[0]._check_jetstream(address)
        return made[0]

    async def close(self) -> None:
        await _close(self._client)

    def _refuse(self, words: str) -> None:
        """End the request that the broker did not let through, or report what was none."""
        sentence = f"user {self._user} has no permission ({words})"
        found = _REFUSED_SUBJECT.search(words)
        asked = None if found is None else self._asked.get(found[1].lower())
        if asked is None or asked.done():
            self.on_refusal(sentence)
        else:
            asked.set_exception(NotAllowed(sentence))

    async def _check_jetstream(self, address: str) -> None:
        try:
            await self._api("INFO", {})
        except NoStream as error:  # answers, but nobody listens to this subject
            await self.close()
            raise BrokerProblem(f"the NATS server at {address} has no JetStream: start it with -js ({error})") from None
        except BrokerProblem:
            await self.close()
            raise

    # -- streams -----------------------------------------------------------------------------------------------

    async def ensure(self, spec: StreamSpec, subject: str) -> None:
        """Make a stream if there is none; `subject` is one that this user may read there. Raises `BrokerProblem`.

        With permissions of their own, runners may make none: who makes a stream could let it copy those of others.
        """
        try:
            await self.last(spec.name, subject)
        except NoStream:
            try:
                await self.make(spec)
            except NotAllowed:
                raise BrokerProblem(
                    f"the broker has no stream {spec.name}, and user {self._user} may not make it: "
                    "`sprint-runner fleet --prepare NAME` makes all of a runner"
                ) from None

    async def make(self, spec: StreamSpec) -> None:
        """Make a stream; one that is there, perhaps with other limits, stays as it is."""
        window = min(DUPLICATES_S, spec.max_age_s)
        wanted = {
            "name": spec.name,
            "subjects": spec.subjects,
            "retention": "limits",
            "storage": "file",
            "discard": "new" if spec.rollup else "old",
            "max_bytes": spec.max_bytes,
            "max_age": _ns(spec.max_age_s),
            "max_msgs_per_subject": spec.per_subject,
            "max_msgs": -1,
            "max_consumers": -1,
            "max_msg_size": MIB,
            "num_replicas": 1,
            "duplicate_window": _ns(window),
            "allow_direct": True,
            "allow_rollup_hdrs": spec.rollup,
            "deny_delete": spec.rollup,
        }
        try:
            await self._api(f"STREAM.CREATE.{spec.name}", wanted)
        except RefusedByBroker as refused:
            if refused.code not in OTHER_CONFIGURATION:
                raise

    async def store(self, subject: str, data: bytes, headers: Mapping[str, str]) -> asyncio.Future[int]:
        """Send a message to a stream; `stored` waits for the place that it gets.

        The package's own way of many at once reports no refusal, so that the answers are read here.
        """
        if not self._acks:
            self._acks = self._client.new_inbox()
            await self.serve(f"{self._acks}.*", self._take_ack)
        self._stored += 1
        token = str(self._stored)
        future = self._waiting[token] = asyncio.get_running_loop().create_future()
        await self.send(subject, data, headers, reply=f"{self._acks}.{token}")
        return future

    async def _take_ack(self, message: Message) -> None:
        future = self._waiting.pop(message.subject.rpartition(".")[2], None)
        if future is None or future.done():
            return
        if message.status == "503":
            future.set_exception(NoStream("no stream takes this message"))
            return
        answer = msgspec.json.decode(message.data)
        if "error" in answer:
            future.set_exception(refused_by_broker(answer["error"]))
        else:
            future.set_result(int(answer["seq"]))

    async def stored(self, *futures: asyncio.Future[int]) -> int:
        """Return the place of the last of these messages; all are awaited.

        Raises what the first one failed with: `WrongSequence`, `StreamFull`, `BrokerProblem`.
        """
        _, late = await asyncio.wait(futures, timeout=ANSWER_S)
        self._waiting = {token: future for token, future in self._waiting.items() if future not in late}
        errors = [future.exception() for future in futures if future not in late]  # all, so that none is left unread
        for error in errors:
            if error is not None:
                raise error
        if late:
            raise BrokerLost("the broker does not answer")
        return futures[-1].result()

    async def put(self, subject: str, data: bytes, expected: int | None = None, **headers: str) -> int:
        """Store one message, if `expected` is the newest place of its subject; return its place."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if expected is not None:
            given[EXPECTED_HEADER] = str(expected)
        return await self.stored(await self.store(subject, data, given))

    async def last(self, stream: str, subject: str) -> Message | None:
        """Return the newest message of a subject."""
        found = await self.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", {}, ANSWER_S)
        if found.status == "404":
            return None
        if found.status:
            raise BrokerProblem(f"the broker cannot read {stream}: {found.headers.get('Description', found.status)}")
        return Message(subject, found.data, found.headers, int(found.headers.get("Nats-Sequence", 0)))

    async def follow(self, stream: str, subject: str, start: int | None) -> AsyncGenerator[Message]:
        """Yield the messages of a subject from a place on, or the newest of each and what follows for None.

        Raises `NoStream`, `BrokerLost` when it falls silent or a message is missing.
        """
        inbox, name = self._client.new_inbox(), self._client._nuid.next().decode()
        policy = {"deliver_policy": "last_per_subject"}
        if start is not None:
            policy = {"deliver_policy": "by_start_sequence", "opt_start_seq": max(start, 1)}  # type: ignore[dict-item]
        config = {
            **policy,
            "name": name,
            "deliver_subject": inbox,
            "filter_subject": subject,
            "ack_policy": "none",
            "max_deliver": 1,
            "replay_policy": "instant",
            "idle_heartbeat": _ns(HEARTBEAT_S),
            "flow_control": True,
            "inactive_threshold": _ns(INACTIVE_S),
            "mem_storage": True,
            "num_replicas": 1,
        }
        # Before the consumer is made: it delivers at once.
        messages = await self._open(inbox)
        try:
            request = {"stream_name": stream, "config": config}
            await self._api(f"CONSUMER.CREATE.{stream}.{name}.{subject}", request)
            expected = 1
            while True:
                message = await messages.next(SILENT_S)
                if message.headers is not None and message.headers.get("Status") == "100":
                    await self._control(message)
                    continue
                place = message.metadata.sequence
                if place.consumer != expected:
                    raise BrokerLost("messages of the broker were lost on their way")
                expected += 1
                yield Message(message.subject, message.data, message.headers or {}, place.stream)
        finally:
            await messages.close()

    async def _control(self, message: Any) -> None:
        """Answer the server's flow control; a heartbeat may ask for it, too."""
        reply = message.reply or message.headers.get("Nats-Consumer-Stalled")
        if reply:
            await self.send(reply, b"", {})

    # -- requests ----------------------------------------------------------------------------------------------

    async def request(self, subject: str, data: bytes, headers: Mapping[str, str], timeout_s: float) -> Message:
        """Send a request and return its answer.

        Raises `NoStream` where nobody listens, `NotAllowed`, `BrokerLost`.
        """
        request = self._client.request(subject, data, timeout=timeout_s, headers=dict(headers) or None)
        try:
            answer = await unless(self._refusal_of(subject), request)
        except Exception as error:
            raise _problem(error) from None
        return Message(answer.subject, answer.data, answer.headers or {})

    async def answers(
        self, subject: str, data: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> AsyncGenerator[Message]:
        """Send a request and yield its answers, until who asks stops; each must come within the time."""
        inbox = self._client.new_inbox()
        messages = await self._open(inbox)
        try:
            refused = self._refusal_of(subject)
            await self.send(subject, data, headers, reply=inbox)
            while True:
                message = await unless(refused, messages.next(timeout_s))
                if (message.headers or {}).get("Status") == "503":
                    raise NoStream("nobody listens")
                yield Message(message.subject, message.data, message.headers or {})
        finally:
            await messages.close()

    def _refusal_of(self, subject: str) -> asyncio.Future[Any]:
        """Return what fails when the broker refuses a message to a subject."""
        known = self._asked.get(subject.lower())
        if known is None or known.done():
            known = self._asked[subject.lower()] = asyncio.get_running_loop().create_future()
        return known

    async def send(self, subject: str, data: bytes, headers: Mapping[str, str], reply: str = "") -> None:
        try:
            await self._client.publish(subject, data, reply=reply, headers=dict(headers) or None)
        except Exception as error:
            raise _problem(error) from None

    async def serve(self, subject: str, serve: Serve) -> None:
        """Call `serve` with every message of a subject, one after the other."""

        async def received(message: Any) -> None:
            try:
                await serve(Message(message.subject, message.data, message.headers or {}, reply=message.reply))
            except BrokerProblem as problem:
                log.info("a request on %s was not answered: %s", subject, problem)

        try:
            await self._client.subscribe(subject, cb=received, pending_msgs_limit=PENDING_MSGS)
        except Exception as error:
            raise _problem(error) from None

    async def _open(self, subject: str) -> Inbox:
        inbox = Inbox(self.lost)
        try:
            inbox.subscription = await self._client.subscribe(subject, cb=inbox.take, pending_msgs_limit=PENDING_MSGS)
        except Exception as error:
            raise _problem(error) from None
        return inbox

    async def _api(self, subject: str, request: Any) -> Any:
        """Ask JetStream's own interface, which answers in JSON."""
        answer = await self.request(f"$JS.API.{subject}", msgspec.json.encode(request), {}, ANSWER_S)
        response = msgspec.json.decode(answer.data)
        if "error" in response:
            raise refused_by_broker(response["error"])
        return response

    # -- objects -----------------------------------------------------------------------------------------------

    async def make_objects(self, bucket: str, limits: ObjectLimits) -> None:
        """Make a bucket of objects; one that is there stays as it is."""
        from nats.js.api import ObjectStoreConfig

        config = ObjectStoreConfig(bucket=bucket, ttl=limits.max_age_s, max_bytes=limits.max_bytes)
        try:
            try:
                await self._objects.object_store(bucket)
            except Exception:  # of any kind: making it says what is wrong
                await self._objects.create_object_store(bucket, config)
        except Exception as error:
            raise _problem(error) from None

    async def put_object(self, bucket: str, name: str, body: IO[bytes], limits: ObjectLimits) -> None:
        """Store an object in a bucket, which is made if there is none."""
        await self.make_objects(bucket, limits)
        try:
            await (await self._objects.object_store(bucket)).put(name, body)
        except Exception as error:
            raise _problem(error) from None

    async def get_object(self, bucket: str, name: str, into: IO[bytes]) -> None:
        """Write an object to `into`, checked by its digest."""
        try:
            store = await self._objects.object_store(bucket)
            await store.get(name, writeinto=into)
        except Exception as error:
            raise _problem(error) from None


def _problem(error: BaseException) -> BrokerProblem:
    """Return what an error of the package means."""
    import nats.errors
    import nats.js.errors

    if isinstance(error, BrokerProblem):
        return error
    if isinstance(error, nats.js.errors.APIError):
        return refused_by_broker(
            {"err_code": error.err_code or 0, "code": error.code, "description": error.description}
        )
    if isinstance(error, nats.errors.NoRespondersError | nats.js.errors.NoStreamResponseError):
        return NoStream("nobody listens")
    if isinstance(error, TimeoutError | nats.errors.TimeoutError):
        return BrokerLost("the broker does not answer")
    if isinstance(error, nats.errors.MaxPayloadError):
        return BrokerProblem("a message is larger than the broker takes")
    return BrokerLost(f"the connection to the broker was lost ({_words(error)})")


def _not_connected(address: str, user: str, words: str) -> BrokerProblem:
    lowered = words.lower()
    if "authorization" in lowered or "authentication" in lowered:
        return BrokerProblem(
            f"the NATS server at {address} refuses user {user}: check SPRINT_RUNNER_FLEET_USER and "
            "SPRINT_RUNNER_FLEET_PASSWORD"
        )
    return BrokerLost(f"the NATS server at {address} cannot be reached ({words})")


def _words(error: BaseException) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return " ".join(str(error).removeprefix("nats: ").split()).strip("'\"") or type(error).__name__


def _tls(address: str) -> dict[str, Any]:
    return {"tls": ssl.create_default_context()} if address.startswith("tls:") else {}


async def _close(client: Any) -> None:
    with suppress(Exception):  # whatever is wrong with a connection that is given up
        await client.close()
    with suppress(Exception):  # of a connection that was never complete the package leaves the socket open
        client._transport.close()


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


__all__ = [
    "Broker",
    "BrokerLost",
    "BrokerProblem",
    "Message",
    "NoStream",
    "NotAllowed",
    "StreamFull",
    "WrongSequence",
    "why_unavailable",
]
