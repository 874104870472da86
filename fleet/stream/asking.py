"""Requests to a runner through the broker, and its responses in pieces, or by the object store.

Promises: a command has a key, so that it may be sent again after a lost connection and is carried out once; what the
broker does not let through is refused with its words.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from tempfile import SpooledTemporaryFile
from typing import Final

import msgspec

from fleet.source import RunnerRequest, RunnerResponse, Unreachable
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message, NoStream, NotAllowed
from fleet.stream.names import (
    HTTP_PREFIX,
    KEY_HEADER,
    MORE_HEADER,
    OBJECT_BYTES,
    OBJECT_HEADER,
    PIECE_BYTES,
    REQUEST_HEADER,
    SENT_HEADER,
    STATUS_HEADER,
    VERSION,
    VERSION_HEADER,
    commands_subject,
    objects_bucket,
    reads_subject,
)
from security.grants import Role

ANSWER_S: Final = 30.0  # for a piece of a response
TRIES: Final = 3  # of a request that reached no runner, and of a command whose connection was lost
AGAIN_S: Final = 0.2  # before the next one
READING: Final = ("GET", "HEAD")
KEY: Final = "idempotency-key"  # of a request over HTTP that has chosen one itself

Connected = Callable[[], Awaitable[Broker]]
"""Returns the connection, after waiting a moment for a lost one. Raises `Unreachable`."""


async def ask(
    connected: Connected, name: str, request: RunnerRequest, clock: Callable[[], int | None]
) -> RunnerResponse:
    """Send a request to the runner `name`; `clock` returns the runner's own time in ms. Raises `Unreachable`."""
    reads = request.method in READING
    headers = _headers(request)
    if not reads:
        headers[KEY_HEADER] = dict(request.headers).get(KEY) or secrets.token_hex(16)
    for left in reversed(range(TRIES)):
        broker = await connected()
        if not reads:
            now = clock()
            if now is None:
                raise Unreachable("It is not there.")
            headers.setdefault(SENT_HEADER, str(now))
        with suppress(_Again):
            return await _send(broker, name, request, headers, last=left == 0)
        await asyncio.sleep(AGAIN_S)
    raise Unreachable("It does not answer.")


class _Again(Exception):
    """The connection was lost, and the request may be sent again."""


async def _send(
    broker: Broker, name: str, request: RunnerRequest, headers: dict[str, str], *, last: bool
) -> RunnerResponse:
    operator = request.role is Role.OPERATOR
    subject = commands_subject(name) if operator else reads_subject(name)
    answers = broker.answers(subject, request.body, headers, ANSWER_S)
    try:
        first = await anext(answers)
    except NotAllowed:
        await answers.aclose()
        if request.method in READING:  # who may only look still sees what readers see
            reader = msgspec.structs.replace(request, role=Role.READER)
            return await _send(broker, name, reader, headers, last=last)
        return refused("the credentials of this page's server allow it to look, and to change nothing")
    except NoStream:
        if last:
            raise Unreachable("It is not there.") from None
        raise _Again from None  # it may have come back a moment ago
    except BrokerLost as problem:
        if last or request.method in READING:
            raise Unreachable(f"It does not answer: {problem}.") from None
        raise _Again from None
    except BrokerProblem as problem:
        raise Unreachable(f"It cannot be asked: {problem}.") from None
    status = first.headers.get(STATUS_HEADER, "")
    if first.headers.get(VERSION_HEADER) != VERSION or not status.isdigit():
        await answers.aclose()
        raise Unreachable("It answers with messages of another version: update both.")
    body = _object(broker, name, first, answers) if OBJECT_HEADER in first.headers else _pieces(first, answers)
    passed = {
        name.removeprefix(HTTP_PREFIX): value for name, value in first.headers.items() if name.startswith(HTTP_PREFIX)
    }
    return RunnerResponse(status=int(status), headers=tuple(passed.items()), body=body)


def _headers(request: RunnerRequest) -> dict[str, str]:
    passed = {HTTP_PREFIX + name.lower(): value for name, value in request.headers if value.isascii()}
    return {VERSION_HEADER: VERSION, REQUEST_HEADER: f"{request.method} {request.path}", **passed}


async def _pieces(first: Message, answers: AsyncGenerator[Message]) -> AsyncGenerator[bytes]:
    """Yield the pieces of a body, which are numbered. Raises `Unreachable` when one is missing."""
    async with aclosing(answers):
        message, number = first, 1
        while True:
            yield message.data
            if MORE_HEADER not in message.headers:
                return
            if message.headers[MORE_HEADER] != str(number):
                raise Unreachable("A piece of its response was lost.")
            try:
                message = await anext(answers)
            except BrokerProblem as problem:
                raise Unreachable(f"Its response broke off: {problem}.") from None
            number += 1


async def _object(broker: Broker, name: str, first: Message, answers: AsyncGenerator[Message]) -> AsyncGenerator[bytes]:
    """Yield a body that is in the runner's bucket."""
    await answers.aclose()
    with SpooledTemporaryFile(OBJECT_BYTES) as file:
        try:
            await broker.objects.get(objects_bucket(name), first.headers[OBJECT_HEADER], file)
        except BrokerProblem as problem:
            raise Unreachable(f"Its response cannot be fetched: {problem}.") from None
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece


def refused(sentence: str) -> RunnerResponse:
    """Return the response to who may not do what was asked."""

    async def body() -> AsyncGenerator[bytes]:
        yield msgspec.json.encode({"error": {"code": "reader", "message": sentence}})

    return RunnerResponse(status=403, headers=(("Content-Type", "application/json"),), body=body())
