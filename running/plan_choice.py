"""The plan that the server works with, and its replacement between batches: made of epics, found, or chosen.

A batch keeps the plan that it began with: nothing here may be called while one runs.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Literal

import sprint
from payloads import PlanChange, or_unset
from running.plan_pin import is_other_initiative, pin_name
from running.preflight import NotNow
from running.workspace import Workspace, emit_durable
from store.meta import get_meta

Reason = Literal["made", "found", "initiative"]


def located(workspace: Workspace) -> sprint.Project | None:
    """Return the project as it would be found now, None without a plan. Blocks on the disk."""
    settings, root = workspace.settings(), workspace.project.root
    try:
        project = sprint.locate(root, settings.tracker, settings.initiative)
    except sprint.ProjectNotFound:
        return None
    # Records, lock and settings belong to the folder that the server was started for.
    return project if project.root == root else None


def initiative_of(project: sprint.Project) -> str | None:
    """Return the name of the initiative whose tickets are the plan; None for other plans. Blocks on the disk."""
    if project.kind is not sprint.PlanKind.TICKETS:
        return None
    found = sprint.read_initiatives(project.tracker.parent).of(project.tracker)
    return None if found is None else found.name


async def check_plan(workspace: Workspace, batch_id: int) -> None:
    """A batch continues only with the plan that it was started on. Raises `NotNow`."""
    pinned = await workspace.database.read(get_meta, pin_name(batch_id))
    shown = workspace.relative(workspace.project.tracker)
    if pinned is None or pinned == shown:
        return
    remedy = f"name {pinned} in the setting tracker and start the server again"
    if is_other_initiative(pinned, shown):
        remedy = "choose that initiative again"
    raise NotNow(
        "plan",
        f"the batch was started on {pinned}, and the project shows {shown} now: {remedy}, or start a new batch",
    )


class PlanChoice:
    """The plan of one server. Promises: a plan is replaced as a whole, and its replacement is an event."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        # The setting that the present plan was chosen by; another value counts from the next batch on.
        self._initiative = workspace.settings().initiative

    async def make_tracker(self, expected: str) -> sprint.Project:
        """Write the tracker that was shown, and use it. Raises `NotNow`, `sprint.Refused`, `sprint.Conflict`."""
        project = self._workspace.project
        if project.kind is not sprint.PlanKind.NONE:
            raise NotNow("planned", f"the project has a plan already: {self._workspace.relative(project.tracker)}")
        await asyncio.to_thread(sprint.make_tracker, project, date.today(), expected)
        if not await self.adopt("made"):
            raise NotNow("plan", f"{project.tracker} is written, but is not found as the plan: start the server again")
        return self._workspace.project

    async def adopt(self, reason: Reason = "found") -> bool:
        """Use a plan that has come to a project without one; return whether there is one."""
        if self._workspace.project.kind is not sprint.PlanKind.NONE:
            return False
        project = await asyncio.to_thread(located, self._workspace)
        if project is None:
            return False
        await self._use(project, reason)
        return True

    async def follow_settings(self) -> None:
        """Use the initiative that the settings name, if they name another one than before. Raises `NotNow`."""
        wanted = self._workspace.settings().initiative
        if wanted == self._initiative:
            return
        project = await asyncio.to_thread(located, self._workspace)
        if project is None:
            raise NotNow("initiative", f"there is no initiative {wanted!r}: choose another one in the settings")
        self._initiative = wanted
        if project.tracker != self._workspace.project.tracker:
            await self._use(project, "initiative")

    async def _use(self, project: sprint.Project, reason: Reason) -> None:
        self._workspace.project = project
        initiative = await asyncio.to_thread(initiative_of, project)
        shown = self._workspace.relative(project.tracker)
        await emit_durable(
            PlanChange(tracker=shown, kind=project.kind.value, reason=reason, initiative=or_unset(initiative))
        )
