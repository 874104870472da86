"""Recordings that are compressed beside what runs next, since nothing waits for it.

A recording is whole when its command ends, and stays until its archive is on the disk: a kill loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

WAIT_S: Final = 5.0  # at the server's end; what is not compressed by then stays as it is

log = logging.getLogger("sprint_runner.run")


class RecordedCall(Protocol):
    """A call whose recording is compressed when `wait` returns."""

    async def wait(self) -> object: ...


class Archiving:
    """The calls whose recordings are being compressed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, process: RecordedCall) -> None:
        """Take over a call that has ended."""
        task = asyncio.create_task(self._finish(process), name="archiving")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when all are compressed, or after a while."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=WAIT_S)

    async def _finish(self, process: RecordedCall) -> None:
        try:
            await process.wait()
        except Exception:  # of any kind: the command has its result already
            log.exception("a recording could not be compressed")
