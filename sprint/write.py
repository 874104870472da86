"""Writing a status to disk: lock, read, edit, replace the file as a whole.

Promises: the tracker is at every moment either the old bytes or the new ones, with its mode kept.
What another program writes meanwhile is kept too: always if it takes the same lock, and otherwise
unless it writes in the few microseconds between the last look at the file and its replacement.
"""

import glob
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sprint.edit import Change, Conflict, Edit, Refused, edit_status
from sprint.locate import Project, inside
from sprint.lock import LockTimeout, locked
from sprint.reader import read_bounded

# Edits begun again because a program that does not take the lock wrote in between.
ATTEMPTS = 5
# Of a file that did not exist: readable for the group that a checkout is shared with.
NEW_FILE_MODE = 0o644

_SUFFIX = ".sprint-runner.tmp"


class _ChangedMeanwhileError(Exception):
    """The file no longer holds the bytes that the edit started from."""


def set_status(
    project: Project,
    key: str,
    new: str,
    expected: str | None = None,
    *,
    expected_sha: str | None = None,
    now: datetime | None = None,
) -> Change:
    """Sets the status of `key`, an exact key of the tracker; blocks for milliseconds.

    Also lifts the story's epic from backlog to in-progress and renews `last_updated` where it
    exists. Nothing is written if the status is already there. Never asks whether the change is an
    advance: that is the caller's to decide.

    expected: the status the caller has seen, raw or canonical. expected_sha: `Sprint.sha256` of
    what it has read. now: aware, for tests. Raises Refused (with the reason), Conflict (with what
    was found).
    """
    if not inside(project.tracker, project.root):
        raise Refused(f"The tracker {project.tracker} lies outside the project.")
    real = project.tracker.resolve()
    moment = now or datetime.now(UTC)
    edit = partial(edit_status, key=key, new=new, now=moment, expected=expected, expected_sha=expected_sha)
    try:
        with locked(real):
            return _edited(real, edit)
    except LockTimeout:
        raise Refused("Another program is writing the tracker and does not finish.") from None
    except OSError as error:
        raise Refused(f"The tracker cannot be written: {error.strerror or error}.") from error


def _edited(path: Path, edit: Callable[[bytes], Edit]) -> Change:
    """Reads, edits and replaces; from the start if the file changes meanwhile."""
    for _ in range(ATTEMPTS):
        before = read_bounded(path)
        result = edit(before)
        if not result.change.changed:
            return result.change
        _sweep(path)
        with suppress(_ChangedMeanwhileError):
            replace_file(path, result.data, partial(_check_unchanged, path, before))
            return result.change
    raise Conflict("", "Another program keeps changing the file.")


def _sweep(path: Path) -> None:
    """Removes what a writer that was killed has left; who holds the lock knows that nobody needs it."""
    for left in path.parent.glob(f"{glob.escape(_temporary_prefix(path))}*{_SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}."


def _check_unchanged(path: Path, before: bytes) -> None:
    if read_bounded(path) != before:
        raise _ChangedMeanwhileError


def replace_file(path: Path, data: bytes, before_replacing: Callable[[], None] | None = None) -> None:
    """Puts `data` in the place of an existing file, durably and all at once. Raises OSError.

    `before_replacing` is called at the last moment; what it raises leaves the file alone.
    """
    old = path.stat()
    descriptor, name = tempfile.mkstemp(prefix=_temporary_prefix(path), suffix=_SUFFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            with suppress(PermissionError):  # only root may give a file to another user
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fsync(file.fileno())
        if before_replacing:
            before_replacing()
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def create_file(path: Path, data: bytes) -> None:
    """Puts a new file in place, durably and all at once; never over one that is there. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=_temporary_prefix(path), suffix=_SUFFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), NEW_FILE_MODE)
            os.fsync(file.fileno())
        # A link, unlike a rename, fails where another program was faster.
        os.link(temporary, path)
    finally:
        temporary.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
