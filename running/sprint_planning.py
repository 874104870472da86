"""The batch that makes a plan: one command, the project's own sprint planning, with no story.

It is recorded, paid, stopped and resumed like every other batch. Its evidence is a plan with stories that can be read;
a batch that continues after the plan was written calls no agent again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import sprint
from git.head import HeadState
from running.command_specs import said_something
from running.git_check import check_repository
from running.journal import Journal
from running.own_prompts import pin
from running.plan_choice import located
from running.preflight import NotNow, check_agents, check_folder
from running.preset_choice import installed
from running.run_context import RunContext
from running.spec import CommandSpec, Say
from running.workspace import Workspace
from settings import AgentNames, names_of
from store.commands import get_commands_by_batch
from workflow import Installed, Preset, planning_call
from workflow.presets import SPRINT_PLANNING

PRODUCTS: Final = ("sprint-status", "tickets.toml")


class NoPlanMade(RuntimeError):
    """The planning command has left no plan that can be read."""


def planning_agent(workspace: Workspace, wanted: AgentNames | None) -> str:
    """Return the agent that the planning command would be run with."""
    settings = workspace.settings()
    return settings.agents_of(SPRINT_PLANNING.name, names_of(wanted or settings.agent))[0]


def planning_preset(workspace: Workspace, agent: str) -> Preset:
    """Return the preset of the batch. Blocks on the disk; raises `NotNow` where the project has no such command."""
    spec = workspace.agents.get(agent)
    if spec is None:
        raise NotNow("agent", f"there is no agent {agent!r}; known are {', '.join(sorted(workspace.agents))}")
    found: Installed = installed(workspace.project.root)
    call = planning_call(found, spec.kind)
    if call is None:
        raise NotNow(
            "no_command",
            f"the project has no command for sprint planning that {agent} could call: BMAD 6 installs one in "
            ".claude/skills or .claude/commands (.agents/skills for agents other than Claude Code)",
        )
    why = "the project has its own sprint planning"
    return replace(SPRINT_PLANNING, calls={SPRINT_PLANNING.name: call}, caller=spec.kind, why=why)


async def check_planning(workspace: Workspace, agent: str) -> tuple[Preset, HeadState | None]:
    """Check that the planning command can run now: its preset, and the state of HEAD. Raises `BadRequest`, `NotNow`."""
    if workspace.project.kind is not sprint.PlanKind.NONE:
        shown = workspace.relative(workspace.project.tracker)
        raise NotNow("planned", f"the project has a plan already: {shown}")
    preset = await asyncio.to_thread(planning_preset, workspace, agent)
    preset = await asyncio.to_thread(pin, preset, workspace.project.root)
    await check_agents(workspace, [[agent]])
    await check_folder(workspace)
    return preset, await check_repository(workspace)


async def plan_sprint(context: RunContext) -> None:
    """Run the planning command until there is a plan. Raises `NoPlanMade`, `Stopped`."""
    workspace = context.workspace
    if await _missing_plan(workspace) is None:
        return
    commands = await workspace.database.read(get_commands_by_batch, context.batch_id)
    journal = Journal.of(commands, failures=True)

    async def missing_plan(_verdict: object, _say: Say) -> str | None:
        return await _missing_plan(workspace)

    spec = CommandSpec(
        SPRINT_PLANNING.name, (), read=said_something, disprove=missing_plan, products=PRODUCTS, once=True
    )
    result = await context.for_cycle(0, journal).commander.perform(spec)
    if not result.ok:
        raise NoPlanMade(f"{spec.command} has made no plan: {result.reason}")


async def _missing_plan(workspace: Workspace) -> str | None:
    """Return why there is no plan to work with; None where there is one."""
    project = await asyncio.to_thread(located, workspace)
    if project is None:
        return "no sprint-status.yaml was written"
    plan = await asyncio.to_thread(sprint.read, project)
    name = workspace.relative(project.tracker)
    if plan.broken or not plan.stories:
        why = plan.problems[0].message if plan.problems else "it holds no stories"
        return f"{name} was written and cannot be used: {why}"
    return None
