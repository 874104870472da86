"""Commits and their lines, from real repositories with everything odd that they can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from git import history
from git.history import NoSuchChange, change_between, change_of, commits_of, ends_of, file_between
from git.process import GitError
from git.snapshots import Git
from tests.git.repositories import git, looking_at, make, traces

ODD_NAMES = ("a b.txt", 'quote".txt', "tab\t.txt", "stars*?[1].txt", "ü.txt", "-n", ":(top)x", "line\nbreak.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "project")


async def committed(root: Path, message: str = "feat: story 1-2-login") -> tuple[Git, str]:
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)
    return await looking_at(root), git(root, "rev-parse", "HEAD")


async def test_a_commit_is_read_file_by_file_with_its_lines(root: Path) -> None:
    (root / "src/app.py").write_text("one\n2\ntwo\nthree\n")
    (root / "new.md").write_text("hello")
    (root / ".gitignore").unlink()
    repository, name = await committed(root)
    change = await change_of(repository, name)
    listed = {file.path: (file.status, file.added, file.removed) for file in change.files}
    assert listed == {".gitignore": ("deleted", 0, 2), "new.md": ("added", 1, 0), "src/app.py": ("modified", 2, 0)}
    lines = {file.path: [line for hunk in file.hunks or [] for line in hunk.lines] for file in change.files}
    assert lines["src/app.py"] == [" one", "+2", " two", "+three"]
    assert lines["new.md"] == ["+hello", "\\ No newline at end of file"]
    assert lines[".gitignore"] == ["-*.log", "-build/"]
    assert not any(file.cut for file in change.files)


async def test_the_first_commit_is_all_that_it_brought(root: Path) -> None:
    repository, name = await looking_at(root), git(root, "rev-parse", "HEAD")
    assert [file.status for file in (await change_of(repository, name)).files] == ["added", "added"]


async def test_the_commits_of_a_story_are_those_that_name_it_and_those_that_its_agents_made(root: Path) -> None:
    (root / "a").write_text("a\nb\n")
    repository, named = await committed(root)
    (root / "b").write_text("b")
    _, own = await committed(root, "work")
    (root / "c").write_text("c")
    await committed(root, "feat: story 1-2-login-page")
    found = await commits_of(repository, "1-2-login", [own[:8], "beef" * 10, "HEAD", "--all"])
    assert {commit.hash for commit in found} == {named, own}
    first = next(commit for commit in found if commit.hash == named)
    assert (first.subject, first.author) == ("feat: story 1-2-login", "T")
    assert (first.files_changed, first.lines_added, first.lines_removed) == (1, 2, 0)
    assert await commits_of(repository, "9-9-none") == []


async def test_files_of_any_name_and_content(root: Path) -> None:
    for name in ODD_NAMES:
        (root / name).write_text("diff --git a/x b/x\n@@ -1 +1 @@\n-- a\n++ b\n")
    (root / "picture.png").write_bytes(bytes(range(256)) * 10)
    (root / "latin.txt").write_bytes(b"caf\xe9\n")
    repository, name = await committed(root)
    change = await change_of(repository, name)
    files = {file.path: file for file in change.files}
    assert set(ODD_NAMES) <= set(files)
    old, new = await ends_of(repository, name)
    for odd in ODD_NAMES:
        hunks = files[odd].hunks
        assert hunks is not None, odd
        assert hunks[0].lines == ["+diff --git a/x b/x", "+@@ -1 +1 @@", "+-- a", "+++ b"], odd
        assert (await file_between(repository, old, new, odd)).hunks == hunks
    assert files["picture.png"].binary
    assert files["picture.png"].hunks is None
    assert (await file_between(repository, old, new, "picture.png")).hunks is None
    latin = files["latin.txt"].hunks
    assert latin is not None
    assert latin[0].lines == ["+caf\N{REPLACEMENT CHARACTER}"]


async def test_large_files_come_when_they_are_asked_for_and_never_whole(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "large.txt").write_text("line\n" * (history.FOLDED_LINES + 1))
    (root / "long.txt").write_text("x" * 100_000)
    repository, name = await committed(root)
    files = {file.path: file for file in (await change_of(repository, name)).files}
    assert files["large.txt"].hunks is None
    long = files["long.txt"].hunks
    assert long is not None
    assert len(long[0].lines[0]) == history.LINE_CHARS + 1
    ends = await ends_of(repository, name)
    whole = await file_between(repository, *ends, "large.txt")
    assert sum(len(hunk.lines) for hunk in whole.hunks or []) == history.FOLDED_LINES + 1
    assert not whole.cut
    monkeypatch.setattr(history, "LINES_MAX", 100)
    part = await file_between(repository, *ends, "large.txt")
    assert part.cut
    assert sum(len(hunk.lines) for hunk in part.hunks or []) == 100
    monkeypatch.setattr(history, "BYTES_MAX", 400)
    assert (await file_between(repository, *ends, "large.txt")).cut


async def test_many_files_are_counted_where_they_are_not_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (root / f"{number}.txt").write_text("x\n")
    repository, name = await committed(root)
    monkeypatch.setattr(history, "FILES_MAX", 2)
    change = await change_of(repository, name)
    assert (len(change.files), change.left_out) == (2, 3)


async def test_a_merge_is_what_it_brought_to_its_branch(root: Path) -> None:
    main = git(root, "rev-parse", "--abbrev-ref", "HEAD")
    git(root, "checkout", "-qb", "other")
    (root / "other.txt").write_text("other\n")
    await committed(root, "other")
    git(root, "checkout", "-q", main)
    (root / "own.txt").write_text("own\n")
    await committed(root, "own")
    git(root, "merge", "-q", "--no-ff", "-m", "feat: story 1-2-login", "other")
    repository = await looking_at(root)
    change = await change_of(repository, git(root, "rev-parse", "HEAD"))
    assert [file.path for file in change.files] == ["other.txt"]
    assert [commit.files_changed for commit in await commits_of(repository, "1-2-login")] == [1]


async def test_no_program_that_the_repository_names_is_run(root: Path) -> None:
    proof = root.parent / "ran"
    (root / ".gitattributes").write_text("*.txt diff=evil\n")
    (root / "a.txt").write_text("a\n")
    repository, name = await committed(root)
    for key in ("diff.external", "diff.evil.command", "diff.evil.textconv"):
        git(root, "config", key, f"touch {proof};")
    files = (await change_of(repository, name)).files
    assert [hunk.lines for file in files if file.path == "a.txt" for hunk in file.hunks or []] == [["+a"]]
    assert not proof.exists()


async def test_what_is_not_there_is_said_and_looking_leaves_no_trace(root: Path) -> None:
    repository, name = await looking_at(root), git(root, "rev-parse", "HEAD")
    before = traces(root)
    for wrong in ("0" * 40, "HEAD", "main", "", "--help", name[:6] + "z"):
        with pytest.raises(NoSuchChange):
            await change_of(repository, wrong)
    ends = await ends_of(repository, name)
    for path in ("none.txt", "", "..", "src", ":/"):
        with pytest.raises(NoSuchChange):
            await file_between(repository, *ends, path)
    with pytest.raises(GitError):
        await change_between(repository, "0" * 40, name)
    assert traces(root) == before


async def test_the_change_since_a_snapshot(root: Path) -> None:
    repository = await looking_at(root)
    base = await repository.snapshot()
    (root / "src/app.py").write_text("one\n")
    (root / "untracked.txt").write_text("new\n")
    change = await change_between(repository, base, await repository.snapshot())
    assert [(file.path, file.added, file.removed) for file in change.files] == [
        ("src/app.py", 0, 1),
        ("untracked.txt", 1, 0),
    ]
