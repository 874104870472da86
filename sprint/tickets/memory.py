"""A ticket tree that is looked at often: read again only where a name, a time or a size has changed."""

import hashlib
import os
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from sprint.model import Sprint
from sprint.tickets.layers import LAYERS, STORE_FILE, find_root
from sprint.tickets.leaves import Leaves
from sprint.tickets.reader import read_initiative
from sprint.tickets.views import BACKLOG

# Trees that are remembered; a server looks at one.
REMEMBERED = 8

Seen = tuple[str, int, int, int]
State = tuple[Seen, ...]


class TreeReader:
    """May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leaves = Leaves()
        self._trees: OrderedDict[Path, tuple[State, Sprint]] = OrderedDict()

    def read(self, folder: Path) -> Sprint:
        """The initiative in a folder. Never raises for what is on the disk."""
        with self._lock:
            state = tree_state(folder)
            known = self._trees.get(folder)
            if known is not None and known[0] == state:
                return known[1]
            stamp = hashlib.sha256(repr(state).encode("utf-8", "replace")).hexdigest()
            sprint = replace(read_initiative(folder, self._leaves), sha256=stamp)
            self._trees[folder] = (state, sprint)
            self._trees.move_to_end(folder)
            while len(self._trees) > REMEMBERED:
                self._trees.popitem(last=False)
            return sprint


def tree_state(folder: Path) -> State:
    """What the files that a tree is made of look like from outside."""
    seen: list[Seen] = []
    epics: list[str] = []
    _scan(str(folder), seen, epics)
    for path in [*sorted(epics), str(folder.parent / BACKLOG)]:
        _scan(path, seen, [])
    root = find_root(folder)
    for name in (*LAYERS, STORE_FILE) if root else ():
        _stamp(f"{root}/{name}", seen)
    return tuple(seen)


def _scan(folder: str, seen: list[Seen], epics: list[str]) -> None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith((".md", ".toml")):
                    status = entry.stat()
                    seen.append((entry.path, status.st_mtime_ns, status.st_size, status.st_ino))
                elif name.startswith("epic-") and entry.is_dir():
                    epics.append(entry.path)
    except OSError:
        # A state of its own: once the folder can be listed, the tree is read again.
        seen.append((folder, 0, 0, 0))


def _stamp(path: str, seen: list[Seen]) -> None:
    try:
        status = os.stat(path)
    except OSError:
        return
    seen.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
