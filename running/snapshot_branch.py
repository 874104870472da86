"""The files as they were before a command, as a new branch."""

from __future__ import annotations

import re
from typing import Final

from git.kept_tree import BranchExists, branch_from, is_branch_name
from git.process import GitError
from git.worktrees import Repository
from running.preflight import BadRequest, NotNow
from running.workspace import Workspace
from store.commands import Command
from store.stories import get_story

_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+|\.{2,}")


def proposed_branch(command: Command) -> str | None:
    """Return a name for the branch from before a command; None where no snapshot was taken."""
    if command.tree_before is None:
        return None
    key = _UNFIT.sub("-", command.story_key).strip("-.") or "story"
    return f"before/{key}-{command.command}-{command.id}"


async def branch_before(workspace: Workspace, command: Command, name: str | None) -> tuple[str, str]:
    """Make the branch; return its name and its commit. Raises `BadRequest` and `NotNow`, then nothing was made."""
    branch = name or proposed_branch(command)
    if workspace.git is None or command.tree_before is None or branch is None:
        raise NotNow("no_snapshot", f"no snapshot was taken before command {command.id}")
    repository = Repository.of(workspace.git)
    if not await is_branch_name(repository.root, branch):
        raise BadRequest("name", f"git takes no branch of the name {branch!r}")
    if await repository.tip(branch) is not None:
        raise NotNow("exists", f"there is a branch {branch} already: choose another name")
    try:
        await repository.existing(command.tree_before, ())
    except GitError:
        raise NotNow("no_snapshot", f"the snapshot before command {command.id} is not kept any more") from None
    row = None if command.story_id is None else await workspace.database.read(get_story, command.story_id)
    parent = await repository.commit((row and row.base_commit) or "HEAD")
    message = f"The work tree before {command.command} of {command.story_key} (command {command.id})"
    try:
        commit = await branch_from(repository, command.tree_before, parent, branch, message)
    except BranchExists:
        raise NotNow("exists", f"there is a branch {branch} already: choose another name") from None
    except GitError as error:
        raise NotNow("git", workspace.masker.text(f"git refused the branch: {error}")) from None
    return branch, commit
