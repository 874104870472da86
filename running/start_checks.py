"""What has to be in order before a batch starts or is resumed, in the order in which it is checked.

Nothing is changed by a check: a start that is refused leaves everything as it is. Raises `BadRequest` and `NotNow`.
"""

from __future__ import annotations

from dataclasses import dataclass

from git.head import HeadState
from running.agent_choice import RESERVE
from running.batch_record import StartRequest, agents_of
from running.budget import Budget
from running.delivery.start_check import check_delivery, mending_due
from running.gate import Gate
from running.git_check import check_commits, check_repository
from running.made_tracker import check_maker
from running.plan_choice import check_plan
from running.preflight import (
    NotNow,
    check_agents,
    check_folder,
    check_parallel,
    check_stories,
    check_trust,
    check_verify,
    unpriced_agents,
    used_windows,
    why_nothing_runs,
)
from running.preset_choice import choose_preset, preset_of, with_gates
from running.selection import Selection
from running.store_copy import check_synced
from running.waits import Caps
from running.workspace import Workspace
from settings import names_of
from store.batches import BatchRow
from workflow import Preset


@dataclass(frozen=True, slots=True)
class Startable:
    """A batch that may start: its agents and preset, the state of HEAD, warnings by kind."""

    agents: tuple[str, ...]
    preset: Preset
    head: HeadState | None
    warnings: list[tuple[str, str]]


async def check_start(
    workspace: Workspace, request: StartRequest, selection: Selection, *, unfinished: bool
) -> Startable:
    """Check everything for a new batch. `unfinished`: perhaps only the commit of the last batch's cycle is missing."""
    await check_trust(workspace)
    refuse_taken_over(workspace, "start")
    settings = workspace.settings()
    names = request.agents(settings)
    orders = [names, *(names_of(config.agent) for config in settings.commands.values() if config.agent)]
    used = [name for order in orders for name in order]
    await check_maker(workspace, allowed=request.write_tracker)
    await check_synced(workspace, synced=request.synced)
    await selection.load(workspace.database)
    runnable = await check_stories(workspace, request.stories, selection)
    warnings = [("agent", message) for message in await check_agents(workspace, orders)]
    warnings += [("price", message) for message in unpriced_agents(workspace, used, request.budget_usd)]
    warnings += [("limit", message) for message in await used_windows(workspace, used)]
    await check_folder(workspace)
    head = await check_repository(workspace)
    await check_parallel(workspace)
    await check_verify(workspace)
    warnings += [("deliver", message) for message in await check_delivery(workspace)]
    await check_caps(Budget(workspace, None, None))
    if not runnable and not unfinished and not await mending_due(workspace):
        raise await why_nothing_runs(workspace, request.stories, selection)
    preset = await choose_preset(workspace, names[0], fresh=not unfinished)
    preset = with_gates(preset, request.gates, settings.gates)
    await check_commits(workspace, preset)
    return Startable(names, preset, head, warnings)


async def check_resume(workspace: Workspace, row: BatchRow, *, unattended: bool) -> Preset:
    """Check everything for a batch that continues, and return its preset. `unattended`: it may wait at a full cap."""
    await check_plan(workspace, row.id)
    if not unattended:
        refuse_taken_over(workspace, "resume")
        await check_caps(Budget(workspace, row.id, row.budget_usd))
    await check_agents(workspace, [agents_of(row)])
    await check_repository(workspace)
    await check_parallel(workspace)
    await check_verify(workspace)
    await check_delivery(workspace)
    preset = await preset_of(workspace, row)
    await check_commits(workspace, preset)
    return preset


def refuse_taken_over(workspace: Workspace, verb: str) -> None:
    """Raise `NotNow` while the operator works in the project's own tree: nothing of a run touches it then."""
    row = workspace.taken_trees.in_tree(workspace.project.root)
    if row is not None:
        raise NotNow("taken_over", f"{row.story_key} is taken over in this folder: hand it back, then {verb}")


async def check_caps(caps: Caps) -> None:
    """Raise `NotNow` while a cap is reached: only a larger one, or a new day, opens the gate."""
    refusal = await caps.refusal()
    if refusal is not None:
        raise NotNow("budget", refusal)


def check_reserve(gate: Gate) -> None:
    """Raise `NotNow` while a usage window is at its reserve: no resume opens it."""
    ends = gate.rechecks.get(RESERVE)
    if gate.reason == RESERVE and ends is not None and ends() is not None:
        raise NotNow("reserve", "the usage window is at its reserve: wait for its end, or lower reserve_percent")
