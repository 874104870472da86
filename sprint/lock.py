"""An advisory lock between the programs that write one tracker.

The lock is a sidecar file in the system's temporary folder, named after the real path of what it
guards. Beside the tracker it would show up in `git status` and make a clean work tree dirty, and
taking it away again while others wait for it is a race; here it can simply stay. flock ends with
its process, so nothing has to be cleaned up after a crash.
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# An edit takes milliseconds; who holds the lock for longer than this is stopped or broken.
WAIT_S = 10.0
# Between two looks at a lock that is held; there is no flock with a timeout.
_POLL_S = 0.002


class LockTimeout(Exception):
    """Another program has held the lock for the whole time."""


@contextmanager
def locked(path: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Holds the lock of `path` (links resolved). Raises LockTimeout, OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(lock_path(path), flags, 0o600)
    try:
        _acquire(descriptor, wait_s)
        yield
    finally:
        os.close(descriptor)  # releases the lock


def lock_path(path: Path) -> Path:
    """The sidecar of `path`, in a folder that only this user can write to."""
    folder = Path(tempfile.gettempdir()) / f"sprint-runner-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    return folder / f"{name}.lock"


def _acquire(descriptor: int, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockTimeout from None
        time.sleep(_POLL_S)
