"""Setting a status on disk."""

import itertools
import multiprocessing
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sprint import Conflict, Project, Refused, Status, StatusEdit, locate, read, set_status, write
from sprint.edit import Edit, edit_status
from tests.sprint.conftest import TRACKER, MakeProject

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
# Each of two processes writes this often against the other.
ROUNDS = 500


def test_one_line_changes_and_the_epic_is_lifted(make_project: MakeProject) -> None:
    project = make_project()
    change = set_status(project, "1-1-light-the-lamp", "ready-for-dev", now=NOW)
    assert change == StatusEdit(Status.BACKLOG, Status.READY_FOR_DEV, True, "epic-1")
    expected = TRACKER.replace("epic-1: backlog", "epic-1: in-progress")
    expected = expected.replace("lamp: backlog  #", "lamp: ready-for-dev  #")
    assert project.tracker.read_text() == expected


def test_the_same_status_writes_nothing(make_project: MakeProject) -> None:
    project = make_project()
    before = project.tracker.stat()
    assert not set_status(project, "2-1-open-the-shutter", "review").changed
    assert project.tracker.stat().st_ino == before.st_ino


def test_an_unexpected_status_is_a_conflict(make_project: MakeProject) -> None:
    project = make_project()
    with pytest.raises(Conflict) as caught:
        set_status(project, "2-1-open-the-shutter", "done", expected="in-progress")
    assert caught.value.found == "review"
    assert project.tracker.read_text() == TRACKER


def test_an_unexpected_file_is_a_conflict(make_project: MakeProject) -> None:
    project = make_project()
    sha = read(project).sha256
    set_status(project, "2-1-open-the-shutter", "done", expected_sha=sha)
    with pytest.raises(Conflict):
        set_status(project, "1-2-carry-the-oil", "done", expected_sha=sha)


def test_an_unknown_key_is_refused(make_project: MakeProject) -> None:
    with pytest.raises(Refused, match="no entry '1-1'"):
        set_status(make_project(), "1-1", "done")


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o664])
def test_the_mode_is_kept_and_nothing_is_left_behind(make_project: MakeProject, mode: int) -> None:
    project = make_project()
    project.tracker.chmod(mode)
    set_status(project, "2-1-open-the-shutter", "done")
    assert stat.S_IMODE(project.tracker.stat().st_mode) == mode
    assert [path.name for path in project.tracker.parent.iterdir()] == ["sprint-status.yaml"]


def test_a_refusal_leaves_the_file_itself_alone(make_project: MakeProject) -> None:
    project = make_project(TRACKER + "   bad: line: here\n")
    before = project.tracker.stat()
    with pytest.raises(Refused):
        set_status(project, "2-1-open-the-shutter", "done")
    assert project.tracker.stat() == before


def _intruding(project: Project, monkeypatch: pytest.MonkeyPatch, texts: Iterator[str]) -> None:
    """Another program writes the file, without the lock, after each edit was worked out."""

    def edit(data: bytes, **more: Any) -> Edit:
        found = edit_status(data, **more)
        if text := next(texts, ""):
            project.tracker.write_text(text)
        return found

    monkeypatch.setattr(write, "edit_status", edit)


