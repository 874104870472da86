"""Tests of snapshots on real repositories, which must leave no trace in them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from git import process, snapshots
from git.process import GitError, GitUnusable
from git.snapshots import Diff, Git
from git.worktrees import Repository

IDENTITY = {
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@localhost",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@localhost",
}


def git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, **IDENTITY}
    )
    return run.stdout.strip()


def make(folder: Path, *, commit: bool = True) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src/app.py").write_text("one\ntwo\n")
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    git(folder, "init", "-q")
    if commit:
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "start")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "project")


async def looking_at(root: Path, *ignored: str) -> Git:
    found = await Git.find(root, root.parent / "snapshots", ignored)
    assert found is not None
    return found


def traces(root: Path) -> dict[str, bytes]:
    """Every file of the repository's own folder, and every name in the work tree."""
    files = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return files | {str(path): b"" for path in root.rglob("*") if path.is_dir()}


# -- finding a repository ------------------------------------------------------------------------------------------


async def test_a_folder_in_no_repository(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert await Git.find(tmp_path / "plain", tmp_path / "snapshots") is None
    assert not (tmp_path / "snapshots").exists()


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert await Git.find(tmp_path / "gone", tmp_path / "snapshots") is None


async def test_a_machine_without_git(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's PATH may lack it: silence must not be taken for "no repository"."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitUnusable, match=r"git cannot be started .*PATH of the server"):
        await Git.find(root, root.parent / "snapshots")
    (tmp_path / "plain").mkdir()
    assert await Git.find(tmp_path / "plain", root.parent / "snapshots") is None


async def test_a_repository_of_another_owner_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitUnusable, match=r"safe\.directory"):
        await Git.find(root, root.parent / "snapshots")


async def test_a_damaged_repository_is_refused(root: Path) -> None:
    (root / ".git/HEAD").write_text("nonsense\n")
    with pytest.raises(GitUnusable, match="git cannot answer for"):
        await Git.find(root, root.parent / "snapshots")


# -- snapshots -----------------------------------------------------------------------------------------------------


async def test_a_snapshot_leaves_no_trace(root: Path) -> None:
    """The user's index, HEAD, objects, logs and work tree are the same to the byte, staged and unstaged work too."""
    (root / "src/staged.py").write_text("staged\n")
    git(root, "add", "src/staged.py")
    (root / "src/app.py").write_text("changed\n")
    (root / "new.py").write_text("new\n")
    before = traces(root)
    looking = await looking_at(root)
    first = await looking.snapshot()
    (root.parent / "elsewhere").mkdir()
    assert traces(root) == before
    assert await looking.diff(git(root, "rev-parse", "HEAD^{tree}"), first) == Diff(3, 3, 2)
    assert traces(root) == before


async def test_the_same_tree_has_the_same_name(root: Path) -> None:
    looking = await looking_at(root)
    first = await looking.snapshot()
    assert first == await looking.snapshot() == git(root, "rev-parse", "HEAD^{tree}")
    (root / "src/app.py").write_text("three\n")
    assert await looking.snapshot() != first
    (root / "src/app.py").write_text("one\ntwo\n")
    assert await looking.snapshot() == first


ODD: list[str] = ["a b", "é✓", 'q"uote', "ta\tb", "li\nne", "sep\u2028arator", "-rf", ":(literal)x"]
CHANGES = [
    ("a new file", lambda root: (root / "new.py").write_text("a\nb\n"), Diff(1, 2, 0)),
    ("a change", lambda root: (root / "src/app.py").write_text("one\n2\n3\n"), Diff(1, 2, 1)),
    ("a deletion", lambda root: (root / "src/app.py").unlink(), Diff(1, 0, 2)),
    ("a move", lambda root: (root / "src/app.py").rename(root / "app.py"), Diff(2, 2, 2)),
    ("a mode", lambda root: (root / "src/app.py").chmod(0o755), Diff(1, 0, 0)),
    ("bytes", lambda root: (root / "picture").write_bytes(b"\0\1\2" * 99), Diff(1, 0, 0)),
    ("a link", lambda root: (root / "link").symlink_to("/nowhere"), Diff(1, 1, 0)),
    ("odd names", lambda root: [(root / name).write_text("1\n") for name in ODD], Diff(8, 8, 0)),
    ("an ignored file", lambda root: (root / "run.log").write_text("x\n"), Diff()),
    ("an empty folder", lambda root: (root / "empty").mkdir(), Diff()),
    ("a pipe", lambda root: os.mkfifo(root / "pipe"), Diff()),
]


@pytest.mark.parametrize(("name", "change", "size"), CHANGES, ids=[row[0] for row in CHANGES])
async def test_the_size_of_a_change(root: Path, name: str, change: object, size: Diff) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    assert callable(change)
    change(root)
    assert await looking.diff(before, await looking.snapshot()) == size


async def test_commits_since_then_count_as_change_and_staging_does_not(root: Path) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "new.py").write_text("a\n")
    unstaged = await looking.snapshot()
    git(root, "add", "new.py")
    staged = await looking.snapshot()
    git(root, "commit", "-qm", "more")
    assert unstaged == staged == await looking.snapshot() != before


