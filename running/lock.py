"""The locks that permit one server per project and per data folder: advisory, released by the kernel at the end.

The lock of a project belongs to the project, so that two servers with different data folders exclude each other, too.
It is in git's own folder, which no cleaning of the work tree touches; without git it is the project's folder itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from base.regular import read_or_empty, read_regular

LINK_BYTES: Final = 8_192  # of the small files by which git leads from a work tree to its repository
DESCRIPTION_BYTES: Final = 8_192

log = logging.getLogger("sprint_runner")


class ProjectLocked(RuntimeError):
    """Another server uses this project or this data folder; the message names it."""


class FileLock:
    """An advisory lock on a file, or on a folder, which is not written. The file is kept and names its last owner."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return whether it was free. Raises OSError."""
        flags = os.O_RDONLY | os.O_DIRECTORY if self.path.is_dir() else os.O_RDWR | os.O_CREAT | os.O_NONBLOCK
        file = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._file = file
        return True

    @property
    def is_in_place(self) -> bool:
        """Whether the file of this name still is the one that is locked."""
        if self._file is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self.path))
        except OSError:
            return False

    def describe(self, **facts: Any) -> None:
        if self._file is not None and not self.path.is_dir():
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(facts).encode(), 0)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> str:
        """Who holds it, in words."""
        try:
            facts = json.loads(read_or_empty(self.path, DESCRIPTION_BYTES))
            place = f" at {facts['url']}" if "url" in facts else ""
            return f"process {facts['pid']}{place}"
        except (ValueError, KeyError, TypeError):
            return "another process"


def running_url(data_dir: Path) -> str | None:
    """Return the address of the server that holds the lock of a data folder; None where no server runs.

    The file alone proves nothing: it stays after a crash, and a project may bring one along that names any address.
    """
    lock = FileLock(data_dir / "lock")
    try:
        facts = json.loads(read_or_empty(lock.path, DESCRIPTION_BYTES))
        url = facts["url"]
        if not isinstance(url, str) or lock.acquire():
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    finally:
        lock.release()
    return url


class ProjectLock:
    """The locks of one server: that of its data folder and, where it is given, that of its project."""

    def __init__(self, data_dir: Path, project: Path | None = None) -> None:
        self._data = FileLock(data_dir / "lock")
        self._project = None if project is None else FileLock(lock_path(project))
        self._facts: dict[str, Any] = {}

    @property
    def _held(self) -> list[FileLock]:
        return [lock for lock in (self._project, self._data) if lock is not None]

    def acquire(self) -> None:
        """Take the locks or raise `ProjectLocked`."""
        if self._project is not None:
            self._acquire_project(self._project)
        if not self._data.acquire():
            holder = self._data.holder()
            self.release()
            what = "this project" if self._project is None else f"the data folder {self._data.path.parent}"
            raise ProjectLocked(f"{what} is already run by {holder}: use that one, or end it")
        self.describe(pid=os.getpid())

    def _acquire_project(self, lock: FileLock) -> None:
        try:
            if not lock.acquire():
                # A folder cannot name its owner; the data folder of a server with the same settings can.
                holder = self._data.holder() if lock.path.is_dir() else lock.holder()
                raise ProjectLocked(f"this project is already run by {holder}: use that one, or end it")
        except OSError as error:  # some network file systems have no such locks
            log.warning("the project cannot be locked (%s): start no second server on it", error)
            self._project = None

    @property
    def lost(self) -> list[Path]:
        """The lock files that were removed or replaced; without them a second server could start."""
        return [lock.path for lock in self._held if not lock.is_in_place]

    def renew(self) -> None:
        """Make and take again the lock files that were lost. Raises `ProjectLocked` and OSError."""
        for lock in self._held:
            if lock.is_in_place:
                continue
            new = FileLock(lock.path)
            lock.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not new.acquire():
                raise ProjectLocked(f"{lock.path} is held by {new.holder()} now: end one of the two servers")
            lock.release()
            if lock is self._project:
                self._project = new
            else:
                self._data = new
        self.describe(**self._facts)

    def describe(self, **facts: Any) -> None:
        """Write down who holds the locks, for those who are refused."""
        self._facts = facts
        for lock in self._held:
            lock.describe(**facts)

    def release(self) -> None:
        for lock in self._held:
            lock.release()


def lock_path(project: Path) -> Path:
    """Return what is locked for a project: a file in git's common folder, named after the project's path.

    Without git, or where git's folder cannot be written, it is the project's own folder.
    """
    real = project.resolve()
    common = git_folder(real)
    if common is None or not os.access(common, os.W_OK | os.X_OK):
        return real
    name = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    return common / f"sprint-runner-{name}.lock"


def git_folder(folder: Path) -> Path | None:
    """Return the git folder that all worktrees of a folder's repository share, None where there is none."""
    for above in (folder, *folder.parents):
        link = above / ".git"
        if link.is_dir():
            return link
        if link.is_file():
            return _linked(link)
    return None


def _linked(link: Path) -> Path | None:
    """A worktree or submodule names its git folder in a file, and that one the folder it shares."""
    try:
        text = os.fsdecode(read_regular(link, LINK_BYTES)).strip()
    except OSError:
        return None
    if not text.startswith("gitdir:"):
        return None
    own = link.parent / text.removeprefix("gitdir:").strip()
    common = own / os.fsdecode(read_or_empty(own / "commondir", LINK_BYTES)).strip()
    return common.resolve() if common.is_dir() else None
