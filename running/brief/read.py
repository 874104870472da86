"""The brief of a batch as things are now: its records, and the plan as far as it can be read."""

from __future__ import annotations

import asyncio
from typing import Final

import sprint
from running.batch_record import only_stories
from running.brief.make import make_brief
from running.brief.stories import PlanFacts
from running.brief.views import Brief
from running.epic_branch import plan_here
from running.ordering import order_of_plan
from running.selection import Selection
from running.workspace import Workspace
from store.batches import get_last_batch
from store.brief import BatchRecords, get_batch_records
from workflow.labels import batch_label

UPCOMING: Final = 5  # stories that are named as next


async def read_brief(workspace: Workspace, batch_id: int, *, alive: bool = True) -> Brief | None:
    """Return the brief of a batch; None where there is none of this id. `alive`: the run's server is this one."""
    records = await workspace.database.read(get_batch_records, batch_id)
    if records is None:
        return None
    plan = await _plan_facts(workspace, records)
    at = int(workspace.clock() * 1000)
    label = batch_label(records.batch.max_cycles, only_stories(records.batch))
    project = workspace.project.name
    made = await asyncio.to_thread(make_brief, records, plan, project=project, label=label, alive=alive, at=at)
    return workspace.masker.struct(made, Brief)


async def brief_lines(workspace: Workspace, batch_id: int) -> list[str]:
    """Return what a notification says of a batch below the sentence about its end."""
    brief = await read_brief(workspace, batch_id)
    return [] if brief is None else brief.lines[1:]


async def last_batch(workspace: Workspace) -> int | None:
    row = await workspace.database.read(get_last_batch)
    return None if row is None else row.id


async def _plan_facts(workspace: Workspace, records: BatchRecords) -> PlanFacts:
    """Return titles and what is next; a plan that cannot be read is a fact, too."""
    keys = {row.story_key for row in records.stories}
    selection = Selection()
    await selection.load(workspace.database)
    try:
        plan = await plan_here(workspace)
        order = await order_of_plan(workspace, plan, None, UPCOMING, 1, selection)
        upcoming = [key for cycle in order.cycles for key in cycle]
        titles = await asyncio.to_thread(sprint.titles, workspace.tracked, keys | set(upcoming))
    except (OSError, ValueError, sprint.Refused) as error:
        return PlanFacts({}, problem=f"the plan cannot be read ({error})")
    if not plan.stories or plan.broken:
        why = plan.problems[0].message if plan.problems else "it has no stories"
        return PlanFacts(titles, problem=f"the plan cannot be read ({why.rstrip('.')})")
    return PlanFacts(titles, upcoming, order.waits)
