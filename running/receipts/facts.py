"""What git says of the commit of a receipt, as the judgement takes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from git.commit_facts import CommitObject, base_tree_of, difference, read_commit
from git.process import ask_git
from receipts.judgement import CommitFacts
from receipts.model import TRAILER

_TRAILER: Final = re.compile(rf"^{TRAILER}:[ \t]*(\S+)[ \t]*$", re.MULTILINE)


async def facts_of(root: Path, name: str, merge: str | None = None) -> CommitFacts | None:
    """Return the facts of a commit; None where there is none. `merge` is one that is said to hold it."""
    commit = await read_commit(root, name)
    return None if commit is None else await _facts(root, commit, merge)


async def _facts(root: Path, commit: CommitObject, merge: str | None) -> CommitFacts:
    base_tree = await base_tree_of(root, commit)
    change = None if base_tree is None else await difference(root, base_tree, commit.tree)
    return CommitFacts(
        hash=commit.hash,
        object_format=commit.object_format,
        parents=commit.parents,
        tree=commit.tree,
        base_tree=base_tree,
        diff_sha256=None if change is None else change.sha256,
        files=None if change is None else change.files,
        submodules=() if change is None else change.submodules,
        trailers=tuple(_TRAILER.findall(commit.message)),
        merged=None if merge is None else await _holds(root, merge, commit.hash),
    )


async def _holds(root: Path, merge: str, commit: str) -> bool:
    return await ask_git(root, "merge-base", "--is-ancestor", commit, merge) is not None
