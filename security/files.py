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
    """The bytes of a plain file below `folder`; None for all else or more than `most`.

    Only `folder` itself may be reached through links: from there no step of the path follows one, so what is put in
    the place of a folder or of the file meanwhile is not followed either.
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
