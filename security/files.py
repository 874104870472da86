"""Reading a file of a folder without leaving the folder, by a link or by a change between check and read.

A project is foreign content: a data file may be a link to a private key, a pipe without an end, or a device.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold a thread


def read_inside(folder: Path, path: Path, most: int) -> bytes | None:
    """Return the bytes of a regular file below `folder`; None for anything else and for more than `most` bytes.

    Only `folder` itself may be reached through links. Below it every step is opened relative to the one before and
    follows none, so a link that replaces a folder or the file meanwhile is not followed either.
    """
    try:
        parts = Path(os.path.abspath(path)).relative_to(os.path.abspath(folder)).parts
        descriptor = _open(folder, parts)
    except (OSError, ValueError):  # ValueError: outside, or a zero byte
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as file:
        content = file.read(most + 1)
    return content if len(content) <= most else None


def _open(folder: Path, parts: tuple[str, ...]) -> int:
    current = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
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
