"""The error of a program that cannot start."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

RESTORE: Final = "restore a backup with `sprint-runner restore FILE PROJECT`"
_WRITABLE: Final = "make it and its folder writable, or name another folder with --data-dir"
_NOT_DAMAGE: Final = {
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL),
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_AUTH),
}


class CannotStart(RuntimeError):
    """The program cannot start; the message is one sentence on what the operator has to change."""


def unusable_database(file: Path, error: Exception) -> CannotStart:
    """Return why a database cannot be used: it, or its disk, takes no writes, or what is in it is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte of an extended result code is the primary one.
    if code is not None and code & 0xFF in _NOT_DAMAGE:
        return CannotStart(f"{file} cannot be opened ({error}): {_WRITABLE}")
    return CannotStart(f"{file} is damaged ({error}): {RESTORE}, or move the file away to start a new record")


def unwritable(error: OSError) -> CannotStart:
    """Return why a file or folder that the server needs cannot be written."""
    return CannotStart(f"{error.filename} cannot be written ({error.strerror}): {_WRITABLE}")
