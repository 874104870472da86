"""Recognition of errors that a full disk caused: the work can succeed once there is space."""

from __future__ import annotations

import errno
from typing import Final

# Messages of git on a full disk: the system's, in English because git runs with `LC_ALL=C`, and its own.
MESSAGES: Final = ("No space left on device", "Disk quota exceeded", "Out of diskspace")


def caused_by_full_disk(error: BaseException | None) -> bool:
    """Whether the error, or one of its causes, comes from a full disk."""
    if error is None:
        return False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return is_disk_full(str(error)) or caused_by_full_disk(error.__cause__)


def is_disk_full(message: str) -> bool:
    """Whether a message of git or of the system reports a full disk."""
    return any(known in message for known in MESSAGES)
