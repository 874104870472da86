"""Writing a file whole: a reader sees the old bytes or the new ones, and so does the next start after a power cut.

The new content goes to a temporary file of a unique name in the same folder, is synced, and takes the file's name;
then the folder is synced.
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
PREFIX_CHARS: Final = 40  # of the file's name; a file name has at most 255 bytes, a character up to four


def atomic_write(
    path: Path, data: bytes, *, mode: int | None = None, before_replacing: Callable[[], None] | None = None
) -> None:
    """Write `data` to `path`, whole or not at all. Raises OSError. Arguments as in `replacing`."""
    with replacing(path, mode=mode, before_replacing=before_replacing) as file:
        file.write(data)


@contextmanager
def replacing(
    path: Path, *, mode: int | None = None, before_replacing: Callable[[], None] | None = None
) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` at the end of the block; when the block raises, nothing changes.

    mode: the permissions; None keeps those of the existing file, and its owner, else takes those of any new file.
    before_replacing: called when the content is on the disk; what it raises leaves the existing file alone.
    """
    temporary = path.with_name(f"{_prefix(path)}{secrets.token_hex(8)}{SUFFIX}")
    old = _stat(path) if mode is None else None
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
    """Write a new file, whole or not at all, and never over one that exists. Raises `FileExistsError`, OSError."""
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
    """Remove what a killed writer of `path` has left; only for a caller that keeps other writers out."""
    for left in path.parent.glob(f"{glob.escape(_prefix(path))}*{SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a rename is on the disk only then."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(path: Path) -> str:
    return f".{path.name[:PREFIX_CHARS]}."


def _set_permissions(descriptor: int, mode: int | None, old: os.stat_result | None) -> None:
    """Before anything is in the file; a umask may have taken some of the permissions that were named."""
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
