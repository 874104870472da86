"""Reading a file of a folder without being led out of it, by a link or by a change between the look and the reading.

A project is other people's content: a data file may be a link to a private key, a pipe that never ends, or a device.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold a thread


def read_inside(folder: Path, path: Path, most: int) -> bytes | None:
    """The bytes of a plain file that lies, its links resolved, below `folder`; None for all else or more than `most`.

    The resolved path is walked from the folder without following any link, so one that is put in its place meanwhile
    is not followed either.
    """
    try:
        real = folder.resolve(strict=True)
        parts = path.resolve(strict=True).relative_to(real).parts
        descriptor = _open(real, parts)
    except (OSError, ValueError, RuntimeError):  # ValueError: outside, or a zero byte; RuntimeError: a loop of links
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as file:
        content = file.read(most + 1)
    return content if len(content) <= most else None


def _open(folder: Path, parts: tuple[str, ...]) -> int:
    current = os.open(folder, _FOLDER)
    for part in parts[:-1]:
        current, above = _below(current, part, _FOLDER), current
        os.close(above)
    try:
        return os.open(parts[-1] if parts else ".", _FILE, dir_fd=current)
    finally:
        os.close(current)


def _below(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError:
        os.close(folder)
        raise