@pytest.mark.parametrize("tracked", [True, False])
async def test_folders_of_our_own_never_count(root: Path, tracked: bool) -> None:
    for folder in ("_bmad-output/stories", ".sprint-runner", "build"):
        (root / folder).mkdir(parents=True)
        (root / folder / "a.md").write_text("a\n")
    if tracked:
        git(root, "add", "-A")
        git(root, "commit", "-qm", "all")
    looking = await looking_at(root, "_bmad-output/stories", ".sprint-runner", "build", "not-there", "glob*")
    before = await looking.snapshot()
    for folder in ("_bmad-output/stories", ".sprint-runner", "build"):
        (root / folder / "a.md").write_text("changed\n")
        (root / folder / "b.md").write_text("new\n")
    assert await looking.snapshot() == before
    (root / "globe.py").write_text("x\n")
    assert await looking.snapshot() != before
    assert git(root, "status", "--porcelain") != ""


async def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    root = make(tmp_path / "young", commit=False)
    before = traces(root)
    looking = await looking_at(root)
    first = await looking.snapshot()
    assert traces(root) == before
    (root / "new.py").write_text("a\n")
    assert await looking.diff(first, await looking.snapshot()) == Diff(1, 1, 0)
    assert await looking.commits_for("1-1-a") == []
    assert not await looking.has_commit("HEAD")


async def test_a_project_below_the_top_of_its_repository(root: Path) -> None:
    below = root / "packages/one"
    below.mkdir(parents=True)
    (below / "a.py").write_text("a\n")
    (below / "out").mkdir()
    (below / "out/b.md").write_text("b\n")
    before_all = traces(root)
    looking = await Git.find(below, root.parent / "snapshots", ("out",))
    assert looking is not None
    before = await looking.snapshot()
    assert traces(root) == before_all
    (below / "out/b.md").write_text("changed\n")
    assert await looking.snapshot() == before
    (root / "elsewhere.py").write_text("work beside the project's folder\n")
    (below / "a.py").write_text("changed\n")
    after = await looking.snapshot()
    assert await looking.changed_paths(before, after) == ["elsewhere.py", "packages/one/a.py"]
    assert await looking.diff(before, after) == Diff(2, 2, 1)
    (below / "new file.py").write_text("new\n")
    assert await looking.changed_paths(after, await looking.snapshot()) == ["packages/one/new file.py"]


async def test_a_linked_work_tree(root: Path) -> None:
    linked = root.parent / "linked"
    git(root, "worktree", "add", "-q", str(linked), "-b", "side")
    (linked / "side.py").write_text("side\n")
    before = traces(root) | traces(linked)
    looking = await looking_at(linked)
    first = await looking.snapshot()
    assert traces(root) | traces(linked) == before
    git(linked, "add", "-A")
    git(linked, "commit", "-qm", "1-1-a on the side")
    assert await looking.snapshot() == first == git(linked, "rev-parse", "HEAD^{tree}")
    assert [commit.subject for commit in await looking.commits_for("1-1-a")] == ["1-1-a on the side"]


