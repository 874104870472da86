"""Changes in git for the page: the commits of a story, and the diff of any change, file by file.

Read-only and bounded: of a huge change a part is read and the rest is reported as left out. No program that a
repository names is run for it (no external diff, no textconv); what is not text is named and never shown.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from git.process import TIMEOUT_S, GitError, alternates, clean_environment
from git.snapshots import Git

COMMITS_MAX: Final = 20  # of one story that are listed
FILES_MAX: Final = 1000  # of one change that are listed
FOLDED_LINES: Final = 300  # changed lines of a file that is larger than what is shown without being asked for
SHOWN_LINES: Final = 1500  # changed lines of all files of a change that are shown without being asked for
LINES_MAX: Final = 10_000  # of one file's change, context included
LINE_CHARS: Final = 2000  # of one line; minified files have one of a megabyte
BYTES_MAX: Final = 8 << 20  # of one answer of git that are read

_PLAIN: Final = ("--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative")
_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)")
_STATUS: Final = {"A": "added", "D": "deleted", "T": "type changed"}
_NUMBER: Final = re.compile(r"[0-9a-f]{4,64}")


class NoSuchChange(LookupError):
    """The requested commit, or the file of a commit, does not exist."""


class CommitInfo(msgspec.Struct, frozen=True):
    """One commit with the size of its change; `at` in ms since the epoch."""

    hash: str
    subject: str
    at: int
    author: str = ""
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0


class Hunk(msgspec.Struct, frozen=True):
    """Lines that belong together, each behind its sign (blank, +, -, or a backslash for git's own remark).

    `old` and `new` are the numbers of the first line before and after the change.
    """

    old: int
    new: int
    title: str
    lines: list[str]


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one file. `hunks` is None where they were not asked for; `cut` says that some are left out.

    Of a change that is made of several, `part` tells two changes of one file apart, and `makers` names what made this.
    """

    path: str
    status: str
    added: int
    removed: int
    binary: bool
    hunks: list[Hunk] | None = None
    cut: bool = False
    part: int = 1
    makers: list[str] = []


class TreeChange(msgspec.Struct, frozen=True):
    """All that is different between two trees; `left_out` files are not listed."""

    files: list[FileChange]
    left_out: int = 0


async def commits_of(git: Git, story_key: str, named: Sequence[str] = ()) -> list[CommitInfo]:
    """The newest commits that name the story, and those that an agent named as its own (and that exist).

    A merge that names it is one of them only where nothing else is: it repeats what it brings, of other stories too.
    """
    hashes = [commit.hash for commit in await git.commits_for(story_key, COMMITS_MAX)]
    for name in named:
        full = await _full(git, name)
        if full is not None and full not in hashes:
            hashes.append(full)
    if not hashes:
        return []
    form = "--format=%x01%H%x00%P%x00%ct%x00%an%x00%s"
    shown = ("log", "--no-walk=sorted", "--first-parent", "-m", "--numstat", form, *_PLAIN)
    output, _ = await _ask(git, *shown, *hashes, "--")
    found = [_commit(part) for part in _text(output).split("\x01")[1:]]
    return [commit for commit, merges in found if not merges] or [commit for commit, _ in found]


async def change_of(git: Git, commit: str) -> TreeChange:
    """What a commit changed against its first parent, with the lines of its small files. Raises `NoSuchChange`."""
    return await change_between(git, *await ends_of(git, commit))


async def ends_of(git: Git, commit: str) -> tuple[str, str]:
    """The names between which a commit's change lies; a first commit's begins at the empty tree."""
    full = await _full(git, commit)
    if full is None:
        raise NoSuchChange(f"there is no commit {commit}")
    output, _ = await _ask(git, "rev-list", "--parents", "--max-count=1", full)
    parents = _text(output).split()[1:]
    if parents:
        return parents[0], full
    output, _ = await _ask(git, "hash-object", "-t", "tree", "--stdin")
    return _text(output).strip(), full


async def change_between(git: Git, old: str, new: str) -> TreeChange:
    """Return the differences between two trees or commits; raises `GitError`."""
    output, cut = await _ask(git, "diff-tree", "-r", "--raw", "--numstat", "-z", *_PLAIN, old, new)
    files = _files(_text(output))
    shown = files[:FILES_MAX]
    small = _small(shown)
    if small:
        hunks = await _hunks(git, old, new, [file.path for file in small])
        lines = dict(zip((file.path for file in small), hunks, strict=True)) if len(hunks) == len(small) else {}
        shown = [_with(file, lines[file.path]) if file.path in lines else file for file in shown]
    return TreeChange(shown, len(files) - len(shown) + cut)


async def file_between(git: Git, old: str, new: str, path: str) -> FileChange:
    """The change of one file with its lines. Raises `NoSuchChange` where this path did not change."""
    output, _ = await _ask(git, "diff-tree", "-r", "--raw", "--numstat", "-z", *_PLAIN, old, new, "--", _literal(path))
    found = next((file for file in _files(_text(output)) if file.path == path), None)
    if found is None:
        raise NoSuchChange(f"{path} was not changed")
    if found.binary:
        return found
    parts = await _hunks(git, old, new, [path])
    return _with(found, [hunk for part in parts for hunk in part])


# -- reading what git says --------------------------------------------------------------------------------------


def _commit(part: str) -> tuple[CommitInfo, bool]:
    """Return a commit, and whether it is a merge."""
    head, _, rest = part.partition("\n")
    name, parents, at, author, subject = head.split("\x00", 4)
    rows = [row for line in rest.split("\n") if len(row := line.split("\t")) == 3]
    added = sum(int(row[0]) for row in rows if row[0].isdigit())
    removed = sum(int(row[1]) for row in rows if row[1].isdigit())
    return CommitInfo(name, subject, int(at) * 1000, author, len(rows), added, removed), " " in parents


def _files(output: str) -> list[FileChange]:
    """`--raw` gives each file's status, `--numstat` its size; a path can hold anything but a zero."""
    statuses: dict[str, str] = {}
    files = []
    parts = iter(output.split("\x00"))
    for part in parts:
        if part.startswith(":"):
            statuses[next(parts, "")] = part[-1]
        elif len(row := part.split("\t", 2)) == 3:
            added, removed, path = row
            files.append(
                FileChange(
                    path=path,
                    status=_STATUS.get(statuses.get(path, "M"), "modified"),
                    added=int(added) if added.isdigit() else 0,
                    removed=int(removed) if removed.isdigit() else 0,
                    binary=not added.isdigit(),
                )
            )
    return files


def _small(files: Sequence[FileChange]) -> list[FileChange]:
    """Those whose lines are read at once: none is large, and all together are not many."""
    chosen, lines = [], 0
    for file in files:
        size = file.added + file.removed
        if file.binary or file.status == "type changed" or size > FOLDED_LINES or lines + size > SHOWN_LINES:
            continue
        chosen.append(file)
        lines += size
    return chosen


async def _hunks(git: Git, old: str, new: str, paths: Sequence[str]) -> list[list[Hunk]]:
    """For each file, in git's order, what changed in it."""
    literal = [_literal(path) for path in paths]
    output, cut = await _ask(git, "diff-tree", "-r", "-p", "-U3", *_PLAIN, old, new, "--", *literal)
    lines = output.split(b"\n")
    if cut and lines:
        lines.pop()  # it may be half a line
    parts: list[list[Hunk]] = []
    for line in lines:
        if line.startswith(b"diff --git "):
            parts.append([])
        elif parts:
            _take(parts[-1], line)
    return parts


def _take(hunks: list[Hunk], line: bytes) -> None:
    if (match := _HUNK.match(line)) is not None:
        hunks.append(Hunk(int(match[1]), int(match[2]), _text(match[3])[:LINE_CHARS], []))
    elif hunks and line[:1] in (b" ", b"+", b"-", b"\\"):
        text = _text(line[: 4 * LINE_CHARS])
        hunks[-1].lines.append(text if len(text) <= LINE_CHARS else text[:LINE_CHARS] + "…")


def _with(file: FileChange, hunks: list[Hunk]) -> FileChange:
    """The file with its lines, as many as a page bears."""
    left, kept = LINES_MAX, []
    for hunk in hunks:
        if left <= 0:
            break
        kept.append(msgspec.structs.replace(hunk, lines=hunk.lines[:left]))
        left -= len(hunk.lines)
    message = sum(line[:1] in ("+", "-") for hunk in kept for line in hunk.lines)
    return msgspec.structs.replace(file, hunks=kept, cut=message < file.added + file.removed)


# -- asking git -------------------------------------------------------------------------------------------------


async def _full(git: Git, name: str) -> str | None:
    """The whole hash of a commit that is named by a hash, whole or abbreviated; None for anything else."""
    if not _NUMBER.fullmatch(name):
        return None
    try:
        output, _ = await _ask(git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError:
        return None
    found = _text(output).strip()
    return found if found.startswith(name) else None  # and not a branch whose name looks like a hash


async def _ask(git: Git, *arguments: str) -> tuple[bytes, bool]:
    """Return the output of git, at most `BYTES_MAX`, and whether there was more. Raises `GitError`."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *("-c", "core.quotePath=false", "-c", f"core.hooksPath={os.devnull}"),
        *arguments,
        cwd=git.root,
        env={
            **clean_environment(),
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(git.objects),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, cut = b"", False
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, cut = await _bounded(process.stdout)
            if not cut:
                await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # it has ended in this very moment
                process.kill()
            await process.wait()
    if process.returncode != 0 and not cut:
        raise GitError(f"git {arguments[0]}: exit code {process.returncode}")
    return output, cut


async def _bounded(stream: asyncio.StreamReader | None) -> tuple[bytes, bool]:
    parts, size = [], 0
    while stream is not None and (chunk := await stream.read(1 << 16)):
        parts.append(chunk)
        size += len(chunk)
        if size > BYTES_MAX:
            return b"".join(parts)[:BYTES_MAX], True
    return b"".join(parts), False


def _literal(path: str) -> str:
    return f":(top,literal){path}"


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
