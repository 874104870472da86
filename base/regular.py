"""Reading files of a project: regular ones only, never more of one than a bound, and never waiting for one.

Anything may lie under the name of a tracker, a story or a settings file. A pipe without a writer would block its
reader for ever, and opening a device may do something, so the kind is looked at before and after opening.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
CHUNK_BYTES: Final = 64 << 10  # of a file that is longer than it said
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegular(OSError):
    """What lies there is no regular file; `strerror` says what it is."""


def read_regular(path: Path | str, limit: int) -> bytes:
    """Return the first `limit` bytes of a regular file, its links followed. Raises OSError for anything else."""
    _require_regular(path, os.stat(path))
    descriptor = os.open(path, _FLAGS)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        _require_regular(path, status)  # the name may belong to something else by now
        parts, chunk = [], status.st_size + 1
        while limit > 0 and (part := file.read(min(limit, chunk))):  # one that grows meanwhile is read on
            parts.append(part)
            limit -= len(part)
            chunk = CHUNK_BYTES
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_or_empty(path: Path | str, limit: int) -> bytes:
    """Return the same, b"" for what cannot be read."""
    try:
        return read_regular(path, limit)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return b""


def _require_regular(path: Path | str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "something else")
        raise NotRegular(0, f"it is {kind}, not a file", os.fspath(path))