async def test_objects_that_a_repository_borrows_are_found(root: Path) -> None:
    borrowed = root.parent / "borrowed"
    git(root.parent, "clone", "-q", "--shared", str(root), str(borrowed))
    looking = await looking_at(borrowed)
    before = await looking.snapshot()
    (borrowed / "src/app.py").unlink()
    assert await looking.diff(before, await looking.snapshot()) == Diff(1, 0, 2)


async def test_a_path_with_colons_and_quotes(tmp_path: Path) -> None:
    root = make(tmp_path / 'a:b "c" \\d')
    looking = await Git.find(root, tmp_path / 'our:own "folder"')
    assert looking is not None
    before = await looking.snapshot()
    (root / "src/app.py").write_text("two\n")
    assert await looking.diff(before, await looking.snapshot()) == Diff(1, 0, 1)


@pytest.mark.parametrize("commit", [True, False])
async def test_a_repository_inside_the_project(root: Path, commit: bool) -> None:
    """An agent may well start one; a run must not end of it."""
    make(root / "inner", commit=commit)
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "src/app.py").write_text("one\n")
    second = await looking.snapshot()
    assert await looking.diff(before, second) == Diff(1, 0, 1)
    # work in it is counted, committed there or not, also by a server that was started again
    (root / "inner/src/app.py").write_text("other\n")
    third = await looking.snapshot()
    assert await looking.changed_paths(second, third) == ["inner"]
    git(root / "inner", "add", "-A")
    git(root / "inner", "commit", "-qm", "work")
    again = await looking_at(root)
    assert await again.snapshot() == third
    (root / "inner/new.py").write_text("new\n")
    assert await again.changed_paths(third, await again.snapshot()) == ["inner"]
    shutil.rmtree(root / "inner")
    assert await again.changed_paths(before, await again.snapshot()) == ["inner", "src/app.py"]


async def test_a_large_untracked_file_is_left_out_and_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "UNTRACKED_MAX_BYTES", 100)
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "dump.bin").write_bytes(b"x" * 101)
    assert await looking.snapshot() == before
    assert looking.left_out == {"dump.bin"}


async def test_two_work_trees_agree_about_what_never_counts(root: Path) -> None:
    """One of them has seen the ignored folder committed, the other has not."""
    early = await Git.find(root, root.parent / "early", ("out",))
    assert early is not None
    before = await early.snapshot()
    (root / "out").mkdir()
    (root / "out/story.md").write_text("story\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "a story")
    late = await Git.find(root, root.parent / "late", ("out",))
    assert late is not None
    assert await late.snapshot() == await early.snapshot() == before


async def test_snapshots_are_forgotten(root: Path) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root / "new.py").write_text("new\n")
    assert await looking.snapshot() != before
    looking.forget_snapshots()
    assert not list((root.parent / "snapshots/objects").rglob("*"))
    (root / "new.py").unlink()
    assert await looking.snapshot() == before


async def test_what_a_killed_call_left_behind_is_no_obstacle(root: Path) -> None:
    looking = await looking_at(root)
    before = await looking.snapshot()
    (root.parent / "snapshots/index.lock").write_text("")
    assert await looking.snapshot() == before
    (root.parent / "snapshots/index").unlink()
    assert await looking.snapshot() == before


async def test_a_change_within_the_second_of_the_index_is_seen(root: Path) -> None:
    """Of the same size, and found by a snapshot that begins later."""
    app, second = root / "src/app.py", 1_700_000_000
    os.utime(app, (second, second))
    git(root, "update-index", "--refresh")
    os.utime(root / ".git/index", (second, second))
    app.write_text("ONE\nTWO\n")
    os.utime(app, (second, second))
    looking = await looking_at(root)
    assert await looking.diff(git(root, "rev-parse", "HEAD^{tree}"), await looking.snapshot()) == Diff(1, 2, 2)


