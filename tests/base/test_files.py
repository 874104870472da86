"""Writing a file whole: old bytes or new ones, permissions kept, nothing left behind."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from base.files import SUFFIX, atomic_write, remove_leftovers, replacing


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


def test_an_existing_file_keeps_its_permissions(file: Path) -> None:
    atomic_write(file, b"new")
    assert (file.read_bytes(), mode_of(file)) == (b"new", 0o640)
    assert list(file.parent.iterdir()) == [file]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    atomic_write(tmp_path / "made", b"x")
    assert mode_of(tmp_path / "made") == mode_of(tmp_path / "plain")


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_named_permissions_win_over_the_umask_and_the_old_file(file: Path, mode: int) -> None:
    atomic_write(file, b"new", mode=mode)
    assert mode_of(file) == mode


def test_content_is_never_readable_by_more_than_the_file_will_be(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    with replacing(path) as fresh:
        assert mode_of(Path(fresh.name)) == 0o600


def test_a_block_that_raises_changes_nothing(file: Path) -> None:
    def fail() -> None:
        with replacing(file) as fresh:
            fresh.write(b"half")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (file.read_bytes(), list(file.parent.iterdir())) == (b"old", [file])


def test_the_last_look_may_refuse(file: Path) -> None:
    def refuse() -> None:
        assert file.read_bytes() == b"old"
        raise LookupError

    with pytest.raises(LookupError):
        atomic_write(file, b"new", before_replacing=refuse)
    assert (file.read_bytes(), list(file.parent.iterdir())) == (b"old", [file])


def test_the_content_is_synced_before_the_name_and_the_folder_after_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic_write(file, b"new")
    assert steps == ["content", "rename", "folder"]


def test_writers_at_the_same_time_do_not_meet(file: Path) -> None:
    contents = [bytes([65 + n]) * 50_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: atomic_write(file, content), contents * 5))
    assert file.read_bytes() in contents
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "[a]*?"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    atomic_write(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_killed_writer_left_is_removed_and_nothing_else(file: Path) -> None:
    (file.parent / f".{file.name}.0123{SUFFIX}").touch()
    other = file.parent / f".other.txt.0123{SUFFIX}"
    other.touch()
    remove_leftovers(file)
    assert sorted(file.parent.iterdir()) == sorted([file, other])
