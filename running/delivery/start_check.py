"""What a delivery needs, checked before a batch pays for work that could not be delivered."""

from __future__ import annotations

import asyncio
from typing import Final

from git.process import ask_git
from git.worktrees import Repository
from running.delivery.branches import BadName, branch_name, subject_of
from running.delivery.mending import is_to_mend
from running.delivery.remote import SAFE_NAME, missing_remote
from running.preflight import GIT_NEEDED, NotNow
from running.verify import missing_program
from running.workspace import Workspace
from settings import Settings
from store.deliveries import REQUEST, get_open_deliveries

PROGRAMS: Final = ("pull_request_command", "pull_request_lookup_command", "checks_command", "merge_command")


async def check_delivery(workspace: Workspace) -> list[str]:
    """Check that finished work can be delivered as it is set; return warnings. Raises `NotNow`."""
    settings = workspace.settings()
    if settings.deliver == "commit":
        return []
    why = _contradiction(settings) or await _unfit(workspace, settings) or await _missing(workspace, settings)
    if why is not None:
        raise NotNow("deliver", f"work cannot be delivered: {why}, or set deliver: commit")
    return await _warnings(workspace, settings)


async def mending_due(workspace: Workspace) -> bool:
    """Whether a batch has something to mend, even where no story can run."""
    return any(is_to_mend(row) for row in await workspace.database.read(get_open_deliveries))


def _contradiction(settings: Settings) -> str | None:
    """Return which settings miss each other."""
    if settings.deliver == REQUEST and settings.pull_request_command is None:
        return "deliver: pull-request needs pull_request_command"
    if settings.merge_when != "never" and (settings.merge_command is None or settings.checks_command is None):
        return f"merge_when: {settings.merge_when} needs merge_command and checks_command"
    if settings.deliver_base is not None and SAFE_NAME.fullmatch(settings.deliver_base) is None:
        return f"deliver_base {settings.deliver_base!r} is no branch's name"
    return None


async def _unfit(workspace: Workspace, settings: Settings) -> str | None:
    """Return why the repository cannot deliver."""
    if workspace.git is None:
        return "the project is not a git repository"
    repository = Repository.of(workspace.git)
    if await ask_git(workspace.project.root, "remote", "get-url", "--", settings.remote) is None:
        return missing_remote(settings.remote)
    try:
        subject = subject_of(settings.deliver_per, "1-1-a", "1")
        name = await branch_name(workspace, subject=subject, key="1-1-a", epic="1", batch_id=1)
    except BadName as error:
        return str(error)
    if name == settings.deliver_base:
        return f"deliver_branch and deliver_base are both {name}: change one of them"
    mends = settings.deliver == REQUEST and settings.checks_command is not None and settings.deliver_rounds > 0
    return await _cannot_mend(repository) if mends else None


async def _cannot_mend(repository: Repository) -> str | None:
    """Return why failed checks could not be mended, which is done in a worktree."""
    if await repository.version() < GIT_NEEDED:
        return f"rounds for failed checks need git {'.'.join(map(str, GIT_NEEDED))} or newer: install it"
    if await repository.has_submodules():
        return "rounds for failed checks need a worktree, which does not share submodules: set deliver_rounds: 0"
    return None


async def _missing(workspace: Workspace, settings: Settings) -> str | None:
    """Return which program of a template is not there."""
    for name in PROGRAMS if settings.deliver == REQUEST else ():
        line = getattr(settings, name)
        why = None if line is None else await asyncio.to_thread(missing_program, line, workspace.project.root)
        if why is not None:
            return f"{name}: {why.replace('the check ', '').replace('change verify', 'change the setting')}"
    return None


async def _warnings(workspace: Workspace, settings: Settings) -> list[str]:
    """Name what an operator may not expect: the commits are on the checked-out branch before anything is merged."""
    root = workspace.project.root
    here = await ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    default = await ask_git(root, "symbolic-ref", "--quiet", "--short", f"refs/remotes/{settings.remote}/HEAD")
    base = settings.deliver_base or (default or "").removeprefix(f"{settings.remote}/")
    if here is None or here != base:
        return []
    return [
        f"finished stories are committed on {here} here as well, before their requests for {base} are merged: to keep"
        f" {here} as it is, check out another branch before the start"
    ]
