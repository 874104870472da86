"""One connection to a NATS server with JetStream: requests, answers, and messages of a subject.

Promises: what is wrong is one sentence; an answer that does not come within its time ends the wait; a connection that
was lost is not made again by itself, so that its user begins from what the server has.
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
from typing import Any, Final, Self

import msgspec

from base.tasks import cancellable, end_tasks
from fleet.stream.inbox import Inbox, unless
from fleet.stream.keys import Key
from fleet.stream.login import BrokerLogin
from fleet.stream.problems import (
    BrokerProblem,
    NoStream,
    NotAllowed,
    is_refused_login,
    not_connected,
    problem_of,
    refused_by_broker,
    words,
)

MISSING: Final = (
    "A fleet of many machines needs the package nats-py: `uv tool install 'sprint-runner[fleet]'`, or "
    "`pip install nats-py`, and restart the server."
)
CONNECT_S: Final = 2.0
ANSWER_S: Final = 2.0  # of the server itself
CLOSE_S: Final = 1.0
PING_S: Final = 2.0  # between two pings; two without an answer end the connection
PENDING_MSGS: Final = 65_536  # that wait in this process for who reads them

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
    at: int = 0

    @property
    def status(self) -> str:
        """The status of a message by the server itself, "" of any other."""
        return self.headers.get("Status", "")


Serve = Callable[[Message], Awaitable[None]]


def why_unavailable() -> str | None:
    """Return how to get the package; None where it is installed."""
    return MISSING if importlib.util.find_spec("nats") is None else None


class Connection:
    """One connection, from `connect` until it is lost or closed. `lost` is done when it is."""

    def __init__(self, client: Any, user: str, lost: asyncio.Future[None]) -> None:
        self.client = client
        self.user = user
        self.lost = lost
        self.on_refusal: Callable[[str], None] = lambda sentence: None
        self._asked: dict[str, asyncio.Future[Any]] = {}  # by subject in lower case, as refusals name it

    @classmethod
    async def log_in(cls, login: BrokerLogin, name: str) -> Self:
        """Connect as a login says. Raises `BrokerProblem`."""
        return await cls.connect(login.address, login.user, login.secret(), name)

    @classmethod
    async def connect(cls, address: str, user: str, secret: str | Key | None, name: str) -> Self:
        """Connect and check that there is JetStream; `user` names the inbox. Raises `BrokerProblem`."""
        if (missing := why_unavailable()) is not None:
            raise BrokerProblem(missing.rstrip("."))
        import nats
        from nats.aio.client import Client

        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client, failures = Client(), [""]
        given = _given(client, user, secret)
        made: list[Self] = []

        async def on_error(error: Exception) -> None:
            failure = words(error)
            # A refusal is what counts: of a later try only the reset of the connection may be left.
            failures[0] = failures[0] if is_refused_login(failures[0]) else failure
            if made and "permissions violation" in failure.lower():
                made[0]._refuse(failure)

        async def on_closed() -> None:
            if not lost.done():
                lost.set_result(None)

        def on_read(task: asyncio.Task[None]) -> None:
            # Where the package fails while it closes, it reports nothing: the end of its reading is the end.
            if not task.cancelled():
                task.exception()
            if not lost.done():
                lost.set_result(None)

        try:
            async with asyncio.timeout(2 * CONNECT_S):
                connecting = client.connect(
                    address,
                    **given,
                    name=name,
                    error_cb=on_error,
                    closed_cb=on_closed,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # of the first connection; 0 would be for ever
                    reconnect_time_wait=0,
                    connect_timeout=int(CONNECT_S),
                    ping_interval=PING_S,  # type: ignore[arg-type]  # seconds, of any kind
                    inbox_prefix=f"_INBOX_{user}",
                    **_tls(address),
                )
                await cancellable(connecting)
        except (OSError, TimeoutError, ValueError, nats.errors.Error) as error:
            await _close(client)
            who = f"user {user}" if isinstance(secret, str | None) else f"key {secret.public}"
            raise not_connected(address, who, failures[0] or words(error)) from None
        except asyncio.CancelledError:  # its user ends meanwhile
            await _close(client)
            raise
        if (reading := client._reading_task) is not None:
            reading.add_done_callback(on_read)
        made.append(cls(client, user, lost))
        await made[0]._check_jetstream(address)
        return made[0]

    async def close(self) -> None:
        await _close(self.client)

    def _is_alive(self) -> None:
        """Take a message for an answer to every ping, which comes behind all that the server sent before."""
        self.client._pings_outstanding = 0

    def _refuse(self, refusal: str) -> None:
        """End the request that the broker did not let through, or report what was none."""
        sentence = f"user {self.user} has no permission ({refusal})"
        found = _REFUSED_SUBJECT.search(refusal)
        asked = None if found is None else self._asked.get(found[1].lower())
        if asked is None or asked.done():
            self.on_refusal(sentence)
        else:
            asked.set_exception(NotAllowed(sentence))

    async def _check_jetstream(self, address: str) -> None:
        try:
            await self.api("INFO", {})
        except NoStream as error:  # answers, but has no subscriber of this subject
            await self.close()
            raise BrokerProblem(f"the NATS server at {address} has no JetStream: start it with -js ({error})") from None
        except (BrokerProblem, asyncio.CancelledError):
            await self.close()
            raise

    async def request(self, subject: str, data: bytes, headers: Mapping[str, str], timeout_s: float) -> Message:
        """Send a request and return its answer.

        Raises `NoStream` without a subscriber, `NotAllowed`, `BrokerLost`.
        """
        request = self.client.request(subject, data, timeout=timeout_s, headers=dict(headers) or None)
        try:
            answer = await unless(self._refusal_of(subject), request)
        except Exception as error:
            raise problem_of(error) from None
        return Message(answer.subject, answer.data, answer.headers or {}, reply=answer.reply)

    async def answers(
        self, subject: str, data: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> AsyncGenerator[Message]:
        """Send a request and yield its answers, until who asks stops; each must come within the time."""
        inbox = self.client.new_inbox()
        messages = await self.open_inbox(inbox)
        try:
            refused = self._refusal_of(subject)
            await self.send(subject, data, headers, reply=inbox)
            while True:
                message = await unless(refused, messages.next(timeout_s))
                if (message.headers or {}).get("Status") == "503":
                    raise NoStream("nobody listens")
                yield Message(message.subject, message.data, message.headers or {}, reply=message.reply)
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
            await cancellable(self.client.publish(subject, data, reply=reply, headers=dict(headers) or None))
        except Exception as error:
            raise problem_of(error) from None

    async def serve(self, subject: str, serve: Serve) -> None:
        """Call `serve` with every message of a subject, one after the other."""

        async def received(message: Any) -> None:
            self._is_alive()
            try:
                await serve(Message(message.subject, message.data, message.headers or {}, reply=message.reply))
            except BrokerProblem as problem:
                log.info("a request on %s was not answered: %s", subject, problem)

        try:
            await cancellable(self.client.subscribe(subject, cb=received, pending_msgs_limit=PENDING_MSGS))
        except Exception as error:
            raise problem_of(error) from None

    async def open_inbox(self, subject: str) -> Inbox:
        inbox = Inbox(self.lost)

        async def received(message: Any) -> None:
            self._is_alive()
            await inbox.take(message)

        try:
            subscribing = self.client.subscribe(subject, cb=received, pending_msgs_limit=PENDING_MSGS)
            inbox.subscription = await cancellable(subscribing)
        except Exception as error:
            raise problem_of(error) from None
        return inbox

    async def api(self, subject: str, request: Any) -> Any:
        """Ask JetStream's own interface, which answers in JSON."""
        answer = await self.request(f"$JS.API.{subject}", msgspec.json.encode(request), {}, ANSWER_S)
        response = msgspec.json.decode(answer.data)
        if "error" in response:
            raise refused_by_broker(response["error"])
        return response


