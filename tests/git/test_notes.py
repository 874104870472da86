"""Notes in a ref of our own: added beside those of others, by compare and swap, whatever git does with the tree."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import git.notes
from git.notes import REF, NoteRefused, add_to_note, read_note, read_notes
from tests.git.repositories import IDENTITY, make
from tests.git.repositories import git as ask


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)


async def test_a_note_is_what_git_notes_shows(tmp_path: Path) -> None:
    root = make(tmp_path / "x")
    head, status = ask(root, "rev-parse", "HEAD"), ask(root, "status", "--porcelain", "--ignored")
    assert await read_note(root, head) == ""
    assert await read_notes(root) == {}
    assert await add_to_note(root, head, ["one", "two ü"])
    assert ask(root, "notes", "--ref=sprint-runner", "show", head) == "one\ntwo ü"
    assert not await add_to_note(root, head, ["two ü"])
    assert await add_to_note(root, head, ["three"])
    assert await read_note(root, head) == "one\ntwo ü\nthree\n"
    assert await read_notes(root) == {head: "one\ntwo ü\nthree\n"}
    assert ask(root, "status", "--porcelain", "--ignored") == status
    assert ask(root, "rev-list", "--count", REF) == "2"


async def test_notes_of_others_stay_as_they_are(tmp_path: Path) -> None:
    root = make(tmp_path / "x")
    head = ask(root, "rev-parse", "HEAD")
    ask(root, "notes", "--ref=sprint-runner", "add", "-m", "somebody's own", head)
    ask(root, "notes", "add", "-m", "of another kind", head)
    await asyncio.gather(*(add_to_note(root, f"{number:02x}" * 20, [f"line {number}"]) for number in range(4)))
    others = {f"{number:02x}" * 20: f"line {number}\n" for number in range(4)}
    assert await add_to_note(root, head, ["ours"])
    assert await read_notes(root) == {**others, head: "somebody's own\nours\n"}
    assert ask(root, "notes", "show", head) == "of another kind"


@pytest.mark.parametrize("levels", [0, 1, 2])
async def test_a_note_is_found_in_the_folders_that_git_makes(tmp_path: Path, levels: int) -> None:
    root = make(tmp_path / "x")
    head, blob = ask(root, "rev-parse", "HEAD"), ask(root, "rev-parse", "HEAD:src/app.py")
    path = "/".join((*(head[2 * n : 2 * n + 2] for n in range(levels)), head[2 * levels :]))
    ask(root, "read-tree", "--empty")
    ask(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    made = ask(root, "commit-tree", ask(root, "write-tree"), "-m", "notes")
    ask(root, "update-ref", REF, made)
    assert await read_note(root, head) == "one\ntwo\n"
    assert await add_to_note(root, head, ["ours"])
    assert ask(root, "notes", "--ref=sprint-runner", "show", head) == "one\ntwo\nours"
    assert ask(root, "ls-tree", "-r", "--name-only", REF) == path


async def test_who_moves_the_ref_first_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path / "x")
    head = ask(root, "rev-parse", "HEAD")
    move = git.notes._move
    moved: list[str | None] = []

    async def late(root: Path, tip: str | None, made: str) -> bool:
        if not moved:
            moved.append(tip)
            ask(root, "notes", "--ref=sprint-runner", "add", "-m", "first", head)
        return await move(root, tip, made)

    monkeypatch.setattr(git.notes, "_move", late)
    assert await add_to_note(root, head, ["ours"])
    assert await read_note(root, head) == "first\nours\n"


async def test_a_lock_that_stays_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path / "x")
    head = ask(root, "rev-parse", "HEAD")
    await add_to_note(root, head, ["one"])
    (root / ".git" / f"{REF}.lock").touch()
    monkeypatch.setattr(git.notes, "WAIT_S", 0.0)
    monkeypatch.setattr(git.notes, "TRIES", 3)
    with pytest.raises(NoteRefused, match="locked"):
        await add_to_note(root, head, ["two"])


async def test_two_clones_join_their_notes(tmp_path: Path) -> None:
    root = make(tmp_path / "x")
    head = ask(root, "rev-parse", "HEAD")
    ask(tmp_path, "clone", "-q", str(root), str(tmp_path / "y"))
    await add_to_note(root, head, ["from x"])
    await add_to_note(tmp_path / "y", head, ["from y"])
    ask(tmp_path / "y", "fetch", "-q", "origin", f"{REF}:refs/notes/theirs")
    ask(tmp_path / "y", "notes", "--ref=sprint-runner", "merge", "-q", "-s", "cat_sort_uniq", "refs/notes/theirs")
    assert await read_note(tmp_path / "y", head) == "from x\nfrom y\n"
