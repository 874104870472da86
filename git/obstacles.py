"""Files of the work tree that are in the way of a fast-forward: git would write over them, or refuse to.

A file whose content is that of the commit already is none: the index learns of it, and git leaves the file alone.
Read-only: what differs is named, and stays as it is.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from git.process import run_git
from git.worktrees import TreeEntry

UNTRACKED: Final = "not under version control"
EDITED: Final = "changed and not committed"
REMOVED: Final = "removed, and that is not committed"
FOLDER: Final = "a folder with files in it"
LINK: Final = "120000"
_FILES: Final = ("100644", "100755")
_NOTHING: Final = "000000"


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What a fast-forward meets. `same` are files that have the commit's content already, with its entries.

    `before` are the entries that the index has of these now (None: none). `different` is what is in the way, each with
    the reason.
    """

    same: dict[str, TreeEntry] = field(default_factory=dict)
    before: dict[str, TreeEntry | None] = field(default_factory=dict)
    different: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A path on which HEAD, index and work tree disagree; None: it is not there, or git knows no content of it."""

    head: TreeEntry | None
    index: TreeEntry | None


@dataclass(frozen=True, slots=True)
class _Change:
    """What the commit does with a path: HEAD has it or not, and the commit has this entry or none."""

    in_head: bool
    new: TreeEntry | None


async def find_obstacles(top: Path, head: str, commit: str, standing: Collection[str]) -> Obstacles:
    """Return what lies in the way from HEAD to a commit; the paths in `standing` are left out. Raises `GitError`."""
    changes = await _changes(top, head, commit)
    changes = {path: change for path, change in changes.items() if path not in standing}
    edits = await _edits(top)
    found = Obstacles()
    candidates = await asyncio.to_thread(_look, top, changes, edits, found)
    hashes = await _hashes(top, candidates)
    for path, mode in candidates.items():
        _compare(path, TreeEntry(mode, hashes.get(path, "")), changes[path].new, edits.get(path), found)
    return found


def _compare(path: str, disk: TreeEntry, new: TreeEntry | None, edit: _Edit | None, found: Obstacles) -> None:
    """Sort a file in: the commit's own content, staged or not, is the same; content that only the index has is not."""
    index = None if edit is None else edit.index
    if new is None or disk != new or (edit is not None and index not in (None, edit.head, new)):
        found.different[path] = UNTRACKED if edit is None else EDITED
    else:
        found.same[path] = new
        found.before[path] = index


async def _changes(top: Path, head: str, commit: str) -> dict[str, _Change]:
    arguments = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", head, commit)
    parts = (await run_git(top, arguments, undecodable="surrogateescape")).split("\0")
    changes = {}
    for row, path in zip(parts[::2], parts[1::2], strict=False):
        old_mode, mode, _, blob, _ = row.lstrip(":").split()
        changes[path] = _Change(old_mode != _NOTHING, _entry(mode, blob))
    return changes


async def _edits(top: Path) -> dict[str, _Edit]:
    """The tracked paths that are not as HEAD has them, in the index or on the disk."""
    words = ("status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")
    found = {}
    for row in (await run_git(top, words, undecodable="surrogateescape")).split("\0"):
        if row.startswith("1 "):
            _, _, _, in_head, in_index, _, head, index, path = row.split(" ", 8)
            found[path] = _Edit(_entry(in_head, head), _entry(in_index, index))
        elif row.startswith("u "):  # unmerged: what the index has of it is no entry of its own
            found[row.split(" ", 10)[10]] = _Edit(None, TreeEntry(_NOTHING, ""))
    return found


def _entry(mode: str, blob: str) -> TreeEntry | None:
    """None for what is not there, and for a file that was only announced (`git add --intent-to-add`)."""
    return None if mode == _NOTHING or not blob.strip("0") else TreeEntry(mode, blob)


def _look(top: Path, changes: Mapping[str, _Change], edits: Mapping[str, _Edit], found: Obstacles) -> dict[str, str]:
    """Return the files to compare, with their modes; what is in the way whatever it contains goes to `found`."""
    leaving = {path for path, change in changes.items() if change.new is None and path not in edits}
    candidates = {}
    for path, change in changes.items():
        if change.in_head and path not in edits:
            continue  # it is as HEAD has it
        if change.new is not None and (parent := _clash(top, path)) is not None:
            if parent not in leaving:
                found.different[parent] = EDITED if parent in edits else UNTRACKED
            continue
        mode = _mode(top / path)
        if mode in (LINK, *_FILES):
            candidates[path] = mode
        elif mode is not None and (path in edits or _holds_more(top, path, leaving)):
            found.different[path] = FOLDER
        elif mode is None and change.new is not None and path in edits:
            found.different[path] = REMOVED
    return candidates


def _clash(top: Path, path: str) -> str | None:
    """Return the file or link that is where a folder of the path would have to be."""
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        mode = _mode(top / parent)
        if mode is None:
            return None
        if mode in (LINK, *_FILES):
            return str(parent)
    return None


def _holds_more(top: Path, path: str, leaving: Collection[str]) -> bool:
    """Whether a folder has files that the commit does not take away."""
    for folder, folders, files in os.walk(top / path):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        if any((Path(folder) / name).relative_to(top).as_posix() not in leaving for name in (*files, *links)):
            return True
    return False


def _mode(path: Path) -> str | None:
    """The mode by which git would know a file; that of a folder is none of a file's, None where nothing is there."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return LINK
    if stat.S_ISREG(mode):
        return _FILES[bool(mode & stat.S_IXUSR)]
    return "040000"


async def _hashes(top: Path, candidates: Mapping[str, str]) -> dict[str, str]:
    """The name of each file's content as git would store it; of one whose name needs quotes none."""
    plain = [path for path, mode in candidates.items() if mode != LINK and "\n" not in path and path[0] != '"']
    hashes = {}
    if plain:
        lines = "".join(f"{path}\n" for path in plain).encode(errors="surrogateescape")
        hashes = dict(
            zip(plain, (await run_git(top, ("hash-object", "--stdin-paths"), stdin=lines)).split(), strict=True)
        )
    for path in [path for path, mode in candidates.items() if mode == LINK]:
        target = os.fsencode(await asyncio.to_thread(os.readlink, top / path))
        hashes[path] = (await run_git(top, ("hash-object", "--stdin", "--no-filters"), stdin=target)).strip()
    return hashes
