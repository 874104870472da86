"""The streams of a NATS server, by one connection: messages are stored in them and read from them, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import msgspec

from fleet.stream.connection import ANSWER_S, Connection, Message, why_unavailable
from fleet.stream.names import EXPECTED_HEADER, MIB, StreamSpec
from fleet.stream.objects import Objects
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

HEARTBEAT_S: Final = 1.0  # of a consumer that has nothing to deliver
SILENT_S: Final = 3.0  # without a message or heartbeat a consumer is gone
INACTIVE_S: Final = 10.0  # after which the server forgets a consumer that is not read
DUPLICATES_S: Final = 120.0
MISSING_S: Final = 0.5  # after which an old server, which answers other questions, has no such stream
ANSWERS_FOR_MISSING: Final = (2, 10)  # the version from which on a request to a missing stream is answered
OTHER_CONFIGURATION: Final = {10058, 10065}  # the stream is there, made otherwise: the operator's own limits


class Broker(Connection):
    """A connection to the streams of a server, and to its `objects`."""

    def __init__(self, client: Any, user: str, lost: asyncio.Future[None]) -> None:
        super().__init__(client, user, lost)
        self.objects = Objects(client.jetstream(timeout=ANSWER_S))
        self._acks = ""  # the subject below which the answers to stored messages arrive
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._stored = 0

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
                    f"the broker has no stream {spec.name}, and user {self.user} may not make it: "
                    "`sprint-runner fleet --prepare NAME` makes all of a runner"
                ) from None

    async def make(self, spec: StreamSpec) -> None:
        """Make a stream; one that is there, perhaps with other limits, stays as it is."""
        window = min(DUPLICATES_S, spec.max_age_s)
        wanted = {
            "name": spec.name,
            "subjects": spec.subjects,
            "retention": "workqueue" if spec.queue else "limits",
            "storage": "file",
            "discard": "new" if spec.rollup or spec.queue or spec.whole else "old",
            "discard_new_per_subject": spec.queue,
            "max_bytes": spec.max_bytes,
            "max_age": _ns(spec.max_age_s),
            "max_msgs_per_subject": 1 if spec.queue else spec.per_subject,
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
            await self.api(f"STREAM.CREATE.{spec.name}", wanted)
        except RefusedByBroker as refused:
            if refused.code not in OTHER_CONFIGURATION:
                raise

    async def store(self, subject: str, data: bytes, headers: Mapping[str, str]) -> asyncio.Future[int]:
        """Send a message to a stream; `stored` waits for the place that it gets.

        The package's own way of many at once reports no refusal, so that the answers are read here.
        """
        if not self._acks:
            self._acks = self.client.new_inbox()
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
        elif answer.get("duplicate"):  # servers before 2.10 look at the id before they look at the place
            future.set_exception(WrongSequence("a message of this id is stored already"))
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
        found = await self._direct(stream, subject)
        if found.status == "404":
            return None
        if found.status:
            raise BrokerProblem(f"the broker cannot read {stream}: {found.headers.get('Description', found.status)}")
        return Message(subject, found.data, found.headers, int(found.headers.get("Nats-Sequence", 0)))

    async def _direct(self, stream: str, subject: str) -> Message:
        """Ask for the newest message of a subject. Raises `NoStream`."""
        api = f"$JS.API.DIRECT.GET.{stream}.{subject}"
        version = self.client.connected_server_version
        if (version.major, version.minor) >= ANSWERS_FOR_MISSING:
            return await self.request(api, b"", {}, ANSWER_S)
        try:
            return await self.request(api, b"", {}, MISSING_S)
        except BrokerLost:
            await self.api("INFO", {})  # a server that is silent altogether is lost
            raise NoStream("stream not found") from None

    async def follow(self, stream: str, subject: str, start: int | None) -> AsyncGenerator[Message]:
        """Yield the messages of a subject from a place on, or the newest of each and what follows for None.

        Raises `NoStream`, `BrokerLost` when it falls silent or a message is missing.
        """
        inbox, name = self.client.new_inbox(), self.client._nuid.next().decode()
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
        messages = await self.open_inbox(inbox)
        try:
            request = {"stream_name": stream, "config": config}
            await self.api(f"CONSUMER.CREATE.{stream}.{name}.{subject}", request)
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
                at = int(message.metadata.timestamp.timestamp() * 1000)
                yield Message(message.subject, message.data, message.headers or {}, place.stream, at=at)
        finally:
            await messages.close()

    async def _control(self, message: Any) -> None:
        """Answer the server's flow control; a heartbeat may ask for it, too."""
        reply = message.reply or message.headers.get("Nats-Consumer-Stalled")
        if reply:
            await self.send(reply, b"", {})


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
