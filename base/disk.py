"""Telling a full disk from other trouble. A full disk says nothing about anybody's work."""

from __future__ import annotations

import errno
from typing import Final

# What git says of a full disk: the system's words, in English since it runs with `LC_ALL=C`, and its own.
WORDS: Final = ("No space left on device", "Disk quota exceeded", "Out of diskspace")


def caused_by_full_disk(error: BaseException | None) -> bool:
    """Return whether the error, or one that it was made of, comes from a full disk."""
    if error is None:
        return False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return is_disk_full(str(error)) or caused_by_full_disk(error.__cause__)


def is_disk_full(message: str) -> bool:
    """Return whether git, or the system, says that the disk is full."""
    return any(word in message for word in WORDS)
