"""Cancellations that a library swallows."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from base.tasks import cancellable, end_tasks


async def swallows(began: asyncio.Event) -> str:
    began.set()
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    return "went on"


async def test_a_cancellation_that_is_swallowed_ends_the_task_all_the_same() -> None:
    began = asyncio.Event()
    task = asyncio.create_task(cancellable(swallows(began)))
    await began.wait()
    async with asyncio.timeout(10):
        await end_tasks(task)
    assert task.cancelled()


async def test_a_timeout_over_work_that_swallows_it_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await cancellable(swallows(asyncio.Event()))


async def test_work_of_a_task_that_was_cancelled_before_is_done() -> None:
    """What is cleaned up after a cancellation is no second one."""

    async def cleans_up() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return await cancellable(asyncio.sleep(0, "cleaned up"))
        return ""

    task = asyncio.create_task(cleans_up())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "cleaned up"
