"""A tree that is laid over another one is the tree that git itself writes, whatever happens to the files."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import git.helper
from git.process import GitError
from git.snapshot_index import SnapshotIndex
from git.snapshots import Git
from tests.running.repositories import git as run
from tests.running.repositories import repository

STEPS = 40
NAMES = ("a", "b", "deep/a", "deep/er/b", "deep/er/est/c", "größe d.txt", "x y/z")


@pytest.fixture(params=[".", "part/of it"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project at the top of its repository, and one in a folder of it."""
    top = tmp_path / "tree"
    (top / request.param / "src").mkdir(parents=True)
    repository(top)
    (top / ".gitignore").write_text("*.log\n")
    (top / request.param / "src/main.py").write_text("pass\n")
    run(top, "add", "-A")
    run(top, "commit", "-qm", "start")
    return top / str(request.param)


async def opened(root: Path, store: Path) -> Git:
    found = await Git.find(root, store)
    assert found is not None
    return found


async def by_git(root: Path, tmp_path: Path) -> str:
    """The tree that the first snapshot of another store has, which git makes from an index."""
    store = tmp_path / "fresh"
    shutil.rmtree(store, ignore_errors=True)
    return await (await opened(root, store)).snapshot()


class Edits:
    """Random changes of a few files in a folder."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._dice = random.Random(seed)

    def any(self) -> None:
        works: tuple[Callable[[Path], None], ...] = (
            *(self._write,) * 4,
            self._remove,
            self._mode,
            self._link,
            self._log,
        )
        self._dice.choice(works)(self._root / self._dice.choice(NAMES))

    def _write(self, path: Path) -> None:
        for parent in path.relative_to(self._root).parents:
            if (self._root / parent).is_file() or (self._root / parent).is_symlink():
                (self._root / parent).unlink()
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(f"{self._dice.randrange(3)}\n")

    def _remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()

    def _mode(self, path: Path) -> None:
        if path.is_file() and not path.is_symlink():
            path.chmod(self._dice.choice((0o644, 0o755)))

    def _link(self, path: Path) -> None:
        if not path.exists() and path.parent.is_dir() and not path.is_symlink():
            path.symlink_to("main.py")

    def _log(self, path: Path) -> None:
        if path.parent.is_dir():
            (path.parent / "trace.log").write_text("ignored\n")


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_the_tree_that_git_writes(root: Path, tmp_path: Path, seed: int) -> None:
    snapshots, edits = await opened(root, tmp_path / "store"), Edits(root / "src", seed)
    await snapshots.snapshot()
    for step in range(STEPS):
        edits.any()
        if step % 10 == 9:
            run(root, "add", "-A", ":/")
            run(root, "commit", "-q", "--allow-empty", "-m", f"step {step}")
        assert await snapshots.snapshot() == await by_git(root, tmp_path), f"seed {seed}, step {step}"


async def test_no_index_is_written_for_a_few_files(root: Path, tmp_path: Path) -> None:
    snapshots = await opened(root, tmp_path / "store")
    before = await snapshots.snapshot()
    index = (tmp_path / "store/index").read_bytes()
    (root / "src/new.py").write_text("pass\n")
    after = await snapshots.snapshot()
    assert await snapshots.changed_paths(before, after) == [snapshots.path_of("src/new.py")]
    assert snapshots._index._tree == before
    assert b"new.py" not in index


async def test_many_files_come_into_the_index(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("git.snapshot_index.PATHS_MAX", 2)
    snapshots = await opened(root, tmp_path / "store")
    await snapshots.snapshot()
    for number in range(3):
        (root / f"src/{number}.py").write_text("pass\n")
    tree = await snapshots.snapshot()
    assert snapshots._index._tree == tree == await by_git(root, tmp_path)


async def test_attributes_that_change_count(root: Path, tmp_path: Path) -> None:
    """The process that stores contents has read the old ones."""
    snapshots = await opened(root, tmp_path / "store")
    await snapshots.snapshot()
    (root / "src/dos.txt").write_bytes(b"one\r\ntwo\r\n")
    await snapshots.snapshot()
    (root / ".gitattributes").write_text("*.txt text\n")
    (root / "src/more.txt").write_bytes(b"three\r\n")
    await snapshots.snapshot()
    (root / "src/last.txt").write_bytes(b"four\r\n")
    assert await snapshots.changed_paths(await snapshots.snapshot(), await by_git(root, tmp_path)) == []


@pytest.mark.parametrize(("name", "value"), [("core.fileMode", "false"), ("core.autocrlf", "input")])
async def test_where_git_needs_its_index_nothing_is_laid_over(
    root: Path, tmp_path: Path, name: str, value: str
) -> None:
    run(root, "config", name, value)
    snapshots = await opened(root, tmp_path / "store")
    await snapshots.snapshot()
    (root / "src/new.py").write_bytes(b"pass\r\n")
    (root / "src/main.py").chmod(0o755)
    tree = await snapshots.snapshot()
    assert snapshots._index._tree == tree == await by_git(root, tmp_path)


async def test_snapshots_that_were_removed_are_made_again(root: Path, tmp_path: Path) -> None:
    """Nothing is taken from memory whose object is gone."""
    snapshots = await opened(root, tmp_path / "store")
    await snapshots.snapshot()
    (root / "src/new.py").write_text("pass\n")
    tree = await snapshots.snapshot()
    await snapshots.forget()
    assert await snapshots.snapshot() == tree
    assert await snapshots.existing(tree, [snapshots.path_of("src/new.py")]) == [snapshots.path_of("src/new.py")]


async def test_helpers_that_were_killed_are_started_again(root: Path, tmp_path: Path) -> None:
    snapshots = await opened(root, tmp_path / "store")
    before = await snapshots.snapshot()
    for number in range(3):
        (root / f"src/{number}.py").write_text(f"{number}\n")
        tree = await snapshots.snapshot()
        assert len(await snapshots.changed_paths(before, tree)) == number + 1
        assert tree == await by_git(root, tmp_path)
        overlay = snapshots._index._overlay
        assert overlay is not None
        for helper in (overlay._store, overlay._trees, overlay._read, snapshots._differs["--name-only"]._helper):
            helper.kill()


async def test_idle_helpers_end(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git.helper, "IDLE_S", 0)
    snapshots = await opened(root, tmp_path / "store")
    await snapshots.snapshot()
    (root / "src/new.py").write_text("pass\n")
    await snapshots.snapshot()
    overlay = snapshots._index._overlay
    assert overlay is not None
    process = overlay._store._process
    assert process is not None
    while process.returncode is None:
        await asyncio.sleep(0)
    assert process.returncode == 0


async def test_saves_while_snapshots_are_taken_end_nothing(root: Path, tmp_path: Path) -> None:
    """An editor writes and removes files all the time: each snapshot is taken, and the last one is right."""
    snapshots, edits, over = await opened(root, tmp_path / "store"), Edits(root / "src", 1), threading.Event()

    def save() -> None:
        while not over.wait(0.01):  # not faster than git can look twice
            edits.any()

    saving = asyncio.create_task(asyncio.to_thread(save))
    try:
        for _ in range(20):
            assert len(await snapshots.snapshot()) == 40
    finally:
        over.set()
        await saving
    assert await snapshots.snapshot() == await by_git(root, tmp_path)


async def test_a_failed_snapshot_is_tried_again_before_it_counts(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots, snapshot, failures = await opened(root, tmp_path / "store"), SnapshotIndex.tree, 1

    async def failing(self: SnapshotIndex) -> str:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise GitError("fatal: unable to stat 'src/new.py'")
        return await snapshot(self)

    monkeypatch.setattr(SnapshotIndex, "tree", failing)
    assert await snapshots.snapshot() == await by_git(root, tmp_path)
    failures = 2
    with pytest.raises(GitError, match="unable to stat"):
        await snapshots.snapshot()
