"""What a forecast is made of, read at one moment: the history, the plan, the batch, the agent. No rule lives here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

import agents
import sprint
from base.clock_times import Windows
from forecast.prediction import Wanted
from forecast.quota import WindowForecast
from forecast.samples import PastCommand, PastStory, Sample, samples_of
from running import command_specs
from running.active_hours import HOURS
from running.budget import Budget
from running.context import ContextNeed, context_need
from running.epic_branch import plan_here
from running.ordering import cycles_of_plan
from running.selection import Selection
from running.workspace import Workspace
from runstate.views import FoldedRun
from store.batches import BatchRow
from store.past_commands import get_past_commands
from workflow import Phase, Preset
from workflow.picking import RUNNABLE
from workflow.presets import FINISHING, PLANNING


@dataclass(frozen=True, slots=True)
class History:
    """The commands and stories that are recorded, as values, and what the plan says of the size of each story."""

    commands: Sequence[PastCommand]
    stories: Sequence[PastStory]
    sizes: Mapping[str, int]

    @property
    def samples(self) -> list[Sample]:
        return samples_of(self.commands, self.stories, self.sizes)

    def keys_of(self, batch_id: int) -> set[str]:
        """Return the stories that a batch has taken."""
        return {story.key for story in self.stories if story.batch == batch_id}


@dataclass(frozen=True, slots=True)
class Conditions:
    """By whom and when the work would be done. `priced`: the agent's cost would be known; `by_runner`: the runner
    makes the commits; `width` cycles run side by side, in the hours of `windows` (None: always)."""

    agent: str
    model: str | None
    priced: bool
    scripted: bool  # it is the demo's agent
    by_runner: bool
    width: int
    windows: Windows | None


@dataclass(frozen=True, slots=True)
class ForecastInputs:
    """All that a forecast needs. `cycles` are those that would be taken, `begun` the stories of those that run.

    `since` is when the work begins (seconds since the epoch), `elapsed` what the running command took so far (seconds).
    """

    history: History
    samples: Sequence[Sample]
    conditions: Conditions
    plan: sprint.Sprint
    preset: Preset
    cycles: Sequence[Sequence[str]]
    now: float
    since: float
    needs_context: bool = False
    begun: Sequence[Wanted] = ()
    elapsed: float = 0.0
    batch_id: int | None = None
    remaining_usd: float | None = None
    windows: Sequence[WindowForecast] = ()

    @property
    def stories(self) -> list[Wanted]:
        """The stories to predict: those that run, then those that are next, with the commands that each needs."""
        entries = {entry.key: entry for entry in self.plan.stories}
        found = [replace(story, epic=entries[story.key].epic if story.key in entries else "") for story in self.begun]
        first = 1 + max((story.cycle for story in self.begun), default=0)
        kinds = {status: kinds_of(self.preset, status, by_runner=self.conditions.by_runner) for status in RUNNABLE}
        for number, keys in enumerate(self.cycles, first):
            for key in keys:
                status, epic = entries[key].status.value, entries[key].epic
                found.append(Wanted(key, epic, status, kinds[status], size=self.history.sizes.get(key), cycle=number))
        return found


async def read_history(workspace: Workspace) -> History:
    """Return the history, newest last."""
    rows = await workspace.database.read(get_past_commands)
    return await asyncio.to_thread(_history, workspace.tracked, *rows)


def _history(
    project: sprint.Project, commands: Iterable[tuple[Any, ...]], stories: Iterable[tuple[Any, ...]]
) -> History:
    decode = msgspec.json.Decoder(tuple[str, ...]).decode
    past = [
        PastCommand(batch, cycle, decode(keys), kind, agent, model, bool(beside), began, ended, usd, tokens, bool(ok))
        for batch, cycle, keys, kind, agent, model, beside, began, ended, usd, tokens, ok in commands
    ]
    return History(past, [PastStory(*row) for row in stories], sprint.sizes(project))


def kinds_of(preset: Preset, status: str, *, by_runner: bool) -> frozenset[str]:
    """Return the commands of a preset that a story at a status may need. `by_runner`: no agent makes the commit."""
    found: set[str] = set()
    for phase in preset.phases:
        if status in phase.entered:
            found.update(_of_phase(phase, status))
    return frozenset(found - {"commit"} if by_runner else found)


def _of_phase(phase: Phase, status: str) -> Iterable[str]:
    if phase.kind not in FINISHING:
        return phase.commands
    first, reviewed = phase.commands[:1], status == "review"
    reviews = phase.commands[1:] if command_specs.is_reviewed(phase, came_for_review=reviewed) else ()
    planning = (PLANNING,) if first == ("build-auto",) else ()
    return reviews if reviewed else (*first, *planning, *reviews)


def rest_of(
    preset: Preset, history: History, batch_id: int, running: Collection[int], *, by_runner: bool
) -> list[Wanted]:
    """Return the stories of cycles that run and are not finished, with the commands that they still need."""
    found = []
    for story in history.stories:
        if story.batch != batch_id or story.cycle not in running:
            continue
        done = Counter(
            one.kind
            for one in history.commands
            if one.batch == batch_id and one.cycle == story.cycle and story.key in one.keys and one.ok
        )
        kinds = kinds_of(preset, story.entered, by_runner=by_runner)
        left = kinds - {kind for kind in done if not kind.endswith("-review")}
        if story.status in ("done", "blocked"):
            left = frozenset({"commit"} & left if story.status == "done" else ())
        rounds = {kind: number for kind, number in done.items() if kind in left}
        if left:
            found.append(Wanted(story.key, "", story.entered, left, rounds, history.sizes.get(story.key), story.cycle))
    return found


def model_of(workspace: Workspace, agent: str, samples: Sequence[Sample]) -> str | None:
    """Return the model by which the agent's stories are distinguished: as set, by the name that it reported last."""
    named = workspace.agents[agent].model
    reported = [sample.model for sample in samples if sample.agent == agent and sample.model]
    if named is None:
        return reported[-1] if reported else None
    return next((model for model in reversed(reported) if named in model), named)


