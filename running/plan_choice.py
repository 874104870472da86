"""The plan that the server works with, and its replacement between batches: made of epics, found, or chosen.

A batch keeps the plan that it began with: nothing here may be called while one runs.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date
from typing import Final, Literal

import sprint
from payloads import PlanChange, or_unset
from running.plan_pin import is_other_initiative, pin_name
from running.preflight import NotNow
from running.workspace import Workspace, emit_durable, until_stored
from store.meta import get_meta, set_meta

CHOSEN: Final = "initiative"  # the name under which the choice is kept

log = logging.getLogger("sprint_runner.run")

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

    async def restore(self) -> None:
        """Use the initiative that was chosen before this server started; one that is gone does not count."""
        name = await self.chosen()
        if name is None or self.fixed() is not None:
            return
        try:
            self._workspace.project = await asyncio.to_thread(sprint.locate, self._workspace.project.root, None, name)
        except sprint.ProjectNotFound as error:
            log.warning("the initiative that was chosen is not used: %s", error)

    async def chosen(self) -> str | None:
        """Return the initiative that the operator has chosen; None for that of BMAD's configuration."""
        return await self._workspace.database.read(get_meta, CHOSEN) or None

    def fixed(self) -> str | None:
        """Return why no initiative can be chosen; None where one can."""
        settings = self._workspace.settings()
        named = next((name for name in ("tracker", "initiative") if getattr(settings, name) is not None), None)
        return None if named is None else f"The setting {named} names the plan, and counts before a choice made here."

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

    async def choose(self, name: str | None) -> None:
        """Use an initiative, None for that of BMAD's configuration, and remember it. Raises `NotNow`.

        It is kept with the project's records: BMAD's own configuration and the settings file belong to the user.
        """
        if (fixed := self.fixed()) is not None:
            raise NotNow("fixed", fixed)
        workspace = self._workspace
        try:
            project = await asyncio.to_thread(sprint.locate, workspace.project.root, None, name)
        except sprint.ProjectNotFound as error:
            raise NotNow("initiative", str(error)) from None
        if project.root != workspace.project.root:
            raise NotNow("initiative", f"the plan would be that of {project.root}: start a server there")
        await until_stored(lambda: workspace.database.write(set_meta, CHOSEN, name or ""))
        if project.tracker != workspace.project.tracker:
            await self._use(project, "initiative")

    async def _use(self, project: sprint.Project, reason: Reason) -> None:
        self._workspace.project = project
        initiative = await asyncio.to_thread(initiative_of, project)
        shown = self._workspace.relative(project.tracker)
        await emit_durable(
            PlanChange(tracker=shown, kind=project.kind.value, reason=reason, initiative=or_unset(initiative))
        )
