"""Files as they are listed: what has to be known of one to tell whether it has changed."""

import os
from dataclasses import dataclass
from pathlib import Path

from sprint.project import inside


@dataclass(frozen=True, slots=True)
class StoryFile:
    """A file as listed: enough to know whether it has changed since it was read."""

    path: str
    mtime_ns: int
    size: int


def listed_file(entry: os.DirEntry[str], root: Path) -> StoryFile | None:
    """A folder's entry as a file; None if it has vanished, is no file, or is a link that leads out of the project."""
    try:
        status = entry.stat()
        # Names are bytes on Linux; one that is not UTF-8 cannot be sent as JSON.
        entry.path.encode()
    except (OSError, UnicodeEncodeError):
        return None
    if not entry.is_file() or (entry.is_symlink() and not inside(Path(entry.path), root)):
        return None
    return StoryFile(entry.path, status.st_mtime_ns, status.st_size)


def stamped(path: str) -> StoryFile | None:
    """The file at a path, None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return StoryFile(path, status.st_mtime_ns, status.st_size)
