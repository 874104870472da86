"""A file is read from its own folder or not at all, whatever was put in its place."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from security.files import read_inside

MOST = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a file, beside a secret."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "project/docs").mkdir(parents=True)
    (tmp_path / "project/docs/plain.txt").write_text("plain")
    return tmp_path / "project"


def test_a_plain_file_is_read(folder: Path) -> None:
    assert read_inside(folder, folder / "docs/plain.txt", MOST) == b"plain"


def test_no_link_is_followed_at_any_step(folder: Path) -> None:
    """Also within the folder: a project's `.env` lies there, too."""
    (folder / "near").symlink_to("docs/plain.txt")
    (folder / "linked").symlink_to("docs")
    assert read_inside(folder, folder / "near", MOST) is None
    assert read_inside(folder, folder / "linked/plain.txt", MOST) is None


def test_the_folder_itself_may_be_reached_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(folder)
    assert read_inside(tmp_path / "alias", tmp_path / "alias/docs/plain.txt", MOST) == b"plain"


def test_nothing_outside_is_read(folder: Path) -> None:
    """Pitfall: symlink targets served."""
    (folder / "out").symlink_to("../secret.txt")
    (folder / "absolute").symlink_to(folder.parent / "secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "chain").symlink_to("up/project/out")
    (folder / "loop").symlink_to("loop")
    for name in ("out", "absolute", "up/secret.txt", "chain", "loop", "../secret.txt", "docs/../../secret.txt"):
        assert read_inside(folder, folder / name, MOST) is None, name
    assert read_inside(folder, Path("/etc/passwd"), MOST) is None


def test_only_plain_files_are_read(folder: Path) -> None:
    """A pipe would hold its reader for ever, a device gives no end of bytes."""
    os.mkfifo(folder / "pipe")
    (folder / "zeros").symlink_to("/dev/zero")
    here = os.getcwd()
    os.chdir(folder)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
            for name in ("pipe", "zeros", "socket", "docs", ".", "nothing", "docs/plain.txt/x", "a\x00b", "x" * 300):
                assert read_inside(folder, folder / name, MOST) is None, name
    finally:
        os.chdir(here)


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    (folder / "large").write_bytes(bytes(MOST + 1))
    assert read_inside(folder, folder / "large", MOST) is None
    assert read_inside(folder, folder / "large", MOST + 1) == bytes(MOST + 1)


def test_what_is_swapped_between_the_look_and_the_reading_is_not_followed(folder: Path) -> None:
    """The file, and its folder, are exchanged for links as fast as possible."""
    swapping = threading.Event()

    def swap() -> None:
        for number in range(300):
            spare = folder / f"spare{number}"
            spare.symlink_to(folder.parent / "secret.txt" if number % 2 else folder / "docs/plain.txt")
            spare.replace(folder / "swapped")
        swapping.set()

    (folder / "swapped").symlink_to("docs/plain.txt")
    thread = threading.Thread(target=swap)
    thread.start()
    found = set()
    while not swapping.is_set():
        found.add(read_inside(folder, folder / "swapped", MOST))
    thread.join()
    assert found <= {b"plain", None}
