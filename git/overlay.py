"""The tree of a few changed files laid over a known tree, without an index.

An index of a large repository takes longer to write than all else of a snapshot. Here the content of the changed files
and the folders on the way to them are stored, and nothing else is read or written.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from git.helper import Helper, Idle, line_of
from git.process import GitError

PATHS_MAX: Final = 100  # of more files the index is brought up to date, once
TREES_MAX: Final = 2000  # folders that are remembered
RACY_NS: Final = 2_000_000_000  # a file that was written so shortly before it was read may be written again unseen
FOLDER: Final = "40000"
_NAMES_ATTRIBUTES: Final = ".gitattributes"

Entries = dict[str, tuple[str, str]]  # mode and object, by name


class CannotOverlay(GitError):
    """These changes need the index: the caller takes the other way."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file was when its content was stored: its stamp on the disk, when that was, mode and object."""

    stamp: tuple[int, ...]
    at: int
    entry: tuple[str, str]


class TreeOverlay:
    """The overlays of one work tree; `environment` names the folder in which objects are stored."""

    def __init__(self, top: Path, options: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._top = top
        self._store = Helper(top, (*options, "hash-object", "-w", "--stdin-paths"), environment)
        self._trees = Helper(top, ("mktree", "-z", "--batch"), environment)
        self._read = Helper(top, ("cat-file", "--batch"), environment)
        self.idle = Idle((self._store, self._trees, self._read))
        self._known: dict[str, _Content] = {}
        self._entries: dict[str, Entries] = {}
        self._hash_bytes = 20

    def forget(self) -> None:
        """Take nothing from memory any more: objects may have been removed, or attributes changed."""
        self._known.clear()
        self._entries.clear()
        self._store.close()

    def tree(self, base: str, paths: list[str]) -> str:
        """Return the tree that has these files as they are on the disk now, and all others as `base` has them.

        Blocks; to be called while the helpers are `idle.in_use()`. Raises `CannotOverlay`, `GitError` and `OSError`.
        """
        self._hash_bytes = len(base) // 2
        changes = self._contents(paths)
        return self._laid(base, {tuple(path.split("/")): entry for path, entry in changes.items()}) or self._make({})

    # -- files -------------------------------------------------------------------------------------------------

    def _contents(self, paths: Iterable[str]) -> dict[str, tuple[str, str] | None]:
        """Mode and object of each file; None for one that is gone. Content that did not change is not read again."""
        found: dict[str, tuple[str, str] | None] = {}
        unread: dict[str, tuple[int, ...]] = {}
        for path in paths:
            stamp = self._stamp(path)
            known = self._known.get(path)
            if stamp is None:
                found[path] = None
            elif known is not None and known.stamp == stamp and max(stamp[1:3]) < known.at - RACY_NS:
                found[path] = known.entry
            else:
                unread[path] = stamp
        at = time.time_ns()
        for path, blob in self._stored(list(unread)).items():
            entry = ("100755" if unread[path][0] & stat.S_IXUSR else "100644", blob)
            self._known[path] = _Content(unread[path], at, entry)
            found[path] = entry
        return found

    def _stamp(self, path: str) -> tuple[int, ...] | None:
        if "\n" in path or path.startswith('"') or path.rpartition("/")[2] == _NAMES_ATTRIBUTES:
            raise CannotOverlay(path)
        try:
            seen = os.lstat(self._top / path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(seen.st_mode):
            raise CannotOverlay(path)
        return (seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)

    def _stored(self, paths: list[str]) -> dict[str, str]:
        if not paths:
            return {}
        request = "".join(f"{path}\n" for path in paths).encode(errors="surrogateescape")
        names = self._store.exchange(request, lambda output: [line_of(output).decode() for _ in paths])
        return dict(zip(paths, names, strict=True))

    # -- folders -----------------------------------------------------------------------------------------------

    def _laid(self, base: str | None, changes: Mapping[tuple[str, ...], tuple[str, str] | None]) -> str | None:
        """The tree of a folder with the changes below it; None for one that is empty now."""
        entries = dict(self._listed(base)) if base is not None else {}
        below: dict[str, dict[tuple[str, ...], tuple[str, str] | None]] = {}
        for path, entry in changes.items():
            if len(path) > 1:
                below.setdefault(path[0], {})[path[1:]] = entry
            elif entry is None:  # before what is below: a folder may take the name
                if entries.get(path[0], ("",))[0] != FOLDER:
                    entries.pop(path[0], None)
            else:
                entries[path[0]] = entry
        for name, parts in below.items():
            mode, child = entries.get(name, ("", ""))
            laid = self._laid(child if mode == FOLDER else None, parts)
            if laid is not None:
                entries[name] = (FOLDER, laid)
            elif mode == FOLDER:
                del entries[name]
        return self._make(entries) if entries else None

    def _listed(self, tree: str) -> Entries:
        if tree not in self._entries:
            if len(self._entries) >= TREES_MAX:
                self._entries.clear()
            self._entries[tree] = self._read.exchange(f"{tree}\n".encode(), self._parse)
        return self._entries[tree]

    def _parse(self, output: IO[bytes]) -> Entries:
        head = line_of(output).split()
        if len(head) != 3 or head[1] != b"tree":
            raise GitError("git cat-file: a tree cannot be read")
        content, entries, at = output.read(int(head[2]) + 1), Entries(), 0
        while at < int(head[2]):
            end = content.index(b"\0", at)
            mode, _, name = content[at:end].partition(b" ")
            object_ = content[end + 1 : end + 1 + self._hash_bytes]
            entries[os.fsdecode(name)] = (mode.decode(), object_.hex())
            at = end + 1 + self._hash_bytes
        return entries

    def _make(self, entries: Entries) -> str:
        rows = (f"{mode:0>6} {_kind(mode)} {name}\t{path}\0" for path, (mode, name) in entries.items())
        request = "".join(rows).encode(errors="surrogateescape") + b"\0"
        made = self._trees.exchange(request, line_of).decode()
        self._entries[made] = entries
        return made


def _kind(mode: str) -> str:
    return {FOLDER: "tree", "160000": "commit"}.get(mode, "blob")
