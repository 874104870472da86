"""The lock of a recording that is being written, which lasts as long as anybody may still append to it.

It belongs to the open file, not to a process: the server takes it, and while the guardian has the same file open it
holds on after the server's death. The system releases it with the last of them.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

RELEASE_S: Final = 12.0  # a guardian gives up after 10 s (`guardian.GIVE_UP_S`)
LOOK_S: Final = 0.05


def lock(file: int) -> None:
    """Lock an open recording; without effect on a file system that has no locks."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def until_released(path: Path, within_s: float = RELEASE_S) -> bool:
    """Wait until no process writes to this recording any more; whether that is so, also where there is no recording."""
    try:
        file = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    ends = time.monotonic() + within_s
    try:
        while _is_locked(file):
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(LOOK_S)
        return True
    finally:
        os.close(file)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
