"""Who runs on this machine: one file for each running server, and one for each project that was ever opened.

They are in the user's state folder, for their owner only (0600 in folders of 0700), and written atomically. A server
writes its entry when its port answers and removes it when it ends; the entry of a killed one is recognised by its pid
and the start of that process. Promises: what a file says is believed only as far as it can be checked, so that a key is
sent to no process but the one that has written it; an address that is not of this machine's loopback is never used.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from base.files import SUFFIX, atomic_write
from base.process_start import process_start
from base.regular import read_or_empty
from security.trust_store import state_folder
from store.rows import now_ms

ENTRY_BYTES: Final = 16_384
KNOWN_MAX: Final = 100  # projects that are remembered; the one that was opened longest ago is forgotten first
LINK_BYTES: Final = 8_192
DEMO: Final = "--demo"  # the option of a demo, and the beginning of those of its kinds

S = TypeVar("S", bound=msgspec.Struct)


class LaunchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a command line that belong to a project: a start from a page repeats them, and no others.

    `demo` is the option itself: what the folder of a demo sets is trusted only where it is started as one.
    """

    data_dir: str | None = None
    agent: str | None = None
    demo: str | None = None


class KnownProject(msgspec.Struct, frozen=True, kw_only=True):
    """A project that was opened on this machine; `opened_at` in ms since the epoch."""

    key: str
    name: str
    folder: str
    opened_at: int
    options: LaunchOptions = LaunchOptions()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A running server. `process` identifies the start of process `pid`; `secret` is set where it needs a token."""

    key: str
    name: str
    folder: str
    url: str
    pid: int
    process: str
    epoch: str
    started_at: int
    secret: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process that has written this still runs."""
        return process_start(self.pid) == self.process

    @property
    def branch(self) -> str | None:
        """The branch of the folder's work tree; None without git, or where none is checked out."""
        return branch_of(Path(self.folder))


class Registry:
    """The files of one user. Every method blocks on the disk."""

    def __init__(self, folder: Path) -> None:
        self._running = folder / "runners"
        self._known = folder / "projects"

    def enter(self, entry: Entry, options: LaunchOptions) -> None:
        """Write the entry of a server that runs, and remember its project. Raises OSError."""
        for folder in (self._running.parent, self._running, self._known):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = KnownProject(
            key=entry.key, name=entry.name, folder=entry.folder, opened_at=entry.started_at, options=options
        )
        _write(self._known / f"{entry.key}.json", known)
        _write(self._running / f"{entry.key}.json", entry)

    def log_file(self, key: str) -> Path:
        """Return where the server of a project writes that was started from a page."""
        return self._running / f"{key}.log"

    def leave(self, entry: Entry) -> None:
        """Remove the entry of a server that ends, unless another one has replaced it."""
        file = self._running / f"{entry.key}.json"
        found = _read(file, Entry)
        if found is not None and (found.pid, found.process) == (entry.pid, entry.process):
            with suppress(OSError):
                file.unlink()

    def entries(self) -> list[Entry]:
        """Return the entries of all servers, also of those that were killed, in the order of their keys."""
        found = [_read(file, Entry) for file in _files(self._running)]
        return [entry for entry in found if entry is not None]

    def known(self) -> list[KnownProject]:
        """Return the projects that were opened, the newest first; forget those whose folder is gone."""
        projects = []
        for file in _files(self._known):
            project = _read(file, KnownProject)
            if project is None or not Path(project.folder).is_dir():
                with suppress(OSError):
                    file.unlink()
            else:
                projects.append(project)
        projects.sort(key=lambda project: project.opened_at, reverse=True)
        for forgotten in projects[KNOWN_MAX:]:
            with suppress(OSError):
                (self._known / f"{forgotten.key}.json").unlink()
        return projects[:KNOWN_MAX]


def registry_of(environment: Mapping[str, str]) -> Registry:
    return Registry(state_folder(environment))


def new_entry(folder: Path, name: str, url: str, epoch: str, secret: str | None) -> Entry:
    """Return the entry of this process."""
    pid = os.getpid()
    return Entry(
        key=project_key(folder),
        name=name,
        folder=str(folder.resolve()),
        url=url,
        pid=pid,
        process=process_start(pid) or "",
        epoch=epoch,
        started_at=now_ms(),
        secret=secret,
    )


def project_key(folder: Path) -> str:
    """Return the name of a project in the registry: the same for as long as its folder stays where it is."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]


def loopback_url(url: str) -> str | None:
    """Return the address under which this machine reaches a server; None for one that it does not reach by loopback.

    A server that listens on every address also listens on loopback.
    """
    try:
        parts = urlsplit(url)
        address, port = ipaddress.ip_address(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not port:
        return None
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{host}:{port}/" if address.is_loopback else None


def branch_of(folder: Path) -> str | None:
    """Return the branch that is checked out in a folder or above it, without a call of git."""
    for above in (folder, *folder.parents):
        link = above / ".git"
        if link.is_dir():
            return _branch(link)
        if link.is_file():
            target = os.fsdecode(read_or_empty(link, LINK_BYTES)).strip()
            return _branch(above / target.removeprefix("gitdir:").strip()) if target.startswith("gitdir:") else None
    return None


def _branch(git: Path) -> str | None:
    head = read_or_empty(git / "HEAD", LINK_BYTES).decode("utf-8", "replace").strip()
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(file for file in folder.glob("*.json") if not file.name.endswith(SUFFIX))


def _write(file: Path, value: msgspec.Struct) -> None:
    atomic_write(file, msgspec.json.encode(value), mode=0o600)


def _read(file: Path, kind: type[S]) -> S | None:
    """Return what a file holds; None for one that cannot be read, or whose name is not its own."""
    try:
        value = msgspec.json.decode(read_or_empty(file, ENTRY_BYTES), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return value if getattr(value, "key", None) == file.stem else None
