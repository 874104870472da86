"""One server per project: two real processes and one lock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from running.lock import ProjectLock, ProjectLocked

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from running.lock import ProjectLock
lock = ProjectLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    argv = [sys.executable, "-c", HOLDER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refusal(folder: Path) -> str:
    with pytest.raises(ProjectLocked) as caught:
        ProjectLock(folder).acquire()
    return str(caught.value)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None], ids=["killed", "ended", "by itself"])
def test_the_second_server_is_refused_until_the_first_has_ended(tmp_path: Path, end: signal.Signals | None) -> None:
    with held(tmp_path) as process:
        assert refusal(tmp_path) == f"this project is already run by process {process.pid}: use that one, or end it"
        if end is None:
            process.communicate()
        else:
            process.send_signal(end)
            process.wait()
        ProjectLock(tmp_path).acquire()


def test_the_refusal_says_where_the_other_server_is(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    lock.acquire()
    lock.describe(pid=4711, url="http://127.0.0.1:8080/")
    assert "process 4711 at http://127.0.0.1:8080/:" in refusal(tmp_path)
    lock.release()
    ProjectLock(tmp_path).acquire()


def test_a_refused_server_changes_nothing(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    lock.acquire()
    before = (tmp_path / "lock").read_bytes()
    other = ProjectLock(tmp_path)
    with pytest.raises(ProjectLocked):
        other.acquire()
    other.describe(pid=1)
    other.release()
    assert (tmp_path / "lock").read_bytes() == before
    assert refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"null", b'"pid"'])
def test_whatever_stands_in_the_file_the_lock_counts(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lock").write_bytes(content)
    lock = ProjectLock(tmp_path)
    lock.acquire()
    assert json.loads((tmp_path / "lock").read_text()) == {"pid": os.getpid()}
    (tmp_path / "lock").write_bytes(content)
    assert "run by another process:" in refusal(tmp_path)
    lock.release()


def test_a_shorter_description_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    lock.acquire()
    lock.describe(pid=1, url="http://127.0.0.1:8080/")
    lock.describe(pid=2)
    assert json.loads((tmp_path / "lock").read_text()) == {"pid": 2}
    lock.release()
    lock.release()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """Agents outlive their server now and then; they must not keep the project from the next one."""
    lock = ProjectLock(tmp_path)
    lock.acquire()
    argv, pipe = [sys.executable, "-c", "print(flush=True); input()"], subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, close_fds=False) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lock.release()
        ProjectLock(tmp_path).acquire()
        child.kill()


def test_two_folders_have_two_locks(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        ProjectLock(tmp_path / name).acquire()


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    ProjectLock(tmp_path).acquire()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
