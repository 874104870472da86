"""What the run's snapshot shows beside events: the plan in numbers, what the day has cost, the agent.

A small loop looks at the tracker's age and the ledger; it reads and never writes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import agents
import sprint
from db import cost_since
from hub import Hub
from running.budget import today_ms
from running.workspace import Workspace
from runstate import AgentView, Limits, Plan, ProjectView, RunState

EVERY_S: Final = 1.0

log = logging.getLogger("sprint_runner.upkeep")


class Upkeep:
    """Keeps those parts of the snapshot true while the server runs."""

    def __init__(self, workspace: Workspace, run_state: RunState, hub: Hub) -> None:
        self._workspace = workspace
        self._run = run_state.run
        self._hub = hub
        self._tracker_at = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fill in everything once, then keep it up."""
        project = self._workspace.project
        tracker = self._workspace.relative(project.tracker)
        self._run.project = ProjectView(name=project.name, root=str(project.root), tracker=tracker)
        await self._ask_agent()
        await self._look()
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask_agent(self) -> None:
        spec = self._workspace.agents[self._workspace.settings().agent]
        found = await agents.preflight(spec)
        self._run.agent = AgentView(name=spec.name, kind=spec.kind, version=found.version, problem=found.problem)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._look()
            except Exception:
                log.exception("the snapshot could not be kept up; trying again")

    async def _look(self) -> None:
        plan = await asyncio.to_thread(self._plan)
        settings = self._workspace.settings()
        today = await self._workspace.database.read(cost_since, today_ms(self._workspace.clock()))
        limits = Limits(settings.budget_batch_usd, settings.budget_day_usd, today)
        if (plan is not None and plan != self._run.plan) or limits != self._run.limits:
            self._run.plan, self._run.limits = plan or self._run.plan, limits
            self._hub.refresh()

    def _plan(self) -> Plan | None:
        """The tracker in four numbers, None while its file is as it was."""
        try:
            changed_at = self._workspace.project.tracker.stat().st_mtime_ns
        except OSError:
            return None
        if changed_at == self._tracker_at:
            return None
        self._tracker_at = changed_at
        stories = sprint.read(self._workspace.project).stories
        return Plan(
            done=sum(story.status == "done" for story in stories),
            total=sum(story.status != "parked" for story in stories),
            blocked=sum(story.status == "blocked" for story in stories),
            runnable=sum(story.runnable for story in stories),
        )
