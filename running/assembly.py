"""A batch made of its parts: the gate with its rules, the commander, the source of its cycles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from running.active_hours import HOURS, ActiveHours
from running.background import Background
from running.batch import Batch
from running.batch_record import agents_of, head_at_start
from running.breaker import Breaker
from running.budget import Budget
from running.command import Commander
from running.cycle_queue import CycleQueue
from running.cycle_source import CycleSource
from running.gate import Gate
from running.head_guard import HeadGuard
from running.lanes.place import Places
from running.run_context import RunContext
from running.selection import Selection
from running.tracker import wait_for_tracker
from running.waits import SCHEDULED
from running.workspace import Workspace
from store.batches import BatchRow
from workflow import Preset


def assemble(
    workspace: Workspace,
    row: BatchRow,
    only: Sequence[str],
    preset: Preset,
    background: Background,
    selection: Selection,
) -> Batch:
    """Return the batch of a row, ready to run; `only` are the stories that it was started with, empty for any."""
    gate = Gate(workspace, row.id)
    own = replace(workspace, until_tracker=partial(wait_for_tracker, workspace, gate))
    gate.caps = budget = Budget(own, row.id, row.budget_usd)
    gate.hours = hours = ActiveHours(own)
    gate.rechecks[HOURS] = hours.opens_at
    if row.start_at is not None and own.clock() * 1000 < row.start_at:
        gate.pause(SCHEDULED, row.start_at / 1000)
    ending = selection.queue
    gate.end_after(ending.after, None if ending.at is None else ending.at / 1000)
    breaker = Breaker(own, gate)
    head = HeadGuard(own, gate, head_at_start(row))
    commander = Commander(own, row.id, gate, budget, agents_of(row), preset, breaker=breaker, head=head)
    context = RunContext(own, commander, background, gate, preset)
    source = CycleSource(own, row.id, only or None, preset.stories, selection=selection)
    breaker.on_release = source.release
    settings = own.settings()
    queue = CycleQueue(context, source, limit=row.max_cycles, completed=row.cycles_completed, lanes=settings.in_lanes)
    return Batch(context, queue, settings.parallel, Places(settings.parallel_here))
