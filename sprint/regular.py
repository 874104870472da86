"""Opening files of a project: regular ones only, and never more of one than a bound.

A project may hold anything under the name of a story: a pipe that nobody writes to would block a
reader for ever, a device may do worse. So the kind is checked before and after opening.
"""

import os
import stat
from pathlib import Path

# Pipes open at once with O_NONBLOCK; without it the check below would come too late.
CHUNK_BYTES = 64 * 1024
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read_regular(path: Path | str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file, its links followed. Raises OSError for anything else."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"{os.fspath(path)} is no regular file")
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        # The name may lead to another file by now.
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{os.fspath(path)} is no regular file")
        return _read(descriptor, limit, min(limit, status.st_size + 1))
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit: int, chunk: int) -> bytes:
    """Up to the end or the limit; a file that grows meanwhile is read on."""
    parts = []
    while limit > 0 and (part := os.read(descriptor, min(limit, chunk))):
        parts.append(part)
        limit -= len(part)
        chunk = max(chunk, CHUNK_BYTES)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_or_empty(path: Path | str, limit: int) -> bytes:
    """The same, b"" for what cannot be read."""
    try:
        return read_regular(path, limit)
    except (OSError, ValueError):
        return b""
