"""Atomic writes: a reader finds the old bytes or the new ones, also after a power failure.

The new content is written to a temporary file with a unique name in the same folder and synced, then renamed to the
file; then the folder is synced.
"""

from __future__ import annotations

import glob
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

SUFFIX: Final = ".sprint-runner.tmp"
FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PREFIX_CHARS: Final = 40  # characters of the file's name, up to four bytes each; a file name has at most 255 bytes


def atomic_write(
    path: Path, data: bytes, *, mode: int | None = None, before_replacing: Callable[[], None] | None = None
) -> None:
    """Write `data` to `path` completely or not at all. Raises OSError. Arguments as in `replacing`."""
    with replacing(path, mode=mode, before_replacing=before_replacing) as file:
        file.write(data)


@contextmanager
def replacing(
    path: Path, *, mode: int | None = None, before_replacing: Callable[[], None] | None = None
) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` at the end of the block; when the block raises, nothing changes.

    mode: the permissions; None keeps permissions and owner of an existing file and uses the defaults for a new one.
    before_replacing: called when the content is on the disk; when it raises, the existing file is kept.
    """
    temporary = path.with_name(f"{_prefix(path)}{secrets.token_hex(8)}{SUFFIX}")
    old = _stat(path) if mode is None else None
    # Never more permissive than the result, not even during the write.
    created = mode if mode is not None else 0o666 if old is None else 0o600
    try:
        with open(temporary, "w+b", opener=lambda name, _: os.open(name, FLAGS, created)) as file:
            _set_permissions(file.fileno(), mode, old)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if before_replacing is not None:
            before_replacing()
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def create_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a new file completely or not at all, never over an existing one. Raises `FileExistsError`, OSError."""
    temporary = path.with_name(f"{_prefix(path)}{secrets.token_hex(8)}{SUFFIX}")
    try:
        with open(temporary, "w+b", opener=lambda name, _: os.open(name, FLAGS, mode)) as file:
            _set_permissions(file.fileno(), mode, None)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a rename it fails where another program was faster
    finally:
        with suppress(OSError):
            temporary.unlink()
    sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that a killed writer of `path` left; the caller must exclude other writers."""
    for left in path.parent.glob(f"{glob.escape(_prefix(path))}*{SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def sync_folder(folder: Path) -> None:
    """Sync a folder: only then is a rename in it durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(path: Path) -> str:
    return f".{path.name[:PREFIX_CHARS]}."


def _set_permissions(descriptor: int, mode: int | None, old: os.stat_result | None) -> None:
    """Set permissions and owner before the content is written; the umask may have removed some permissions."""
    if mode is not None:
        os.fchmod(descriptor, mode)
    elif old is not None:
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        with suppress(PermissionError):  # only root may give a file to another user
            os.fchown(descriptor, old.st_uid, old.st_gid)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
