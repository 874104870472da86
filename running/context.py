"""The project's context file, which every agent reads first: created if it is missing, refreshed if it is old."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from pathlib import Path

import sprint
from running import command_specs
from running.command import Commander
from running.run_context import RunContext
from running.spec import Say
from running.workspace import Workspace

REFRESH = "context-refresh"


class ContextMissing(RuntimeError):
    """The context file could not be created; the batch cannot start without it."""


class ContextNeed(Enum):
    """What the context file needs before a batch."""

    NOTHING = auto()
    CREATE = auto()
    REFRESH = auto()


async def context_need(workspace: Workspace) -> ContextNeed:
    """Return what the context file needs now. One that the project keeps elsewhere is the project's own matter."""
    path = _path(workspace)
    # BMAD since 6.11 keeps this text in AGENTS.md, which agents read by themselves.
    if await asyncio.to_thread(sprint.context_file, workspace.project) not in (None, path):
        return ContextNeed.NOTHING
    age_s = await asyncio.to_thread(_age, path, workspace.clock())
    if age_s is None:
        return ContextNeed.CREATE
    is_old = age_s > workspace.settings().project_context_max_age_hours * 3600
    return ContextNeed.REFRESH if is_old else ContextNeed.NOTHING


def context_name(workspace: Workspace) -> str:
    """Return the path of the context file that a batch writes, as prompts name it."""
    return workspace.relative(_path(workspace))


def _path(workspace: Workspace) -> Path:
    return workspace.project.output / command_specs.CONTEXT_NAME


async def ensure_context(context: RunContext) -> None:
    """Missing: create and wait. Older than the setting, strictly: refresh beside the run. Else continue.

    Raises `ContextMissing`, `Stopped`.
    """
    workspace, commander, background = context.workspace, context.commander, context.background
    need = await context_need(workspace)
    if need is ContextNeed.CREATE:
        await _create(workspace, commander, _path(workspace))
    elif need is ContextNeed.REFRESH and not background.runs(REFRESH):  # that of the previous batch may still run
        work = _refresh(commander)
        background.start(REFRESH, work, batch_id=commander.batch_id, story_key=None)


async def _create(workspace: Workspace, commander: Commander, path: Path) -> None:
    name = workspace.relative(path)

    async def missing_file(_verdict: object, _say: Say) -> str | None:
        return None if await asyncio.to_thread(path.is_file) else f"{name} was not written"

    result = await commander.perform(command_specs.create_context(name, missing_file))
    if not result.ok:
        raise ContextMissing(f"{name} could not be created: {result.reason}")


async def _refresh(commander: Commander) -> str:
    """Refresh the file in the background; the old one stays usable, and a failure does not affect the run."""
    result = await commander.perform(command_specs.refresh_context())
    return "refreshed" if result.ok else result.reason


def _age(path: Path, now: float) -> float | None:
    """Return the seconds since the file was written, None if it does not exist."""
    try:
        return now - path.stat().st_mtime
    except OSError:
        return None
