"""The lock that permits one server per project: advisory, and released by the kernel when its process ends."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any


class ProjectLocked(RuntimeError):
    """Another server runs for this project; the message names it."""


class ProjectLock:
    """The lock of one data folder. The file is kept and names its last owner; only the lock on it counts."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise `ProjectLocked`."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise ProjectLocked(f"this project is already run by {self._holder()}: use that one, or end it") from None
        self._file = file
        self.describe(pid=os.getpid())

    def describe(self, **facts: Any) -> None:
        """Write the owner of the lock into the file, for the error message of other servers."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(facts).encode(), 0)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _holder(self) -> str:
        try:
            facts = json.loads(self._path.read_text())
            place = f" at {facts['url']}" if "url" in facts else ""
            return f"process {facts['pid']}{place}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