async def test_a_later_snapshot_agrees_with_a_first_one(root: Path) -> None:
    """Whatever changes: by what `git status` names, the index becomes what a walk over the whole tree makes of it."""
    found = await looking_at(root, "kept")

    async def agree(name: str) -> str:
        first = await Git.find(root, root.parent / name, ("kept",))
        assert first is not None
        tree = await found.snapshot()
        assert tree == await first.snapshot(), name
        return tree

    def replace_by_folder() -> None:
        (root / "src/app.py").unlink()
        (root / "src/app.py").mkdir()
        (root / "src/app.py/part.py").write_text("one\n")

    def replace_by_link() -> None:
        shutil.rmtree(root / "src/app.py")
        (root / "src/app.py").symlink_to("nowhere")

    def replace_by_file() -> None:
        (root / "src/app.py").unlink()
        shutil.rmtree(root / "src")
        (root / "src").write_text("a file\n")

    def stop_ignoring() -> None:
        (root / "run.log").write_text("noise\n")
        (root / ".gitignore").unlink()

    def keep_note() -> None:
        (root / "kept").mkdir()
        (root / "kept/note").write_text("x")

    changes: dict[str, Callable[[], object]] = {
        "edit": lambda: (root / "src/app.py").write_text("one\nthree\n"),
        "folder": replace_by_folder,
        "link": replace_by_link,
        "file": replace_by_file,
        "mode": lambda: (root / "src").chmod(0o744),
        "staged": lambda: git(root, "add", "-A"),
        "names": lambda: (root / ' -o "dd\tname\n').write_text("x"),
        "latin": lambda: Path(os.fsdecode(bytes(root) + b"/\xe9t\xe9")).write_text("x"),
        "ignored": stop_ignoring,
        "committed": lambda: git(root, "commit", "-qam", "all"),
        "gone": lambda: (root / "src").unlink(),
        "kept": keep_note,
        "nested": lambda: make(root / "nested"),
        "in it": lambda: (root / "nested/src/app.py").write_text("four\n"),
    }
    trees = [await agree("before")]
    for name, change in changes.items():
        change()
        trees.append(await agree(name))
    same = {"staged", "committed", "kept"}
    for name, old, new in zip(changes, trees, trees[1:], strict=False):
        assert (old == new) == (name in same), name


async def test_nothing_changed_costs_one_call_of_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await looking_at(root)
    await found.snapshot()
    calls: list[str] = []
    whole = process.run_git

    async def counted(folder: Path, arguments: tuple[str, ...], **options: object) -> str:
        calls.append(next(word for word in arguments if not word.startswith("-") and "=" not in word))
        return await whole(folder, arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshots, "run_git", counted)
    tree = await found.snapshot()
    assert calls == ["status"]
    assert await found.recent_snapshot() == tree
    assert calls == ["status"]
    found.outdate()
    (root / "src/app.py").write_text("one\n")
    assert await found.recent_snapshot() != tree


async def test_a_lock_of_the_users_own_git_is_no_obstacle(root: Path) -> None:
    (root / ".git/index.lock").write_text("")
    looking = await looking_at(root)
    assert await looking.snapshot() == git(root, "rev-parse", "HEAD^{tree}")


