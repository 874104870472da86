"""The search for the repository that a folder is in.

Silence of git must not be taken for "nothing to prove": it is in none only where git itself says so.
"""

from __future__ import annotations

import os
from pathlib import Path

from git.process import GitError, GitUnusable, run_git


async def find_prefix(root: Path) -> str | None:
    """Return the way from the top of the folder's repository to it, "" or "part/of/it/"; None where it is in none.

    Raises `GitUnusable` for every other answer: a repository of another owner, a git that is not installed, a
    damaged one.
    """
    try:
        answer = await run_git(root, ("rev-parse", "--is-inside-work-tree", "--show-prefix"))
    except OSError as error:
        if not has_repository(root):
            return None
        raise GitUnusable(
            f"{root} is in a git repository, but git cannot be started ({error.strerror}): install it, or put it on"
            " the PATH of the server"
        ) from None
    except (GitError, TimeoutError) as error:
        if "not a git repository" in str(error) and not has_repository(root):
            return None
        raise GitUnusable(_advice(root, str(error) or "no answer")) from None
    inside, _, prefix = answer.partition("\n")
    if inside != "true":
        raise GitUnusable(f"{root} is inside a git folder, not in a work tree: name the project's own folder")
    return prefix.rstrip("\n")


def has_repository(root: Path) -> bool:
    """Whether the folder or one above it has a `.git`, whatever git says of it."""
    return any(os.path.lexists(folder / ".git") for folder in (root, *root.parents))


def _advice(root: Path, message: str) -> str:
    if "dubious ownership" in message:
        return (
            f"git refuses the repository of {root}, since it belongs to another user: run"
            f" `git config --global --add safe.directory {root}` as the user of the server, or give the folder to them"
        )
    return (
        f"git cannot answer for {root}: {message.splitlines()[0] if message else message}: fix that, then start again"
    )