def test_what_is_written_during_the_edit_is_kept(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    theirs = TRACKER.replace("oil: ready-for-dev", "oil: done")
    _intruding(project, monkeypatch, iter([theirs]))
    assert set_status(project, "2-1-open-the-shutter", "done").changed
    assert project.tracker.read_text() == theirs.replace("shutter: review", "shutter: done")


def test_a_status_that_changes_during_the_edit_is_a_conflict(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project()
    theirs = TRACKER.replace("shutter: review", "shutter: blocked")
    _intruding(project, monkeypatch, iter([theirs]))
    with pytest.raises(Conflict) as caught:
        set_status(project, "2-1-open-the-shutter", "done", expected="review")
    assert caught.value.found == "blocked"
    assert project.tracker.read_text() == theirs
    assert len(list(project.tracker.parent.iterdir())) == 1


def test_a_file_that_keeps_changing_is_a_conflict(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    _intruding(project, monkeypatch, (f"{TRACKER}# {count}\n" for count in itertools.count()))
    with pytest.raises(Conflict, match="keeps changing"):
        set_status(project, "2-1-open-the-shutter", "done")


def test_a_link_inside_the_project_stays_a_link(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project()
    link = tmp_path / "docs/sprint-status.yaml"
    link.parent.mkdir()
    link.symlink_to(project.tracker)
    found = locate(link)
    assert set_status(found, "2-1-open-the-shutter", "done").changed
    assert link.is_symlink()
    assert "2-1-open-the-shutter: done" in project.tracker.read_text()


def test_a_tracker_outside_the_project_is_read_and_not_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(TRACKER)
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "docs/sprint-status.yaml").symlink_to(outside)
    project = locate(root)
    sprint = read(project)
    assert len(sprint.stories) == 5
    assert not sprint.writable
    assert "outside the project" in sprint.problems[0].message
    with pytest.raises(Refused, match="outside"):
        set_status(project, "2-1-open-the-shutter", "done")
    assert outside.read_text() == TRACKER


def test_a_missing_file_is_refused_in_words(make_project: MakeProject) -> None:
    project = make_project()
    project.tracker.unlink()
    with pytest.raises(Refused, match="No such file"):
        set_status(project, "2-1-open-the-shutter", "done")


def test_a_loop_of_links_is_refused_in_words(make_project: MakeProject) -> None:
    project = make_project()
    project.tracker.unlink()
    project.tracker.symlink_to(project.tracker)
    with pytest.raises(Refused):
        set_status(project, "2-1-open-the-shutter", "done")
    assert read(project).problems


def test_what_a_killed_writer_left_is_removed(make_project: MakeProject) -> None:
    project = make_project()
    (project.tracker.parent / ".sprint-status.yaml.abc.sprint-runner.tmp").touch()
    set_status(project, "2-1-open-the-shutter", "done")
    assert [path.name for path in project.tracker.parent.iterdir()] == ["sprint-status.yaml"]


@pytest.fixture
def memory_project() -> Iterator[Project]:
    """A project on tmpfs where there is one: this test is about locking, not about disks."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    root = Path(tempfile.mkdtemp(prefix="sprint-", dir=parent))
    (root / "sprint-status.yaml").write_text(
        "last_updated: 2025-01-01\ndevelopment_status:\n  epic-1: in-progress\n"
        + "".join(f"  1-{n}-story: backlog  # {n}\n" for n in range(8))
    )
    yield locate(root)
    shutil.rmtree(root)


def _write_often(root: Path, keys: list[str]) -> None:
    """Moves its own stories on, each time expecting what it wrote itself: a lost write is a Conflict."""
    project = locate(root)
    last = dict.fromkeys(keys, "backlog")
    for count in range(ROUNDS):
        key = keys[count % len(keys)]
        new = "review" if last[key] != "review" else "in-progress"
        set_status(project, key, new, expected=last[key])
        last[key] = new


def test_two_processes_lose_nothing(memory_project: Project) -> None:
    keys = [story.key for story in read(memory_project).stories]
    context = multiprocessing.get_context("spawn")
    shares = (keys[:4], keys[4:])
    writers = [context.Process(target=_write_often, args=(memory_project.root, share)) for share in shares]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    sprint = read(memory_project)
    turns = ROUNDS // 4
    assert {story.status for story in sprint.stories} == {"review" if turns % 2 else "in-progress"}
    assert [story.comment for story in sprint.stories] == [str(n) for n in range(8)]
    assert sprint.problems == ()


def test_a_killed_writer_harms_nothing(memory_project: Project) -> None:
    """Killed in the middle of writing again and again: the file is always a whole one, and can be written."""
    keys = [story.key for story in read(memory_project).stories]
    context = multiprocessing.get_context("spawn")
    for kill in range(5):
        before = memory_project.tracker.read_bytes()
        writer = context.Process(target=_write_forever, args=(memory_project.root, keys))
        writer.start()
        while memory_project.tracker.read_bytes() == before:
            pass
        writer.kill()
        writer.join(10)
        sprint = read(memory_project)
        assert (sprint.problems, len(sprint.stories)) == ((), 8), kill
    set_status(memory_project, keys[0], "done")
    assert [path.name for path in memory_project.root.iterdir()] == ["sprint-status.yaml"]


def _write_forever(root: Path, keys: list[str]) -> None:
    project = locate(root)
    while True:
        for status in ("review", "in-progress"):
            for key in keys:
                set_status(project, key, status)
