"""The files of a server's records while it runs: that database and locks still lie under their names.

`git clean -fdx`, `git stash --all` or a removed folder take them from under an open server, which would write on into
files that are never found, beside a second server with the same project. What was taken away is written out again from
the open handles before anything else is run.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from db import Database
from events import emit
from payloads import Attention
from running.lock import ProjectLock
from store.job import DatabaseUnavailable

log = logging.getLogger("sprint_runner.run")


class DataFiles:
    """Database and locks of one server; `prepare` makes the data folder.

    `failure` says why the files are not in place, None while they are.
    """

    def __init__(
        self, database: Database, lock: ProjectLock | None = None, prepare: Callable[[], None] | None = None
    ) -> None:
        self.failure: str | None = None
        self._database = database
        self._lock = lock
        self._prepare = prepare
        self._turn = asyncio.Lock()

    def lost(self) -> list[Path]:
        """Return which files were removed or replaced. Looks at the disk."""
        return [*self._database.lost(), *(self._lock.lost if self._lock is not None else [])]

    def problem(self) -> str | None:
        """Return why the files are not in place now; None while they are. Looks at the disk."""
        lost = self.lost()
        return self.failure or (_described(lost) if lost else None)

    async def restore(self) -> bool:
        """Write again what was taken away, if anything was; return whether all files are in place."""
        async with self._turn:
            lost = await asyncio.to_thread(self.lost)
            if lost:
                await self._restore(lost)
            else:
                self.failure = None
            return self.failure is None

    async def _restore(self, lost: list[Path]) -> None:
        what = _described(lost)
        self.failure = self.failure or what
        try:
            await self._write_again()
        except (
            OSError,
            sqlite3.Error,
            RuntimeError,
        ) as error:  # RuntimeError: a second server has a lock, or the folder
            failure = f"{what}, and it cannot be written again: {error}"
            if failure != self.failure:
                log.error("%s", failure)
            self.failure = failure
            return
        self.failure = None
        log.error("%s, and was written again", what)
        message = f"{what}. It was written again and is complete; the streams of earlier commands may be gone"
        with suppress(DatabaseUnavailable):  # it is in the log
            emit(Attention(kind="data", message=message))

    async def _write_again(self) -> None:
        """The locks first: a second server may have begun in the meantime, whose database is its own."""
        if self._prepare is not None:
            await asyncio.to_thread(self._prepare)
        if self._lock is not None:
            await asyncio.to_thread(self._lock.renew)
        if await asyncio.to_thread(self._database.lost):
            await self._database.write_again()


def _described(lost: list[Path]) -> str:
    return f"{lost[0].name} was removed or replaced in {lost[0].parent} while the server runs"
