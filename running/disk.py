"""Retries while the disk is full. The database has its own (`until_stored` in `workspace.py`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from base.disk import caused_by_full_disk
from git.snapshots import Git

TRY_S: Final = 1.0  # seconds between two attempts

log = logging.getLogger("sprint_runner.run")
T = TypeVar("T")


async def retry_while_full(work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, and while the disk is full do it again; anything else that it raises is raised.

    The work must be such that it may be done twice.
    """
    logged = False
    while True:
        try:
            return await work()
        except Exception as error:
            if not caused_by_full_disk(error):
                raise
            if not logged:
                log.error("the run waits for space on the disk: %s", error)
            logged = True
        await asyncio.sleep(TRY_S)


async def take_snapshot(git: Git) -> str:
    """Return the tree of the work tree as it is now; waits while the disk is full."""
    return await retry_while_full(git.snapshot)


async def recent_snapshot(git: Git) -> str:
    """Return the tree as it was at most a moment ago, while the run itself changed nothing; waits as above."""
    return await retry_while_full(git.recent_snapshot)
