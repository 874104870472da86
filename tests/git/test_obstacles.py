"""What lies in the way of a fast-forward, in each way in which a file can lie there; nothing of it is written over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from git.obstacles import EDITED, FOLDER, REMOVED, UNTRACKED, find_obstacles
from git.process import GitError
from git.snapshots import Git
from git.worktrees import Repository
from tests.running.repositories import git, repository

NEW = "the lane's\n"
Make = Callable[[Path], object]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository whose branch `lane` is one commit ahead: it adds, changes, removes files and makes a folder one."""
    root = tmp_path / "tree"
    root.mkdir()
    repository(root)
    (root / ".gitignore").write_text("*.log\n")
    for name in ("changed.txt", "gone.txt", "folder/a.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("old\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    git(root, "switch", "-qc", "lane")
    git(root, "rm", "-q", "gone.txt", "folder/a.txt")
    for name in ("new.txt", "deep/er/new.txt", "trace.log", "changed.txt", "folder"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(NEW)
    (root / "run.sh").write_text(NEW)
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("new.txt")
    git(root, "add", "-fA")
    git(root, "commit", "-qm", "work")
    git(root, "switch", "-q", "main")
    return root


def content(top: Path) -> dict[str, str]:
    """Every file of the work tree, and where links lead."""
    found = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if name.split("/")[0] != ".git" and (path.is_symlink() or path.is_file()):
            found[name] = str(path.readlink()) if path.is_symlink() else path.read_text()
    return found


def put(name: str, text: str) -> Make:
    def work(top: Path) -> None:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)

    return work


def stage(name: str, text: str, then: str | None = None) -> Make:
    """Stage a content, and leave another one on the disk."""

    def work(top: Path) -> None:
        put(name, text)(top)
        git(top, "add", "-f", name)
        if then is not None:
            (top / name).write_text(then)

    return work


def announce(top: Path) -> None:
    put("new.txt", NEW)(top)
    git(top, "add", "--intent-to-add", "new.txt")


def executable(top: Path) -> None:
    put("run.sh", NEW)(top)
    (top / "run.sh").chmod(0o755)


def nested(top: Path) -> None:
    (top / "new.txt").mkdir()
    repository(top / "new.txt")


DIFFERENT: dict[str, tuple[Make, dict[str, str]]] = {
    "untracked": (put("new.txt", "mine\n"), {"new.txt": UNTRACKED}),
    "untracked, deep": (put("deep/er/new.txt", "mine\n"), {"deep/er/new.txt": UNTRACKED}),
    "ignored": (put("trace.log", "mine\n"), {"trace.log": UNTRACKED}),
    "empty": (put("new.txt", ""), {"new.txt": UNTRACKED}),
    "edited": (put("changed.txt", "mine\n"), {"changed.txt": EDITED}),
    "edited, and removed by the lane": (put("gone.txt", "mine\n"), {"gone.txt": EDITED}),
    "removed": (lambda top: (top / "changed.txt").unlink(), {"changed.txt": REMOVED}),
    "staged": (stage("changed.txt", "mine\n"), {"changed.txt": EDITED}),
    "staged, new": (stage("new.txt", "mine\n"), {"new.txt": EDITED}),
    "staged another content than the disk has": (stage("changed.txt", "mine\n", NEW), {"changed.txt": EDITED}),
    "a file in the place of a folder": (put("deep", "mine\n"), {"deep": UNTRACKED}),
    "a link in the place of a folder": (lambda top: (top / "deep").symlink_to("/tmp"), {"deep": UNTRACKED}),
    "a folder in the place of a file": (put("new.txt/mine.txt", "mine\n"), {"new.txt": FOLDER}),
    "a folder of ignored files": (put("new.txt/mine.log", "mine\n"), {"new.txt": FOLDER}),
    "one more file in a folder that becomes one": (put("folder/mine.txt", "mine\n"), {"folder": FOLDER}),
    "a repository": (nested, {"new.txt": FOLDER}),
    "a link in the place of a file": (lambda top: (top / "new.txt").symlink_to("changed.txt"), {"new.txt": UNTRACKED}),
    "a link that leads elsewhere": (lambda top: (top / "link").symlink_to("changed.txt"), {"link": UNTRACKED}),
    "without its permission": (put("run.sh", NEW), {"run.sh": UNTRACKED}),
}
SAME: dict[str, tuple[Make, list[str]]] = {
    "nothing": (lambda top: None, []),
    "untracked": (put("new.txt", NEW), ["new.txt"]),
    "ignored": (put("trace.log", NEW), ["trace.log"]),
    "edited": (put("changed.txt", NEW), ["changed.txt"]),
    "staged": (stage("changed.txt", NEW), ["changed.txt"]),
    "staged, new": (stage("new.txt", NEW), ["new.txt"]),
    "announced": (announce, ["new.txt"]),
    "removed on both sides": (lambda top: (top / "gone.txt").unlink(), []),
    "an executable": (executable, ["run.sh"]),
    "a link": (lambda top: (top / "link").symlink_to("new.txt"), ["link"]),
    "an empty folder": (lambda top: (top / "new.txt").mkdir(), []),
    "a file that the lane does not know": (put("other.txt", "mine\n"), []),
}


async def forward(top: Path) -> tuple[dict[str, str], list[str]]:
    """Take the lane as a merge does; what was in the way, and what was the same."""
    store = top.parent / "store"
    found = await Git.find(top, store)
    assert found is not None
    met = await find_obstacles(top, "HEAD", "lane", ())
    await Repository.of(found).forward("main", "lane", met.same, met.before)
    return met.different, sorted(met.same)


@pytest.mark.parametrize("case", DIFFERENT)
async def test_a_file_of_another_content_is_named_and_not_written_over(top: Path, case: str) -> None:
    make, expected = DIFFERENT[case]
    make(top)
    before, index, head = content(top), git(top, "ls-files", "--stage"), git(top, "rev-parse", "HEAD")
    assert (await find_obstacles(top, "HEAD", "lane", ())).different == expected
    try:
        await forward(top)
    except GitError:
        assert git(top, "rev-parse", "HEAD") == head
    if git(top, "rev-parse", "HEAD") == head:
        assert git(top, "ls-files", "--stage") == index
        assert content(top) == before


@pytest.mark.parametrize("case", SAME)
async def test_a_file_of_the_same_content_is_no_obstacle(top: Path, case: str) -> None:
    make, expected = SAME[case]
    make(top)
    mine = {path: (top / path).lstat().st_mtime_ns for path in expected}
    assert await forward(top) == ({}, expected)
    assert git(top, "rev-parse", "HEAD") == git(top, "rev-parse", "lane")
    assert git(top, "status", "--porcelain", "--untracked-files=no") == ""
    assert {path: (top / path).lstat().st_mtime_ns for path in expected} == mine


async def test_an_unchanged_file_is_no_obstacle(top: Path) -> None:
    put("new.txt", "mine\n")(top)
    assert (await find_obstacles(top, "HEAD", "lane", ["new.txt"])).different == {}
