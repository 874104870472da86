"""The indexes of the recordings that clients read, with their own threads.

Promises: no transcript takes a thread that the run needs, however long it is; no request waits for a long recording to
be read to its end, nor for one that is indexed for the first time; so many indexes are kept, the one that was used last
the longest.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp import web

import agents

KEPT_MAX: Final = 16  # indexes; each holds a descriptor and 12 bytes an entry
SLICE_S: Final = 0.02  # of reading at a time: how long a request reads, and waits for the background

T = TypeVar("T")


class Recordings:
    """The indexes of one server; `close` ends the threads."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[Path, tuple[agents.TranscriptIndex, asyncio.Lock]] = OrderedDict()
        self._behind: dict[Path, asyncio.Task[None]] = {}  # the recordings that are read in the background
        self._short = ThreadPoolExecutor(2, "transcript")
        self._background = ThreadPoolExecutor(1, "recording")

    async def read(
        self,
        path: Path,
        kind: str,
        mask: Callable[[Any], Any],
        ended: bool,
        query: Callable[[agents.TranscriptIndex], T],
        whole: bool = False,
    ) -> T:
        """Return `query(index)` for the index of a recording, after reading what is new for `SLICE_S` at most.

        The rest is read in the background; `is_behind` of the index says that there is some. `whole` waits for it.
        Raises OSError.
        """
        index, lock = await self._index(path, kind, mask)
        if whole:
            await self._catch_up(path, ended)
        async with lock:
            await self._update(self._short, path, index, ended, SLICE_S)
            if index.is_behind and path not in self._behind:
                task = asyncio.create_task(self._catch_up(path, ended))
                self._behind[path] = task
                task.add_done_callback(lambda _task: self._behind.pop(path, None))
            return await asyncio.get_running_loop().run_in_executor(self._short, query, index)

    async def _update(
        self, pool: ThreadPoolExecutor, path: Path, index: agents.TranscriptIndex, ended: bool, limit_s: float
    ) -> None:
        """Read what is new. Raises OSError."""
        try:
            await asyncio.get_running_loop().run_in_executor(pool, index.update, ended, limit_s)
        except OSError:  # half of what was read may be missing: the next one begins again
            if self._indexes.pop(path, None) is not None:
                index.close()
            raise

    async def _catch_up(self, path: Path, ended: bool) -> None:
        """Read a recording to its end in slices, between which requests get their turn."""
        while (found := self._indexes.get(path)) is not None:  # else it was dropped for newer ones
            index, lock = found
            async with lock:
                if self._indexes.get(path) is not found:
                    return
                try:
                    await self._update(self._background, path, index, ended, SLICE_S)
                except OSError:
                    return  # the next request finds out
                if not index.is_behind:
                    return

    def close(self) -> None:
        for task in self._behind.values():
            task.cancel()
        self._short.shutdown(cancel_futures=True)
        self._background.shutdown(cancel_futures=True)

    async def _index(
        self, path: Path, kind: str, mask: Callable[[Any], Any]
    ) -> tuple[agents.TranscriptIndex, asyncio.Lock]:
        found = self._indexes.pop(path, None)
        if found is None:
            found = agents.TranscriptIndex(path, kind, mask), asyncio.Lock()
        self._indexes[path] = found
        for old, (index, lock) in list(self._indexes.items())[:-KEPT_MAX]:
            if not lock.locked():  # otherwise it is being read
                del self._indexes[old]
                index.close()
        return found


RECORDINGS: Final = web.AppKey("recordings", Recordings)