def conditions_of(workspace: Workspace, agent: str, samples: Sequence[Sample]) -> Conditions:
    settings, model = workspace.settings(), model_of(workspace, agent, samples)
    return Conditions(
        agent,
        model,
        priced=agents.budget_problem(workspace.agents[agent], model) is None,
        scripted=agents.is_demo(workspace.agents[agent].command),
        by_runner=settings.commit_by != "agent" or workspace.git is None,
        width=settings.parallel,
        windows=None if settings.active_hours is None else Windows.parse(settings.active_hours),
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """What is predicted: by which agent, which stories (None: any), how many cycles (None: all), from when."""

    agent: str
    only: Sequence[str] | None = None
    cycles: int | None = None
    start_at: float | None = None


async def start_inputs(workspace: Workspace, selection: Selection, preset: Preset, scope: Scope) -> ForecastInputs:
    """Return the inputs for a batch that would start now, or at a time."""
    history, plan, now = await read_history(workspace), await plan_here(workspace), workspace.clock()
    samples, cycles = await asyncio.to_thread(_prepared, workspace, history, plan, preset, selection, scope)
    return ForecastInputs(
        history,
        samples,
        conditions_of(workspace, scope.agent, samples),
        plan,
        preset,
        cycles,
        now,
        max(now, scope.start_at or 0.0),
        needs_context=await context_need(workspace) is ContextNeed.CREATE,
        remaining_usd=await Budget(workspace, None, None).remaining(),
    )


async def rest_inputs(
    workspace: Workspace, selection: Selection, preset: Preset, scope: Scope, row: BatchRow, run: FoldedRun
) -> ForecastInputs:
    """Return the inputs for what is left of a batch of `scope.cycles`."""
    history, plan, now = await read_history(workspace), await plan_here(workspace), workspace.clock()
    open_ones = {one.cycle for one in history.stories if one.batch == row.id and one.cycle > row.cycles_completed}
    scope = replace(scope, cycles=_cycles_left(scope.cycles, row.cycles_completed + len(open_ones), selection))
    taken = history.keys_of(row.id)
    samples, cycles = await asyncio.to_thread(_prepared, workspace, history, plan, preset, selection, scope, taken)
    conditions = conditions_of(workspace, scope.agent, samples)
    begun = await asyncio.to_thread(rest_of, preset, history, row.id, open_ones, by_runner=conditions.by_runner)
    started = [operation.started_at for operation in run.operations if not operation.background]
    return ForecastInputs(
        history,
        samples,
        conditions,
        plan,
        preset,
        cycles,
        now,
        max(now, _waits_until(run, row)),
        begun=begun,
        elapsed=max(0.0, now - min(started) / 1000) if started else 0.0,
        batch_id=row.id,
        remaining_usd=await Budget(workspace, row.id, row.budget_usd).remaining(),
    )


def _cycles_left(limit: int | None, begun: int, selection: Selection) -> int | None:
    if selection.queue.after in ("story", "cycle"):
        return 0
    return None if limit is None else max(0, limit - begun)


def _waits_until(run: FoldedRun, row: BatchRow) -> float:
    """Return the end of a wait that has an end: for a usage limit, or for the time at which the batch begins."""
    waits = run.until / 1000 if run.until is not None and run.reason != HOURS else 0.0
    return max(waits, (row.start_at or 0) / 1000)


def _prepared(
    workspace: Workspace,
    history: History,
    plan: sprint.Sprint,
    preset: Preset,
    selection: Selection,
    scope: Scope,
    taken: Collection[str] = (),
) -> tuple[list[Sample], list[list[str]]]:
    """Return the samples and the cycles that come, without stories that the batch has `taken` already."""
    order = workspace.settings().story_order
    cycles = cycles_of_plan(plan, scope.only, scope.cycles, preset.stories, selection, order, taken)
    return history.samples, cycles
