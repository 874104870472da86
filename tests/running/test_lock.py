"""One server per project: two real processes and one lock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from running.lock import ProjectLock, ProjectLocked, lock_path
from tests.worlds import World, make_world, worlds

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


# -- the project's own lock --------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", worlds(refused=None), indirect=True)
def test_one_project_has_one_server_whatever_its_data_folder(world: World) -> None:
    first, second = world.outside / "first", world.outside / "second"
    for folder in (first, second):
        folder.mkdir()
    lock = ProjectLock(first, world.root)
    lock.acquire()
    lock.describe(pid=4711, url="http://127.0.0.1:8080/")
    link = world.outside / "link"
    link.symlink_to(world.root)
    for name in (world.root, link):
        with pytest.raises(ProjectLocked, match="this project is already run by"):
            ProjectLock(second, name).acquire()
    if world.layout.git:
        with pytest.raises(ProjectLocked, match="process 4711 at http://127"):
            ProjectLock(second, world.root).acquire()
    lock.release()
    ProjectLock(second, world.root).acquire()


def test_projects_of_one_repository_are_locked_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path, monkeypatch, "linked")
    names = {lock_path(world.root), lock_path(tmp_path / "tiny"), lock_path(tmp_path / "tiny/_bmad-output")}
    assert len(names) == 3
    assert {name.parent for name in names} == {tmp_path / "tiny/.git"}


def test_a_cleaned_work_tree_leaves_the_projects_lock(world: World) -> None:
    data = world.root / ".sprint-runner"
    data.mkdir()
    lock = ProjectLock(data, world.root)
    lock.acquire()
    shutil.rmtree(data)
    assert lock.lost == [data / "lock"]
    data.mkdir()
    with pytest.raises(ProjectLocked):
        ProjectLock(data, world.root).acquire()
    lock.renew()
    assert lock.lost == []
    assert json.loads((data / "lock").read_text()) == {"pid": os.getpid()}
    assert refusal(data)


def test_a_lock_that_another_server_has_meanwhile_is_not_taken_from_it(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    lock.acquire()
    (tmp_path / "lock").unlink()
    with held(tmp_path) as other, pytest.raises(ProjectLocked, match=f"is held by process {other.pid} now"):
        lock.renew()


def test_a_data_folder_belongs_to_one_project(tmp_path: Path) -> None:
    for name in ("a", "b", "data"):
        (tmp_path / name).mkdir()
    ProjectLock(tmp_path / "data", tmp_path / "a").acquire()
    other = ProjectLock(tmp_path / "data", tmp_path / "b")
    with pytest.raises(ProjectLocked, match=f"the data folder {tmp_path / 'data'} is already run by process"):
        other.acquire()
    (tmp_path / "own").mkdir()
    ProjectLock(tmp_path / "own", tmp_path / "b").acquire()  # the refused one has given the project back
