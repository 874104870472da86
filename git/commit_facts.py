"""What a commit is, recomputed from its objects alone: its tree, its parents, and the hash of its change.

No setting of a user and no replacement of an object changes an answer, and nothing is fetched for it. What is hashed is
documented in docs/security.md, so that `git` and `sha256sum` alone give the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.process import NO_HOOKS, Calls, GitError, in_thread

# `-O/dev/null` and the rest undo what the settings of a user could change in the order or the number of lines.
DIFF: Final = (
    *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none"),
    *("--no-relative", "-O/dev/null"),
)
GITLINK: Final = "160000"  # the mode of a submodule
_ALONE: Final = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1"}


@dataclass(frozen=True, slots=True)
class CommitObject:
    """A commit as it is written. `parents` are those that it names, whether they are there or not."""

    hash: str
    object_format: str
    tree: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """The difference between two trees: the hash of its raw form, the number of files, the submodules in it."""

    sha256: str
    files: int
    submodules: tuple[str, ...]


async def read_commit(root: Path, name: str) -> CommitObject | None:
    """Return a commit by its hash, by a branch or by any other name of git's; None where there is none."""

    def work(calls: Calls) -> CommitObject | None:
        found = _ask(calls, root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found is None:
            return None
        text = _ask(calls, root, "cat-file", "commit", found.strip())
        kind = _ask(calls, root, "rev-parse", "--show-object-format") or "sha1"
        return None if text is None else _parsed(found.strip(), kind.strip(), text)

    return await in_thread(work)


async def base_tree_of(root: Path, commit: CommitObject) -> str | None:
    """Return the tree of the first parent, the empty one for a first commit; None where the parent is not there."""

    def work(calls: Calls) -> str | None:
        if not commit.parents:
            return calls.run(root, ("hash-object", "-t", "tree", "--stdin"), stdin=b"").strip()
        text = _ask(calls, root, "cat-file", "commit", commit.parents[0])
        return None if text is None else _parsed(commit.parents[0], commit.object_format, text).tree

    return await in_thread(work)


async def difference(root: Path, base_tree: str, end_tree: str) -> TreeDifference | None:
    """Return the difference between two trees; None where one of them is not there."""

    def work(calls: Calls) -> TreeDifference | None:
        text = _ask(calls, root, *DIFF, base_tree, end_tree, undecodable="surrogateescape")
        return None if text is None else _measured(text)

    return await in_thread(work)


def _parsed(name: str, object_format: str, text: str) -> CommitObject:
    head, _, message = text.partition("\n\n")
    rows = [line.partition(" ") for line in head.split("\n")]
    tree = next(value for key, _, value in rows if key == "tree")
    parents = tuple(value for key, _, value in rows if key == "parent")
    return CommitObject(name, object_format, tree, parents, message)


def _measured(text: str) -> TreeDifference:
    parts = text.split("\0")
    rows = [(parts[at].split(), parts[at + 1]) for at in range(0, len(parts) - 1, 2)]
    submodules = tuple(path for fields, path in rows if GITLINK in (fields[0].lstrip(":"), fields[1]))
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return TreeDifference(digest, len(rows), submodules)


def _ask(calls: Calls, root: Path, *arguments: str, undecodable: str = "replace") -> str | None:
    """Return what git prints, None where it refuses."""
    try:
        return calls.run(root, arguments, environment=_ALONE, options=NO_HOOKS, undecodable=undecodable)
    except GitError:
        return None
