"""The store of the folders that an operator has trusted, in the operator's state folder and outside of every project.

A record belongs to a folder's real path. It has the trusted values, as digests and masked texts, and the time since
which the folder itself is trusted: agents may be started in it. Promises: only its owner can read the file (0600 in a
folder of 0700); it is written atomically; a file that cannot be read trusts nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from base.files import atomic_write
from security.trust import Difference, Leaf, differences, fingerprint, leaves, setting_of

FILE: Final = "trust.json"
VARIABLE: Final = "SPRINT_RUNNER_TRUST"
EVERYTHING: Final = "1"  # the grant that trusts every value of a folder


class Record(msgspec.Struct, frozen=True):
    """The trust in one folder. `trusted_at` in seconds since the epoch; None: only the values are trusted."""

    trusted_at: int | None
    values: dict[str, Leaf]


NOTHING: Final = Record(None, {})


class TrustStore:
    """The records of all folders, in one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def records(self) -> dict[str, Record]:
        try:
            return msgspec.json.decode((self._folder / FILE).read_bytes(), type=dict[str, Record])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}

    def put(self, folder: Path, record: Record | None) -> bool:
        """Replace the record of a folder, None removes it; return whether there was one. Raises OSError."""
        with self._locked():
            records = self.records()
            before = records.pop(str(folder), None)
            if record is not None:
                records[str(folder)] = record
            if record is not None or before is not None:
                atomic_write(self._folder / FILE, msgspec.json.format(msgspec.json.encode(records)), mode=0o600)
        return before is not None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Exclude other processes from the read to the write."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A separate file: trust.json is replaced, and a lock on the replaced file excludes no process.
        descriptor = os.open(self._folder / "trust.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _nothing(_values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


class FolderTrust:
    """The trust in one folder. `grant` is trust for this process alone: in everything, or in the values of one hash.

    `beside` returns what else of the folder is used only when trusted, such as its prompts, as it is now; it is given
    the settings.
    """

    def __init__(
        self,
        folder: Path,
        store: TrustStore,
        grant: str = "",
        beside: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _nothing,
    ) -> None:
        self.folder = folder.resolve()
        self._store = store
        self._grant = grant
        self._beside = beside

    def untrusted(self, values: Mapping[str, Any]) -> frozenset[str]:
        """Return the names of the settings that are not trusted as they are. Raises `Unlistable`."""
        return frozenset(setting_of(difference.name) for difference in self.differences(values))

    def differences(self, values: Mapping[str, Any]) -> list[Difference]:
        """Return what the operator has not trusted, with what was trusted before. Raises `Unlistable`."""
        present = self._leaves(values)
        return [] if self._is_granted(present) else differences(present, self._record().values)

    def trusts_folder(self, values: Mapping[str, Any]) -> bool:
        """Return whether agents may be started in the folder. Raises `Unlistable`."""
        return self._is_granted(self._leaves(values)) or self._record().trusted_at is not None

    def hash(self, values: Mapping[str, Any]) -> str:
        """Return what identifies exactly these values. Raises `Unlistable`."""
        return fingerprint(self._leaves(values))

    def trust(self, values: Mapping[str, Any]) -> None:
        """Trust the folder and exactly these values from now on. Raises OSError and `Unlistable`."""
        self._store.put(self.folder, Record(int(time.time()), self._leaves(values)))

    def trust_changes(self, values: Mapping[str, Any], names: Collection[str]) -> None:
        """Trust the named settings as they are in `values`, and nothing else. Raises OSError and `Unlistable`."""
        if self._grant == EVERYTHING or not names:
            return
        record = self._record()
        kept = {name: leaf for name, leaf in record.values.items() if setting_of(name) not in names}
        added = leaves({name: value for name, value in values.items() if name in names})
        self._store.put(self.folder, Record(record.trusted_at, kept | added))

    def trust_beside(self, values: Mapping[str, Any], name: str) -> None:
        """Trust one value that is not in the settings as it is now, and nothing else; forget it where it is gone.

        Raises OSError and `Unlistable`.
        """
        if self._grant == EVERYTHING:
            return
        record, present = self._record(), self._leaves(values)
        kept = {key: leaf for key, leaf in record.values.items() if key != name}
        added = {name: present[name]} if name in present else {}
        self._store.put(self.folder, Record(record.trusted_at, kept | added))

    def revoke(self) -> bool:
        """Remove the trust; return whether there was any. Raises OSError."""
        return self._store.put(self.folder, None)

    def _leaves(self, values: Mapping[str, Any]) -> dict[str, Leaf]:
        return leaves({**values, **self._beside(values)})

    def _is_granted(self, present: Mapping[str, Leaf]) -> bool:
        return self._grant == EVERYTHING or (bool(self._grant) and self._grant == fingerprint(present))

    def _record(self) -> Record:
        return self._store.records().get(str(self.folder), NOTHING)


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the program's folder for data of the operator that belong to no project."""
    named = Path(environment.get("XDG_STATE_HOME", ""))
    # The XDG specification has relative paths ignored; one would lie in whatever folder the program is started in.
    base = named if named.is_absolute() else Path(environment.get("HOME") or Path.home()) / ".local/state"
    return base / "sprint-runner"
