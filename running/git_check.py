"""What git must be able to do before a batch starts: answer, have no unfinished operation, and make a commit.

The repository is looked for anew each time, since a person may have made, fixed or broken it meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from git.commits import try_commit, try_filters
from git.head import HeadState, head_state
from git.process import GitError, GitUnusable
from git.snapshot_index import UNTRACKED_MAX_BYTES
from git.snapshots import Git
from payloads import BatchWarning
from running.disk import take_snapshot
from running.preflight import NotNow
from running.repository import refresh_git
from running.workspace import Workspace, emit_durable
from workflow import PhaseKind, Preset

SHOWN_PATHS: Final = 5  # of files that are named


async def check_repository(workspace: Workspace) -> HeadState | None:
    """Return the state of HEAD, None without a repository. Raises `NotNow` where git cannot be relied on."""
    try:
        await refresh_git(workspace)
        state = None if workspace.git is None else await head_state(workspace.project.root)
    except GitUnusable as unusable:
        raise NotNow("git", str(unusable)) from None
    except GitError as error:
        raise NotNow("git", f"git cannot say which branch is checked out: {error}") from None
    if state is not None and state.operation is not None:
        raise NotNow("git", f"{state.operation} is under way in the work tree: finish or abort it, then start again")
    return state


async def check_commits(workspace: Workspace, preset: Preset) -> None:
    """Git can commit what stories will change: it knows the user, can sign, and finds its filters. Raises `NotNow`."""
    if workspace.git is None or all(phase.kind is not PhaseKind.COMMIT for phase in preset.phases):
        return
    root = workspace.project.root
    try:
        await try_commit(root, workspace.data_dir)
    except GitError as error:
        raise NotNow("git", f"git cannot commit here, fix that first: {error}") from None
    try:
        await try_filters(root)
    except GitError as error:
        raise NotNow("git", f"a filter that .gitattributes names does not work, fix that first: {error}") from None


async def warn_of_blind_spots(workspace: Workspace, batch_id: int) -> None:
    """Report once, at the batch's start, what git will not commit: nested repositories and large new files."""
    git = workspace.git
    if git is None:
        return
    await take_snapshot(git)
    # git commits the hash of a submodule, so its changes are not lost like those of a nested repository.
    submodules = set(await asyncio.to_thread(_submodules, git))
    for message in (_nested(git.nested - submodules), _large(git.left_out)):
        if message:
            await emit_durable(BatchWarning(batch_id=batch_id, warning_type="git", message=message))


def _submodules(git: Git) -> list[str]:
    """The paths that `.gitmodules` names; none where it cannot be read."""
    try:
        lines = (git.top / ".gitmodules").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [value.strip() for name, _, value in (line.partition("=") for line in lines) if name.strip() == "path"]


def _nested(paths: Collection[str]) -> str:
    if not paths:
        return ""
    return (
        f"{_named(paths)}: a repository inside this one; changes there count as a story's work, but they are not"
        " committed: commit them there"
    )


def _large(paths: Collection[str]) -> str:
    if not paths:
        return ""
    size = f"{UNTRACKED_MAX_BYTES >> 20} MiB"
    return f"{_named(paths)}: new and larger than {size}, so changes to it are not seen: commit it, or ignore it"


def _named(paths: Collection[str]) -> str:
    more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
    return ", ".join(sorted(paths)[:SHOWN_PATHS]) + more
