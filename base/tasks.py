"""The end of tasks that a component owns, and their cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def end_tasks(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended; what they raise at their end is dropped. None: it never started."""
    started = [task for task in tasks if task is not None]
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


async def cancellable(work: Awaitable[T]) -> T:
    """Await work of a library that may swallow a cancellation; it is raised afterwards then.

    A task that goes on after its cancellation never ends, and who waits for its end does not either. The package of
    NATS swallows one while it flushes; before Python 3.12 so does `asyncio.wait_for` whose result comes at that moment.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    result = await work
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return result
