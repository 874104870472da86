"""JSON-RPC 2.0 with one process: requests with a deadline, and an answer to everything that the process requests.

A request of ours without a response raises after its time. A request of the process is handled in a task of its own;
what is unknown, fails, or is too much at once is answered with an error, and nothing stays unanswered.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec import UNSET

from agents.acp.protocol import (
    CANCEL_REQUEST,
    CANCELLED,
    INTERNAL_ERROR,
    METHOD_NOT_FOUND,
    Id,
    Message,
    Request,
    Response,
    RpcError,
    error_words,
    read_line,
    wrapped,
)
from agents.dialogue import Channel
from agents.json_values import Json

MAX_OPEN: Final = 64  # requests of the process that are handled at once
log = logging.getLogger("sprint_runner.agents")


class Unanswered(Exception):
    """A request of ours had no answer in time; the message says which."""


class Refused(Exception):
    """A request of ours was answered with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(error_words(error))
        self.code = error.get("code")


class Failure(Exception):
    """A request of the process cannot be fulfilled: the error it is answered with."""

    def __init__(self, message: str, code: int = INTERNAL_ERROR) -> None:
        super().__init__(message)
        self.code = code


Handler = Callable[[Json], Awaitable[Any]]


class Connection:
    """`handlers` are by method; `notified` is called for what needs no answer."""

    def __init__(self, channel: Channel, handlers: dict[str, Handler], notified: Callable[[Message], None]) -> None:
        self._channel, self._handlers, self._notified = channel, handlers, notified
        self._ids = itertools.count(1)
        self._waiting: dict[Id, asyncio.Future[Json]] = {}
        self._tasks: dict[Id, asyncio.Task[None]] = {}
        self._closed = False

    async def request(self, method: str, params: Any, timeout_s: float | None) -> Json:
        """Return the result. Raises `Refused`, and `Unanswered` after `timeout_s` (None: never)."""
        id_ = next(self._ids)
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = future
        self._send(Request(method, params, id_))
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise Unanswered(f"No answer to {method} for {timeout_s:g} s.") from None
        finally:
            self._waiting.pop(id_, None)

    def notify(self, method: str, params: Any) -> None:
        self._send(Request(method, params))

    def receive(self, line: bytes) -> None:
        """A line of the process."""
        for message in read_line(line).messages:
            if message.ours:  # a program that imitates our recording is not listened to
                continue
            if message.is_answer:
                self._answered(message)
            elif message.method is not None and message.id is not None:
                self._requested(message.method, message.id, message.params)
            elif message.method == CANCEL_REQUEST:
                self._cancel(message.params.get("requestId"))
            else:
                self._notified(message)

    async def close(self) -> None:
        """Answer nothing more: end what is still being handled."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answered(self, message: Message) -> None:
        future = self._waiting.get(message.id) if message.id is not None else None
        if future is None or future.done():
            return
        if message.error is not None:
            future.set_exception(Refused(message.error))
        else:
            future.set_result(message.result)

    def _requested(self, method: str, id_: Id, params: Json) -> None:
        handler = self._handlers.get(method)
        if self._closed:
            return  # read from its pipe after its end
        if handler is None:
            self._fail(id_, METHOD_NOT_FOUND, f"{method} is not offered")
        elif len(self._tasks) >= MAX_OPEN or id_ in self._tasks:
            self._fail(id_, INTERNAL_ERROR, f"more than {MAX_OPEN} requests at once, or twice the same id")
        else:
            task = asyncio.create_task(self._handle(handler, id_, params))
            self._tasks[id_] = task
            task.add_done_callback(lambda _: self._tasks.pop(id_, None))

    async def _handle(self, handler: Handler, id_: Id, params: Json) -> None:
        try:
            result = await handler(params)
        except Failure as failure:
            self._fail(id_, failure.code, str(failure))
        except asyncio.CancelledError:
            self._fail(id_, CANCELLED, "cancelled")
            raise
        except Exception:  # a fault of ours must not leave the process waiting
            log.exception("a request of an agent could not be handled")
            self._fail(id_, INTERNAL_ERROR, "internal error")
        else:
            self._send(Response(id_, result))

    def _cancel(self, id_: object) -> None:
        with suppress(KeyError, TypeError):
            self._tasks[id_].cancel()  # type: ignore[index] # of any shape: what is no id is no key

    def _fail(self, id_: Id, code: int, message: str) -> None:
        self._send(Response(id_, UNSET, RpcError(code, message)))

    def _send(self, message: Request | Response) -> None:
        self._channel.send(msgspec.json.encode(message), wrapped(message))