async def test_no_hook_of_the_project_is_run(root: Path) -> None:
    hook = root / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ../hooked hooked\n")
    hook.chmod(0o755)
    (root / "new.py").write_text("x\n")
    await (await looking_at(root)).snapshot()
    assert not (root / "hooked").exists()
    assert not (root.parent / "hooked").exists()


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"])
async def test_a_server_started_by_a_hook_looks_at_its_own_project(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tree = git(root, "rev-parse", "HEAD^{tree}")
    other = make(root.parent / "other")
    (other / "more.py").write_text("x\n")
    values = {
        "GIT_DIR": other / ".git",
        "GIT_INDEX_FILE": other / ".git/index",
        "GIT_OBJECT_DIRECTORY": other / ".git/objects",
    }
    monkeypatch.setenv(name, str(values.get(name, other)))
    looking = await looking_at(root)
    assert await looking.snapshot() == tree


async def test_snapshots_take_turns(root: Path) -> None:
    looking = await looking_at(root)
    assert len(set(await asyncio.gather(*(looking.snapshot() for _ in range(5))))) == 1


async def test_a_snapshot_survives_the_collection_of_garbage(root: Path) -> None:
    looking = await looking_at(root)
    (root / "new.py").write_text("a\n")
    first = await looking.snapshot()
    git(root, "gc", "-q", "--prune=now")
    (root / "new.py").unlink()
    assert await looking.diff(first, await looking.snapshot()) == Diff(1, 0, 1)


# -- commits -------------------------------------------------------------------------------------------------------


async def test_a_commit_exists_or_does_not(root: Path) -> None:
    looking = await looking_at(root)
    whole = git(root, "rev-parse", "HEAD")
    assert await looking.has_commit(whole)
    assert await looking.has_commit(whole[:7])
    for wrong in ("0" * 40, "abcdef0", git(root, "rev-parse", "HEAD^{tree}"), "--all", "", "HEAD..HEAD", "nope"):
        assert not await looking.has_commit(wrong)


MESSAGES = [
    "feat(2a): implement stories 2a-1-tea, 2a-2-cup",
    "feat: 2a-1-teapot",
    "feat: 12a-1-tea",
    "feat: x-2a-1-tea",
    "feat: 2a-1-tea-for-two",
    "Story 2a-1-tea.\n\nwith a body",
    "(2a-1-tea)",
    "a body\n\nthat ends with 2a-1-tea",
]


async def test_commits_are_found_by_the_exact_key(root: Path) -> None:
    """Pitfall: key `2a-1` also matches `2a-10` and `12a-1`."""
    for message in MESSAGES:
        git(root, "commit", "-q", "--allow-empty", "-m", message)
    looking = await looking_at(root)
    found = await looking.commits_for("2a-1-tea")
    assert [commit.subject for commit in found] == [
        "a body",
        "(2a-1-tea)",
        "Story 2a-1-tea.",
        "feat(2a): implement stories 2a-1-tea, 2a-2-cup",
    ]
    assert found[0].hash == git(root, "rev-parse", "HEAD")
    assert found[0].at == int(git(root, "log", "-1", "--format=%ct")) * 1000
    assert [commit.subject for commit in await looking.commits_for("2a-1-tea", most=1)] == ["a body"]


@pytest.mark.parametrize("key", ["2.5-1-warm", "a+b", "x[1]", "^y", "é-1", "-rf"])
async def test_a_key_is_sought_as_it_is(root: Path, key: str) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", f"feat: {key}, done")
    git(root, "commit", "-q", "--allow-empty", "-m", f"feat: {key.replace('.', 'x').replace('+', 'y')}z")
    looking = await looking_at(root)
    assert [commit.subject for commit in await looking.commits_for(key)] == [f"feat: {key}, done"]


# -- failures ------------------------------------------------------------------------------------------------------


async def test_what_git_says_is_in_the_error(root: Path) -> None:
    looking = await looking_at(root)
    with pytest.raises(GitError, match=r"^git diff-tree: .*0000000"):
        await looking.diff("0" * 40, "0" * 39 + "1")


async def test_a_call_that_takes_too_long_is_ended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = await looking_at(root)
    monkeypatch.setattr(process, "TIMEOUT_S", 0.0)
    with pytest.raises(TimeoutError):
        await looking.snapshot()
    monkeypatch.undo()
    assert await looking.snapshot()


async def test_a_cancelled_snapshot_leaves_nothing_running(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = await looking_at(root)
    with monkeypatch.context() as patched:
        pid_file = endless_git(tmp_path / "bin", patched)
        task = asyncio.create_task(looking.snapshot())
        async with asyncio.timeout(30):
            while not (pid := pid_file.read_text() if pid_file.exists() else "").endswith("\n"):
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert await looking.snapshot() == git(root, "rev-parse", "HEAD^{tree}")


def endless_git(folder: Path, patched: pytest.MonkeyPatch) -> Path:
    """Put a git on the path that says who it is in the file answered here, and then never ends by itself."""
    folder.mkdir()
    program, pid_file = folder / "git", folder / "pid"
    program.write_text(f'#!/bin/sh\necho $$ > "{pid_file}"\nexec sleep 600\n')
    program.chmod(0o755)
    patched.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return pid_file


async def test_two_views_of_a_repository_remember_one_index(root: Path) -> None:
    """What one of them takes into the index of snapshots, the other one must know of."""
    git = await looking_at(root)
    view = Repository.of(git)
    before = await git.snapshot()
    (git.root / "new.py").write_text("x = 1\n")
    assert await view.snapshot() == await git.snapshot() != before
    view.outdate()
    (git.root / "new.py").unlink()
    assert await git.snapshot() == await view.snapshot() == before
