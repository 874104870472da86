"""The requests of a fleet to this runner: answered as the HTTP API answers them, a command with a key only once.

A request on the subject of viewers is a reader's, one on that of operators an operator's: who may write to which is
the broker's to check. Promises: a key is in the database before its command is carried out; a repeated key returns the
first reply, also after a restart; a command that came too late, or whose outcome is unknown, is not carried out.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import IO, Final, Protocol

import msgspec

from base.tasks import end_tasks
from db import Database
from fleet.stream.broker import Broker, BrokerProblem, Message
from fleet.stream.names import (
    HTTP_PREFIX,
    KEY_HEADER,
    MIB,
    MORE_HEADER,
    OBJECT_BYTES,
    OBJECT_HEADER,
    OBJECT_S,
    PIECE_BYTES,
    REQUEST_HEADER,
    SENT_HEADER,
    STATUS_HEADER,
    VERSION,
    VERSION_HEADER,
    ObjectLimits,
    commands_subject,
    objects_bucket,
    reads_subject,
)
from security.grants import Role
from store.fleet import CommandReply, begin_reply, complete_reply
from store.writer import DatabaseUnavailable

LATE_S: Final = 30.0  # a command that was on its way for longer is not what its sender still wants
AT_ONCE: Final = 8  # requests that are answered side by side
WAITING_MAX: Final = 200  # requests that wait for their turn; more are refused
KEY_MAX: Final = 200  # characters
OBJECTS: Final = ObjectLimits(1024 * MIB, OBJECT_S)  # of one runner's bucket
READING: Final = ("GET", "HEAD")
PASSED: Final = ("content-type", "accept", "if-none-match", "range", "accept-language")
SOCKET: Final = "/ws"  # its request is for the message `init`

log = logging.getLogger("sprint_runner.fleet")

Headers = tuple[tuple[str, str], ...]


class Response(Protocol):
    """What the routes respond: `body` is at its beginning, has `size` bytes, and is closed by who reads it."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> IO[bytes]: ...
    @property
    def size(self) -> int: ...


Relay = Callable[[Role, str, str, Headers, bytes], Awaitable[Response]]


