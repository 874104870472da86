"""The project's context file, which every agent reads first: created if it is missing, refreshed if it is old."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sprint
from payloads import ContextCreate, ContextRefresh
from running.command import Commander
from running.run_context import RunContext
from running.spec import CommandSpec, ContextEvents, Say
from running.workspace import Workspace

REFRESH = "context-refresh"


class ContextMissing(RuntimeError):
    """The context file could not be created; the batch cannot start without it."""


async def ensure_context(context: RunContext) -> None:
    """Missing: create and wait. Older than the setting, strictly: refresh beside the run. Else continue.

    One that the project keeps elsewhere, or an AGENTS.md, is the project's own matter. Raises `ContextMissing`,
    `Stopped`.
    """
    workspace, commander, background = context.workspace, context.commander, context.background
    path = workspace.project.output / "project-context.md"
    # BMAD since 6.11 keeps this text in AGENTS.md, which agents read by themselves.
    if await asyncio.to_thread(sprint.context_file, workspace.project) not in (None, path):
        return
    age_s = await asyncio.to_thread(_age, path, workspace.clock())
    if age_s is None:
        await _create(workspace, commander, path)
    elif background.runs(REFRESH):
        return  # the refresh of the previous batch is still running
    elif age_s > workspace.settings().project_context_max_age_hours * 3600:
        work = _refresh(commander)
        background.start(REFRESH, work, batch_id=commander.batch_id, story_key=None)


async def _create(workspace: Workspace, commander: Commander, path: Path) -> None:
    name = workspace.relative(path)
    events = ContextEvents(ContextCreate(status="running", message=f"writing {name}"), name)

    async def missing_file(_verdict: object, _say: Say) -> str | None:
        return None if await asyncio.to_thread(path.is_file) else f"{name} was not written"

    products = (path.name,)
    result = await commander.perform(
        CommandSpec(
            "create-project-context", (), read=_anything, disprove=missing_file, context=events, products=products
        )
    )
    if not result.ok:
        raise ContextMissing(f"{name} could not be created: {result.reason}")


async def _refresh(commander: Commander) -> str:
    """Refresh the file in the background; the old one stays usable, and a failure does not affect the run."""
    begun = ContextRefresh(status="running", message="refreshing the project context")
    events = ContextEvents(begun, "project-context.md")
    spec = CommandSpec("refresh-project-context", (), read=_anything, light=True, background=True, context=events)
    result = await commander.perform(spec)
    return "refreshed" if result.ok else result.reason


def _anything(text: str) -> str:
    return text[-200:]


def _age(path: Path, now: float) -> float | None:
    """Return the seconds since the file was written, None if it does not exist."""
    try:
        return now - path.stat().st_mtime
    except OSError:
        return None
