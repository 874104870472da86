"""The indexes of the recordings that are looked at, on threads of their own.

Promises: no transcript takes a thread that the run needs, however long it is; a recording that is being indexed for
the first time does not block one that is; so many indexes are kept, the one that was used last the longest.
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
LONG_BYTES: Final = 4 << 20  # of a recording that are new: they are read on the thread for long work

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
        look: Callable[[agents.TranscriptIndex], T],
    ) -> T:
        """What `look` finds in the index of a recording, which is brought up to date before. Raises OSError."""
        index, lock = await self._index(path, kind, mask)
        async with lock:
            loop = asyncio.get_running_loop()
            unread = await loop.run_in_executor(self._short, index.unread)
            try:
                await loop.run_in_executor(self._long if unread > LONG_BYTES else self._short, index.update, ended)
            except OSError:  # half of what was read may be missing: the next one begins anew
                if self._indexes.pop(path, None) is not None:
                    index.close()
                raise
            return await loop.run_in_executor(self._short, look, index)

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
            if not lock.locked():  # else it is read just now
                del self._indexes[old]
                index.close()
        return found


RECORDINGS: Final = web.AppKey("recordings", Recordings)
