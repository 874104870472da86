"""Invariants of every tracker, whatever its bytes; shared by corpus, hypothesis and fuzz tests."""

import pickle
from datetime import UTC, datetime
from functools import lru_cache

import pytest
import yaml

from sprint.edit import Refused, edit_status
from sprint.model import Entry, Sprint
from sprint.status import Status
from sprint.tracker import analyse, sprint_of

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)


def model(data: bytes) -> Sprint:
    """Reads any bytes and checks the model: every key once, in order, with sane values."""
    sprint = _read(data)
    keys = [entry.key for entry in sprint.entries()]
    assert len(keys) == len(set(keys))
    assert [entry.position for entry in sprint.entries()] == list(range(len(keys)))
    for entry in sprint.entries():
        assert isinstance(entry.status, Status)
        assert entry.line is None or entry.line >= 1
        assert not (entry.editable and not sprint.writable)
        assert f"{entry.key}{entry.raw_status}{entry.comment}{entry.title}".encode()
    assert sprint.problems or not sprint.broken
    return sprint


@lru_cache(maxsize=1)
def _read(data: bytes) -> Sprint:
    return sprint_of(analyse(data))


@lru_cache(maxsize=1)
def _pickled(data: bytes) -> bytes:
    """What an ordinary YAML loader sees, kept because many entries of one file are edited one after the other."""
    return pickle.dumps(yaml.load(data, LOADER))


def edit(data: bytes, entry: Entry) -> bytes | None:
    """Sets an entry to another status, and checks that nothing else changes; None if it is refused."""
    new = Status.REVIEW if entry.status is not Status.REVIEW else Status.DONE
    if not entry.editable:
        with pytest.raises(Refused, match=r"\w"):
            edit_status(data, entry.key, new, now=NOW)
        return None
    found = edit_status(data, entry.key, new, now=NOW)
    changed = {entry.key} | ({found.change.epic_lifted} if found.change.epic_lifted else set())
    _lines(data, found.data, len(changed))
    _documents(data, found.data, changed)
    after = sprint_of(analyse(found.data))
    for old, now in zip(_read(data).entries(), after.entries(), strict=True):
        assert old.comment == now.comment
        assert (old.raw_status != now.raw_status) == (old.key in changed)
    return found.data


def _lines(before: bytes, after: bytes, changed: int) -> None:
    """One line differs for each changed status, and perhaps that of last_updated."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    assert len(old) == len(new)
    differing = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    stamps = [pair for pair in differing if b"last_updated" in pair[0]]
    assert len(stamps) <= 1
    assert len(differing) - len(stamps) <= changed
    assert all(a[len(a.rstrip()) :] == b[len(b.rstrip()) :] for a, b in differing)


def _documents(before: bytes, after: bytes, changed: set[str]) -> None:
    """An ordinary YAML loader sees the same document but for the changed values."""
    try:
        old, new = pickle.loads(_pickled(before)), yaml.load(after, LOADER)
    except (yaml.constructor.ConstructorError, yaml.composer.ComposerError):
        # A key that is a collection, or an anchor used twice: legal YAML that this loader does not take.
        return
    old.pop("last_updated", None)
    new.pop("last_updated", None)
    for block in (old["development_status"], new["development_status"]):
        for key in changed:
            if isinstance(block[key], dict):
                block[key].pop("status")
            else:
                block[key] = None
    assert list(old) == list(new)
    assert old == new
    assert list(old["development_status"]) == list(new["development_status"])
