"""Opening files of a project: regular ones only, and never more of one than a bound.

A project may hold anything under the name of a story: a pipe that nobody writes to would block a
reader for ever, a device may do worse. So the kind is checked before and after opening.
"""

import os
import stat
from pathlib import Path

# Pipes open at once with O_NONBLOCK; without it the check below would come too late.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read_regular(path: Path | str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file, its links followed. Raises OSError for anything else."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"{os.fspath(path)} is no regular file")
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        # The name may lead to another file by now.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{os.fspath(path)} is no regular file")
        return file.read(limit)


def read_or_empty(path: Path | str, limit: int) -> bytes:
    """The same, b"" for what cannot be read."""
    try:
        return read_regular(path, limit)
    except (OSError, ValueError):
        return b""
