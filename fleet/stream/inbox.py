"""The messages of one subscription, and waits that end with the connection or with a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from base.tasks import cancellable
from fleet.stream.problems import BrokerLost


class Inbox:
    """The messages of one subscription, until the connection is `lost`.

    The package's own way to wait for a message takes the end of a task for that of the connection.
    """

    def __init__(self, lost: asyncio.Future[None]) -> None:
        self.subscription: Any = None
        self._lost = lost
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        lost.add_done_callback(self._end)

    async def take(self, message: Any) -> None:
        self._messages.put_nowait(message)

    async def next(self, timeout_s: float) -> Any:
        """Return the next message. Raises `BrokerLost`."""
        if self._messages.empty() and self._lost.done():
            raise BrokerLost("the connection to the broker was lost")
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._messages.get()
        except TimeoutError:
            raise BrokerLost("the broker does not answer") from None
        if message is None:
            raise BrokerLost("the connection to the broker was lost")
        return message

    async def close(self) -> None:
        self._lost.remove_done_callback(self._end)
        with suppress(Exception):  # the connection may be gone
            await cancellable(self.subscription.unsubscribe())

    def _end(self, _lost: asyncio.Future[None]) -> None:
        self._messages.put_nowait(None)


async def unless(refused: asyncio.Future[Any], work: Coroutine[Any, Any, Any]) -> Any:
    """Return what `work` returns, or raise what `refused` fails with before."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, refused}, return_when=asyncio.FIRST_COMPLETED)
        return await (task if task.done() else refused)
    finally:
        task.cancel()