def _given(client: Any, user: str, secret: str | Key | None) -> dict[str, Any]:
    """Return how a client proves who it is; the package's own way with keys needs one more package."""
    if not isinstance(secret, Key):
        return {"user": user, "password": secret or ""}
    given: dict[str, Any] = {"user": secret.public, "signature_cb": secret.sign}
    if secret.jwt is None:
        client._public_nkey = secret.public
    else:
        given["user_jwt_cb"] = secret.jwt.encode
    return given


def _tls(address: str) -> dict[str, Any]:
    return {"tls": ssl.create_default_context()} if address.startswith("tls:") else {}


async def _close(client: Any) -> None:
    tasks = _tasks_of(client)
    # Whatever is wrong with a connection that is given up; after a refused certificate the package waits for ever.
    with suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await client.close()
    with suppress(Exception):  # of a connection that was never complete the package leaves the socket open
        client._transport.close()
    await end_tasks(*tasks)


def _tasks_of(client: Any) -> list[asyncio.Task[None]]:
    """Return the package's tasks, which it leaves running, or their errors unread, where it fails while it closes."""
    waits = [subscription._wait_for_msgs_task for subscription in client._subs.values()]
    tasks = (client._reading_task, client._ping_interval_task, client._flusher_task, *waits)
    return [task for task in tasks if task is not None and task is not asyncio.current_task()]
