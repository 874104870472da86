"""Writing a status to disk: lock, read, edit, replace the file as a whole.

Promises: the tracker is at every moment either the old bytes or the new ones, with its mode kept.
What another program writes meanwhile is kept too: always if it takes the same lock, and otherwise
unless it writes in the few microseconds between the last look at the file and its replacement.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from base.files import atomic_write, remove_leftovers
from sprint.edit import Conflict, Edit, Refused, StatusEdit, edit_status
from sprint.lock import LockTimeout, locked
from sprint.project import Project, inside
from sprint.reader import read_bounded

# Edits begun again because a program that does not take the lock wrote in between.
ATTEMPTS = 5


def do_nothing() -> None:
    """What is called before a status is written, where nothing is wanted."""


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
    before_writing: Callable[[], None] = do_nothing,
) -> StatusEdit:
    """Sets the status of `key`, an exact key of the tracker; blocks for milliseconds.

    Also lifts the story's epic from backlog to in-progress and renews `last_updated` where it
    exists. Nothing is written if the status is already there. Never asks whether the change is an
    advance: that is the caller's to decide.

    expected: the status the caller has seen, raw or canonical. expected_sha: `Sprint.sha256` of
    what it has read. now: aware, for tests. before_writing: called with the lock when the new
    content is on the disk, before it replaces the old one. Raises Refused (with the reason),
    Conflict (with what was found), and what `before_writing` raises.
    """
    if not inside(project.tracker, project.root):
        raise Refused(f"The tracker {project.tracker} lies outside the project.")
    real = project.tracker.resolve()
    moment = now or datetime.now(UTC)
    edit = partial(edit_status, key=key, new=new, now=moment, expected=expected, expected_sha=expected_sha)
    try:
        with locked(real):
            return _edited(real, edit, before_writing)
    except LockTimeout:
        raise Refused("Another program is writing the status file and does not finish.") from None
    except OSError as error:
        raise Refused(f"The status file cannot be written: {error.strerror or error}.") from error


def _edited(path: Path, edit: Callable[[bytes], Edit], before_writing: Callable[[], None]) -> StatusEdit:
    """Reads, edits and replaces; from the start if the file changes meanwhile."""
    for _ in range(ATTEMPTS):
        before = read_bounded(path)
        result = edit(before)
        if not result.change.changed:
            return result.change
        remove_leftovers(path)  # no other writer: we hold the lock
        with suppress(_ChangedMeanwhileError):
            atomic_write(path, result.data, before_replacing=partial(_check, path, before, before_writing))
            return result.change
    raise Conflict("", "Another program keeps changing the file.")


def _check(path: Path, before: bytes, before_writing: Callable[[], None]) -> None:
    before_writing()
    if read_bounded(path) != before:
        raise _ChangedMeanwhileError
