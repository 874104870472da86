"""Notes beside commits in a ref of our own, written by plumbing.

Promises: only the note of the named commit changes, and only by lines that are added; the ref moves by compare and
swap, so that what another program added meanwhile is kept; work tree, index, branches and other refs stay as they are.
A note is lines, so that `git notes merge -s cat_sort_uniq` joins what two clones added.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from git.process import GitError, ask_git, run_git

REF: Final = "refs/notes/sprint-runner"
MESSAGE: Final = "Notes added by sprint-runner"
TRIES: Final = 20  # times that another program may move the ref first
LEVELS: Final = 3  # folders of two digits that a path of git's own notes may have
WAIT_S: Final = 0.05


class NoteRefused(GitError):
    """The note could not be written; the message holds git's words."""


async def read_note(root: Path, commit: str) -> str:
    """Return the note of a commit, "" without one. `commit` is a whole hash."""
    tip = await ask_git(root, "rev-parse", "--verify", "--quiet", f"{REF}^{{commit}}")
    return "" if tip is None else (await _note(root, tip, commit))[1]


async def read_notes(root: Path) -> dict[str, str]:
    """Return all notes, by the hash of their commit. Raises `GitError`."""
    if await ask_git(root, "rev-parse", "--verify", "--quiet", f"{REF}^{{commit}}") is None:
        return {}
    rows = (await run_git(root, ("ls-tree", "-r", "-z", "--full-tree", REF))).split("\0")
    entries = [(row.partition("\t")[0].split(), row.partition("\t")[2]) for row in rows if row]
    blobs = [(path.replace("/", ""), parts[2]) for parts, path in entries if parts[1] == "blob"]
    texts = await _contents(root, [blob for _, blob in blobs])
    return {commit: texts[blob] for commit, blob in blobs if blob in texts}


async def add_to_note(root: Path, commit: str, lines: Sequence[str]) -> bool:
    """Add the lines that the note of a commit does not have; whether there were any. Raises `GitError`."""
    for _ in range(TRIES):
        tip = await ask_git(root, "rev-parse", "--verify", "--quiet", f"{REF}^{{commit}}")
        path, text = ("", "") if tip is None else await _note(root, tip, commit)
        new = [line for line in lines if line not in text.split("\n")]
        if not new:
            return False
        before = text if not text or text.endswith("\n") else f"{text}\n"
        made = await _commit(
            root, tip, path or f"{commit[:2]}/{commit[2:]}", before + "".join(f"{line}\n" for line in new)
        )
        if await _move(root, tip, made):
            return True
        await asyncio.sleep(WAIT_S)
    raise NoteRefused(f"git update-ref: {REF} is moved by another program again and again, or is locked")


def _paths(commit: str) -> list[str]:
    """Return the paths that a note may have: git moves it into folders when there are many."""
    return [
        "/".join((*(commit[2 * n : 2 * n + 2] for n in range(level)), commit[2 * level :]))
        for level in range(LEVELS + 1)
    ]


async def _note(root: Path, tip: str, commit: str) -> tuple[str, str]:
    """Return the path and the text of a commit's note; two empty texts without one."""
    rows = await run_git(root, ("ls-tree", "-r", "-z", "--full-tree", tip, "--", *_paths(commit)))
    for row in rows.split("\0"):
        parts, _, path = row.partition("\t")
        if row and parts.split()[1] == "blob":
            return path, await run_git(root, ("cat-file", "blob", parts.split()[2]), undecodable="surrogateescape")
    return "", ""


async def _commit(root: Path, tip: str | None, path: str, text: str) -> str:
    """Return a commit of the notes with one of them changed; nothing names it yet."""
    content = text.encode(errors="surrogateescape")
    blob = (await run_git(root, ("hash-object", "-w", "--stdin"), stdin=content)).strip()
    with tempfile.TemporaryDirectory(prefix="sprint-runner-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        base = ("--empty",) if tip is None else (tip,)
        await run_git(root, ("read-tree", *base), environment=environment)
        entry = f"100644,{blob},{path}"
        await run_git(root, ("update-index", "--add", "--cacheinfo", entry), environment=environment)
        tree = (await run_git(root, ("write-tree",), environment=environment)).strip()
    parents = () if tip is None else ("-p", tip)
    return (await run_git(root, ("commit-tree", tree, *parents, "-m", MESSAGE))).strip()


async def _move(root: Path, tip: str | None, made: str) -> bool:
    """Whether the ref was still at `tip`, and is at `made` now."""
    try:
        await run_git(root, ("update-ref", "-m", MESSAGE, REF, made, tip or "0" * len(made)))
    except GitError as error:
        if "lock" in str(error) or "expected" in str(error) or "already exists" in str(error):
            return False
        raise
    return True


async def _contents(root: Path, blobs: Sequence[str]) -> dict[str, str]:
    """Return the texts of blobs by their names, read by one call."""
    answer = await run_git(
        root,
        ("cat-file", "--batch"),
        stdin="".join(f"{blob}\n" for blob in blobs).encode(),
        undecodable="surrogateescape",
    )
    data, at, found = answer.encode(errors="surrogateescape"), 0, {}
    while at < len(data):
        end = data.index(b"\n", at)
        name, kind, *size = data[at:end].decode(errors="replace").split()
        at = end + 1
        if kind == "blob":
            found[name] = data[at : at + int(size[0])].decode(errors="replace")
        at += int(size[0]) + 1 if size else 0
    return found
