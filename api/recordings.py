"""The indexes of the recordings that clients read, with their own threads.

Promises: no transcript takes a thread that the run needs, however long it is; a long recording that is being indexed
does not block short ones; at most `KEPT_MAX` indexes are kept, the least recently used one is dropped first.
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
LONG_BYTES: Final = 4 << 20  # unread bytes of a recording from which on it is indexed on the thread for long work

T = TypeVar("T")


class Recordings:
    """The indexes of one server; `close` ends the threads."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[Path, tuple[agents.TranscriptIndex, asyncio.Lock]] = OrderedDict()
        self._short = ThreadPoolExecutor(2, "transcript")
        self._long = ThreadPoolExecutor(1, "recording")

    async def read(
        self,
        path: Path,
        kind: str,
        mask: Callable[[Any], Any],
        ended: bool,
        query: Callable[[agents.TranscriptIndex], T],
    ) -> T:
        """Return `query(index)` for the index of a recording, which is updated first. Raises OSError."""
        index, lock = await self._index(path, kind, mask)
        async with lock:
            loop = asyncio.get_running_loop()
            unread = await loop.run_in_executor(self._short, index.unread)
            try:
                await loop.run_in_executor(self._long if unread > LONG_BYTES else self._short, index.update, ended)
            except OSError:  # the index may be incomplete: the next read builds it again
                if self._indexes.pop(path, None) is not None:
                    index.close()
                raise
            return await loop.run_in_executor(self._short, query, index)

    def close(self) -> None:
        self._short.shutdown(cancel_futures=True)
        self._long.shutdown(cancel_futures=True)

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