class Refusal(Exception):
    """A request that is refused before any route: the status, a code for programs, and a sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class Reply(msgspec.Struct, frozen=True):
    """A reply that is kept in memory or in the database."""

    status: int
    headers: Headers
    body: bytes


class Requests:
    """The requests to the runner `name`. `relay` sends one to the routes, `init` makes the first message of `/ws`."""

    def __init__(
        self, database: Database, name: str, relay: Relay, init: Callable[[], bytes], clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._name = name
        self._relay = relay
        self._init = init
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: dict[str, asyncio.Task[Reply]] = {}  # by key; a lost connection does not end a command

    async def serve(self, broker: Broker) -> None:
        """Answer until the connection ends."""
        for subject, role in ((commands_subject(self._name), Role.OPERATOR), (reads_subject(self._name), Role.READER)):

            async def received(message: Message, role: Role = role) -> None:
                self._begin(broker, message, role)

            await broker.serve(subject, received)
        try:
            await broker.lost
        finally:
            await end_tasks(*self._tasks)

    async def close(self) -> None:
        """Wait for the commands that are carried out."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _begin(self, broker: Broker, message: Message, role: Role) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(broker, message, role))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, broker: Broker, message: Message, role: Role) -> None:
        try:
            if len(self._tasks) > WAITING_MAX:
                raise Refusal(503, "busy", "too many requests wait at this runner: ask again")
            async with self._places:
                await self._respond(broker, message, role)
        except Refusal as refusal:
            await self._refuse(broker, message, refusal)
        except BrokerProblem as problem:
            log.info("a request was not answered: %s", problem)
        except Exception:
            log.exception("a request failed")
            await self._refuse(broker, message, Refusal(500, "internal", "the runner failed on this request"))

    async def _respond(self, broker: Broker, message: Message, role: Role) -> None:
        method, target = _request_of(message)
        if target.partition("?")[0] == SOCKET:
            await self._send(broker, message, Reply(200, (), self._init()))
            return
        headers = tuple((name, value) for name in PASSED if (value := message.headers.get(HTTP_PREFIX + name)))
        if method in READING:
            response = await self._relay(role, method, target, headers, message.data)
            with closing(response.body):
                await self._send_response(broker, message, response)
        elif role is Role.READER:
            raise Refusal(403, "reader", "who may only look cannot change anything: ask an operator")
        else:
            await self._send(broker, message, await self._command(method, target, headers, message))

    # -- commands ----------------------------------------------------------------------------------------------

    async def _command(self, method: str, target: str, headers: Headers, message: Message) -> Reply:
        """Carry a command out, or return the reply that it had."""
        if target.startswith("/api/access"):
            raise Refusal(403, "not_relayed", "access to a runner is given on the runner itself")
        key = message.headers.get(KEY_HEADER, "")
        if not 0 < len(key) <= KEY_MAX:
            raise Refusal(400, "bad_request", f"a command needs {KEY_HEADER}, of {KEY_MAX} characters at most")
        running = self._running.get(key)
        if running is None:
            self._check_time(message)
            running = asyncio.get_running_loop().create_task(self._once(key, method, target, headers, message.data))
            self._running[key] = running
            running.add_done_callback(lambda _task: self._running.pop(key, None))
        return await asyncio.shield(running)

    def _check_time(self, message: Message) -> None:
        """Raise for a command that waited in a connection which stood still."""
        sent = message.headers.get(SENT_HEADER, "")
        if not (sent.isascii() and sent.isdigit() and len(sent) < 20):
            raise Refusal(400, "bad_request", f"a command needs {SENT_HEADER}: ms by the runner's own clock")
        late_s = self._clock() - int(sent) / 1000
        if late_s > LATE_S:
            raise Refusal(409, "late", f"the command came {late_s:.0f} s after it was given, too late: give it again")

    async def _once(self, key: str, method: str, target: str, headers: Headers, body: bytes) -> Reply:
        digest = hashlib.sha256(b"\n".join((method.encode(), target.encode(), body))).hexdigest()
        try:
            before = await self._database.write(begin_reply, key, digest, int(self._clock() * 1000))
        except DatabaseUnavailable as error:
            raise Refusal(503, "database", str(error)) from None
        if before is not None:
            return _kept(before, digest)
        response = await self._relay(Role.OPERATOR, method, target, headers, body)
        with closing(response.body):
            reply = Reply(response.status, response.headers, response.body.read())
        kept = msgspec.json.encode(reply.headers).decode()
        try:
            await self._database.write(complete_reply, key, reply.status, kept, reply.body)
        except DatabaseUnavailable as error:  # the command was carried out, and its key is in the database
            log.warning("the reply to a command could not be kept: %s", error)
        return reply

    # -- responses ---------------------------------------------------------------------------------------------

    async def _send_response(self, broker: Broker, message: Message, response: Response) -> None:
        """Send a response in pieces, a large one by the object store."""
        if response.size <= OBJECT_BYTES:
            await self._send(broker, message, Reply(response.status, response.headers, response.body.read()))
            return
        name = secrets.token_hex(16)
        await broker.objects.put(objects_bucket(self._name), name, response.body, OBJECTS)
        headers = {**_head(response.status, response.headers), OBJECT_HEADER: name}
        await broker.send(message.reply, b"", headers)

    async def _send(self, broker: Broker, message: Message, reply: Reply) -> None:
        pieces = [reply.body[at : at + PIECE_BYTES] for at in range(0, len(reply.body), PIECE_BYTES)] or [b""]
        for number, piece in enumerate(pieces, 1):
            headers = _head(reply.status, reply.headers) if number == 1 else {VERSION_HEADER: VERSION}
            if number < len(pieces):
                headers[MORE_HEADER] = str(number)
            await broker.send(message.reply, piece, headers)

    async def _refuse(self, broker: Broker, message: Message, refusal: Refusal) -> None:
        body = msgspec.json.encode({"error": {"code": refusal.code, "message": str(refusal)}})
        try:
            await self._send(broker, message, Reply(refusal.status, (("Content-Type", "application/json"),), body))
        except BrokerProblem as problem:
            log.info("a refusal was not sent: %s", problem)


def _request_of(message: Message) -> tuple[str, str]:
    """Return method and target of a request. Raises `Refusal`."""
    version = message.headers.get(VERSION_HEADER)
    if version != VERSION:
        raise Refusal(
            400,
            "version",
            f"this runner knows version {VERSION} of a fleet's messages, not {version}: update both",
        )
    method, _, target = message.headers.get(REQUEST_HEADER, "").partition(" ")
    if message.reply.startswith("$JS."):  # a consumer directed here: no request
        raise Refusal(400, "bad_request", "a message of a stream is no request")
    if not method.isalpha() or not target.startswith("/") or not target.isascii() or not message.reply:
        raise Refusal(400, "bad_request", f"{REQUEST_HEADER} must have a method and a path")
    return method.upper(), target


def _kept(row: CommandReply, digest: str) -> Reply:
    """Return the reply that a key had. Raises `Refusal`."""
    if row.digest != digest:
        raise Refusal(422, "key_used", "the key was used for another command")
    if row.status is None:
        raise Refusal(
            409, "unknown", "the runner ended while it carried the command out: look at its state, then give it again"
        )
    return Reply(row.status, msgspec.json.decode(row.headers, type=Headers), row.body)


def _head(status: int, headers: Headers) -> dict[str, str]:
    given = {HTTP_PREFIX + name: value for name, value in headers if value.isascii()}
    return {VERSION_HEADER: VERSION, STATUS_HEADER: str(status), **given}
