"""Bounded looks at folders: a project can be anything, also a home folder with a million files."""

import os
from collections.abc import Iterator
from pathlib import Path

# Folders that hold other people's trackers, or copies.
SKIPPED = frozenset(
    {
        *("node_modules", "fixtures", "skills", "workflows", "templates", "vendor", "site-packages"),
        *("dist", "build", "target", "venv", ".venv", ".tox", "__pycache__", ".next", ".cache"),
        *("archive", "archive-v6"),
        *(".git", ".hg", ".svn", ".worktrees", "worktrees", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
    }
)
# What a migration of BMAD leaves behind: the whole of the project as it was.
BACKUP_PREFIX = ".v6-v7-migration-backup"
MAX_FOLDERS = 2_000
MAX_DEPTH = 6


def files(
    top: Path, depth: int = MAX_DEPTH, limit: int = MAX_FOLDERS, skipped: frozenset[str] = SKIPPED
) -> Iterator[os.DirEntry[str]]:
    """The files below `top`, nearest folders first; linked folders are not entered, unreadable ones skipped."""
    level = [os.fspath(top)]
    seen = 0
    for remaining in range(depth, -1, -1):
        deeper: list[str] = []
        for folder in level:
            seen += 1
            if seen > limit:
                return
            for entry in _entries(folder):
                if _is_folder(entry):
                    if remaining and entry.name not in skipped and not entry.name.startswith(BACKUP_PREFIX):
                        deeper.append(entry.path)
                else:
                    yield entry
        level = deeper


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Like Path.is_file, False also for paths the system cannot even name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Like Path.is_dir, False also for paths the system cannot even name."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
