"""Reading of regular files of a project, up to a limit and without blocking.

A file with the name of a tracker, a story or a settings file may be of any kind. A pipe without a writer would block
its reader forever, and opening a device may have effects, so the kind is checked before and after opening.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
CHUNK_BYTES: Final = 64 << 10  # per read of a file that is longer than its reported size
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegular(OSError):
    """The path is no regular file; `strerror` names its kind."""


def read_regular(path: Path | str, limit: int) -> bytes:
    """Return the first `limit` bytes of a regular file, its links followed. Raises OSError for anything else."""
    _require_regular(path, os.stat(path))
    descriptor = os.open(path, _FLAGS)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        _require_regular(path, status)  # the path may have been replaced since
        parts, chunk = [], status.st_size + 1
        while limit > 0 and (part := file.read(min(limit, chunk))):  # a file that grows meanwhile is read further
            parts.append(part)
            limit -= len(part)
            chunk = CHUNK_BYTES
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_or_empty(path: Path | str, limit: int) -> bytes:
    """Return the bytes as `read_regular` does, b"" for a file that cannot be read."""
    try:
        return read_regular(path, limit)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return b""


def _require_regular(path: Path | str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "something else")
        raise NotRegular(0, f"it is {kind}, not a file", os.fspath(path))
