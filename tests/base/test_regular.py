"""Reading only what is a file: pipes, devices, folders and sockets are refused at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from base.regular import NotRegular, read_or_empty, read_regular


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    assert len(read_regular(tmp_path / "file", 4_000_000)) == 3_000_000
    assert read_regular(tmp_path / "file", 5) == b"xxxxx"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "link", 1) == b"x"


def place(kind: str, path: Path) -> str:
    """Put something of a kind at a path; what it is called."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link to a pipe":
            os.mkfifo(path.with_name("pipe"))
            path.symlink_to("pipe")
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "terminal":
            path.symlink_to("/dev/ptmx")
        case _:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
    return {"link to a pipe": "named pipe", "pipe": "named pipe", "terminal": "device"}.get(kind, kind)


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder", "device", "terminal", "socket"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name may have about 100 characters
    words = place(kind, Path("it"))
    with pytest.raises(NotRegular, match=f"it is a {words}, not a file"):
        read_regular("it", 10)
    assert read_or_empty("it", 10) == b""


def test_a_pipe_that_takes_the_place_of_a_file_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    before = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: before)
    with pytest.raises(NotRegular, match="named pipe"):
        read_regular(path, 10)


def test_what_is_missing_is_an_error_or_empty(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 10)
    assert read_or_empty(tmp_path / "none", 10) == b""
    assert read_or_empty("a\0b", 10) == b""
