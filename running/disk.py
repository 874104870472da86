"""Room on the disk: where there is none, work waits for it. A full disk says nothing about anybody's work.

The database has a wait of its own (`durable` in `workspace.py`); this is the one for files and for git.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

TRY_S: Final = 1.0  # between two tries
# What git says of a full disk: the system's words, in English since it runs with `LC_ALL=C`, and its own.
WORDS: Final = ("No space left on device", "Disk quota exceeded", "Out of diskspace")

log = logging.getLogger("sprint_runner.run")
T = TypeVar("T")


async def retry_while_full(work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, and while the disk is full do it again, until there is room; anything else that it raises is raised.

    The work must be such that it may be done twice.
    """
    said = False
    while True:
        try:
            return await work()
        except Exception as error:
            if not caused_by_full_disk(error):
                raise
            if not said:
                log.error("the run waits for room on the disk: %s", error)
            said = True
        await asyncio.sleep(TRY_S)


def caused_by_full_disk(error: BaseException | None) -> bool:
    """Whether the error, or one that it was made of, comes from a full disk."""
    if error is None:
        return False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return is_disk_full(str(error)) or caused_by_full_disk(error.__cause__)


def is_disk_full(message: str) -> bool:
    """Whether git, or the system, says that the disk is full."""
    return any(word in message for word in WORDS)
