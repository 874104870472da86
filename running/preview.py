"""What would be sent: the next cycle with its commands, and for each the exact call, without starting anything.

Promises: no agent's program is started, not even for its help; nothing is written; secrets are masked, and of the
environment only the names of variables are given. It is made by the code of the run itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, Literal

import msgspec

import sprint
from running.agent_choice import AgentChoice
from running.batch_record import StartRequest, agents_of, only_stories
from running.budget import Budget
from running.cycle_source import CycleSource, PlannedCycle
from running.forecaster import Forecaster
from running.journal import Journal
from running.outline import Outline, Step, context_step
from running.preflight import (
    BadRequest,
    NotNow,
    check_parallel,
    check_stories,
    check_trust,
    check_verify,
    why_nothing_runs,
)
from running.preparation import Preparation
from running.preset_choice import choose_preset, preset_of, with_gates
from running.preview_call import NoCall, call_view
from running.preview_views import (
    CallView,
    CyclePreview,
    PlannedGate,
    RunPreview,
    StepView,
    UpcomingCycle,
    UpcomingStep,
    UpcomingSteps,
)
from running.selection import Selection
from running.story import StoryRun
from running.tracker import TrackerUnreadable
from running.workspace import Workspace
from runstate.forecast_view import ForecastView
from settings import names_of
from store.batches import BatchRow, get_active_batch
from store.commands import get_commands_by_batch
from workflow import CLASSIC, Preset, kind_of

NEXT_BATCH: Final = 2**62  # stands for the batch that would be started next: every one that there is came before it
CYCLES_MOST: Final = 5  # cycles of named stories that are shown with their commands
RUNS: Final = "it runs now: its transcript begins with what it was sent"


class PreviewRequest(msgspec.Struct, frozen=True):
    """What is asked for: `stories` (None: what is next), one `command` for them whatever their status, an agent.

    `gates`: those of the batch that would be started, None as the preset and the settings say.
    `cycles`: how many a start would have, for the forecast; None: as set, and all for named stories.
    `at_work`: a server runs the open batch; without one it was interrupted.
    `calls`: with the exact call of each command; without, only which there are.
    """

    stories: Sequence[str] | None = None
    command: str | None = None
    agent: str | None = None
    at_work: bool = True
    gates: Sequence[str] | None = None
    cycles: int | Literal["all"] | None = None
    calls: bool = True


async def preview(workspace: Workspace, request: PreviewRequest, forecaster: Forecaster) -> RunPreview:
    """Return what would be sent. Raises `BadRequest` for a story, command or agent that there is not."""
    batch = await workspace.database.read(get_active_batch)
    names = [request.agent] if request.agent else _names(workspace, batch)
    agent = names[0]
    if agent not in workspace.agents:
        raise BadRequest("agent", f"there is no agent {agent!r}; known are {', '.join(sorted(workspace.agents))}")
    refusals = await _refusals(workspace, request, batch)
    preset = await _preset(workspace, agent, batch, refusals, request.gates)
    commands = list(dict.fromkeys(command for phase in preset.phases for command in phase.commands))
    if request.command is not None and request.command not in commands:
        raise BadRequest("command", f"there is no command {request.command!r}; known are {', '.join(commands)}")
    cycles = _Cycles(workspace, request, batch, names, preset)
    try:
        views = await cycles.views()
    except TrackerUnreadable as error:
        refusals.append(str(error))
        views = []
    return RunPreview(
        agent=agent,
        workflow=preset.title,
        workflow_reason=preset.why,
        batch_id=None if batch is None else batch.id,
        refusals=[workspace.masker.text(text) for text in dict.fromkeys(refusals)],
        notes=cycles.notes,
        commands=commands,
        cycles=views,
        later=cycles.later,
        forecast=await _forecast(workspace, request, forecaster),
    )


async def upcoming(workspace: Workspace) -> UpcomingSteps:
    """Return the commands of what runs and of what comes after it; none where that cannot be said."""
    batch = await workspace.database.read(get_active_batch)
    names = _names(workspace, batch)
    if names[0] not in workspace.agents:
        return UpcomingSteps([])
    preset = await _preset(workspace, names[0], batch, [], None)
    try:
        views = await _Cycles(workspace, PreviewRequest(calls=False), batch, names, preset).views()
    except TrackerUnreadable:
        return UpcomingSteps([])
    return UpcomingSteps(
        [UpcomingCycle(view.state, view.story_keys, [_upcoming(step) for step in view.steps]) for view in views]
    )


def _upcoming(step: StepView) -> UpcomingStep:
    return UpcomingStep(step.command, step.story_keys, step.attempt, step.condition, step.by, step.state)


async def _forecast(workspace: Workspace, request: PreviewRequest, forecaster: Forecaster) -> ForecastView | None:
    if request.command is not None:
        return None
    cycles = request.cycles
    if cycles is None:
        cycles = "all" if request.stories is not None else workspace.settings().default_batch_size
    size = None if cycles == "all" else cycles
    start = StartRequest(size, request.stories, request.agent, gates=request.gates)
    return await forecaster.for_preview(start, default=request.stories is None)


def _names(workspace: Workspace, batch: BatchRow | None) -> list[str]:
    return list(names_of(workspace.settings().agent)) if batch is None else agents_of(batch)


async def _refusals(workspace: Workspace, request: PreviewRequest, batch: BatchRow | None) -> list[str]:
    """Why a start would be refused, by the checks of the start that start no program themselves."""
    found: list[str] = []
    plan = await asyncio.to_thread(sprint.read, workspace.project)
    unknown = [key for key in request.stories or () if plan.story(key) is None]
    try:
        selection = Selection()
        await selection.load(workspace.database)
        runnable = await check_stories(workspace, request.stories, selection)
        if not runnable and batch is None and request.command is None:
            found.append(str(await why_nothing_runs(workspace, request.stories, selection)))
    except BadRequest as error:
        if unknown:
            raise
        found.append(str(error).partition(": ")[2])
    except NotNow as error:
        found.append(str(error))
    for check in (check_trust, check_parallel, check_verify):
        try:
            await check(workspace)
        except NotNow as error:
            found.append(str(error))
    budget = Budget(workspace, None if batch is None else batch.id, None if batch is None else batch.budget_usd)
    refusal = await budget.refusal()
    return found if refusal is None else [*found, refusal]


async def _preset(
    workspace: Workspace, agent: str, batch: BatchRow | None, refusals: list[str], gates: Sequence[str] | None
) -> Preset:
    """The preset of the open batch, else the one that a start would choose; why it would be refused is added."""
    if batch is not None:
        return await preset_of(workspace, batch)
    for fresh in (True, False):  # a tree that is not clean refuses the start, and changes nothing about the choice
        try:
            preset = await choose_preset(workspace, agent, fresh=fresh)
            return with_gates(preset, gates, workspace.settings().gates)
        except NotNow as error:
            refusals.append(str(error))
    usual = replace(CLASSIC, why="no other can be used as things are")
    return with_gates(usual, gates, workspace.settings().gates)


class _Cycles:
    """The cycles of one preview."""

    def __init__(
        self,
        workspace: Workspace,
        request: PreviewRequest,
        batch: BatchRow | None,
        names: Sequence[str],
        preset: Preset,
    ) -> None:
        self.notes: list[str] = []
        self.later: list[str] = []
        self._workspace = workspace
        self._request = request
        self._batch = batch
        self._choice = AgentChoice(workspace, 0 if batch is None else batch.id, names, preset)
        self._preset = preset
        budget_usd = None if batch is None else batch.budget_usd
        self._budget = Budget(workspace, None if batch is None else batch.id, budget_usd)
        self._at_work = batch is not None and request.at_work and batch.status in ("running", "paused")

    async def views(self) -> list[CyclePreview]:
        if self._workspace.settings().in_lanes:
            self.notes.append("Groups run side by side, each in a worktree of its own, whose folder is made for it.")
        if self._request.command is not None:
            return await self._one_command(self._request.command, self._request.stories)
        if self._request.stories is not None:
            return await self._named(self._request.stories)
        return await self._next()

    async def _next(self) -> list[CyclePreview]:
        """The cycle that was begun, and the one after it; without an open batch the first one of a new batch."""
        if self._batch is None:
            cycle = await self._source(NEXT_BATCH, None).peek(0)
            return [] if cycle is None else [await self._view(cycle, "next", fresh=True)]
        done, source = self._batch.cycles_completed, self._source(self._batch.id, only_stories(self._batch) or None)
        state = "running" if self._at_work else "begun"
        views = [await self._view(cycle, state) for cycle in await source.begun(done)]
        if not views or self._at_work:
            after = await source.peek(done)
            if after is not None:
                self._note_limit(after)
                views.append(await self._view(after, "next"))
        return views

    def _note_limit(self, cycle: PlannedCycle) -> None:
        limit = None if self._batch is None else self._batch.max_cycles
        if limit is not None and cycle.number > limit:
            self.notes.append(f"The batch ends after group {limit}: the group that follows is that of another batch.")

    async def _named(self, stories: Sequence[str]) -> list[CyclePreview]:
        """The cycles of these stories, in their order: the one that was begun with them, then new ones."""
        views, left = [], list(stories)
        if self._batch is not None:
            source = self._source(self._batch.id, None)
            for begun in await source.begun(self._batch.cycles_completed):
                keys = [story.key for story in begun.stories]
                if set(keys) & set(left):
                    views.append(await self._view(begun, "running" if self._at_work else "begun"))
                    left = [key for key in left if key not in keys]
        source = self._source(NEXT_BATCH, left)
        while left and (cycle := await source.peek(0)) is not None:
            left = [key for key in left if key not in {story.key for story in cycle.stories}]
            source.finish(cycle.stories)
            if len(views) < CYCLES_MOST:
                views.append(await self._view(cycle, "next", fresh=not views and self._batch is None))
            else:
                self.later += [story.key for story in cycle.stories]
        await self._note_resting(left)
        return views

    async def _note_resting(self, keys: Collection[str]) -> None:
        plan = await asyncio.to_thread(sprint.read, self._workspace.project)
        for story in plan.stories:
            if story.key in keys and not story.runnable:
                self.notes.append(f"{story.key} is {story.status.value}: no command would run for it.")

    async def _one_command(self, command: str, keys: Sequence[str] | None) -> list[CyclePreview]:
        """One command for stories, as if they came to it now."""
        overview = await asyncio.to_thread(sprint.overview, self._workspace.project)
        named = [story for story in overview.stories if story.key in (keys or ())]
        for entered in ("backlog", "review"):
            stories = [StoryRun(0, story.key, story.epic, story.title, entered, entered) for story in named]
            for story in stories:
                story.needs_spec = True
            steps = await Outline(self._workspace, self._preset, stories, Journal()).steps()
            wanted = [step for step in steps if kind_of(step.spec.command) == command]
            first = {step.spec.story_key: step for step in reversed(wanted)}
            chosen = [replace(step, condition="") for step in wanted if first[step.spec.story_key] is step]
            if chosen:
                return [await self._shown(PlannedCycle(1, stories, Journal()), chosen, "next", [])]
        return []

    def _source(self, batch_id: int, only: Sequence[str] | None) -> CycleSource:
        return CycleSource(self._workspace, batch_id, only, self._preset.stories, recording=False)

    # -- one cycle ---------------------------------------------------------------------------------------------

    async def _view(self, cycle: PlannedCycle, state: str, *, fresh: bool = False) -> CyclePreview:
        """`fresh`: it is the first of a batch, before which the project's context is looked at."""
        outline = Outline(self._workspace, self._preset, cycle.stories, cycle.journal)
        context = await context_step(self._workspace) if fresh else None
        steps = await outline.steps()
        gates = [PlannedGate(gate.kind, gate.story_key, gate.message) for gate in await outline.gates()]
        return await self._shown(cycle, steps if context is None else [context, *steps], state, gates)

    async def _shown(
        self, cycle: PlannedCycle, steps: Sequence[Step], state: str, gates: list[PlannedGate]
    ) -> CyclePreview:
        batch_id = 0 if self._batch is None else self._batch.id
        about = (self._workspace, self._preset, self._choice, cycle.journal, self._budget, batch_id, cycle.number)
        preparation, running = Preparation(*about), await self._running() if state == "running" else set()
        group_of: dict[str, int] = {}  # the commands that take the hints of a story
        views = []
        for before, step in zip([None, *steps], steps, strict=False):
            if not step.spec.background:
                for key in step.spec.story_keys:
                    group_of.setdefault(key, step.group)
            first = any(group_of.get(key) == step.group for key in step.spec.story_keys)
            together = before is not None and before.group == step.group and step.group != 0
            is_running = (step.spec.story_key, step.spec.command) in running
            call, problem = await self._call(preparation, step, first=first, is_running=is_running)
            views.append(_step_view(step, call, problem, together=together, is_running=is_running))
        return CyclePreview(state, [story.key for story in cycle.stories], views, gates)

    async def _call(
        self, preparation: Preparation, step: Step, *, first: bool, is_running: bool
    ) -> tuple[CallView | None, str | None]:
        if step.by_runner or not self._request.calls:
            return None, None
        if is_running:
            return None, RUNS
        try:
            return await call_view(preparation, step, first=first), None
        except NoCall as error:
            return None, self._workspace.masker.text(str(error))

    async def _running(self) -> set[tuple[str, str]]:
        """The commands of the open batch that an agent is at."""
        rows = await self._workspace.database.read(get_commands_by_batch, self._batch.id if self._batch else 0)
        return {(row.story_key, row.command) for row in rows if row.ended_at is None}


def _step_view(step: Step, call: CallView | None, problem: str | None, *, together: bool, is_running: bool) -> StepView:
    return StepView(
        command=step.spec.command,
        story_keys=step.spec.story_keys,
        phase=step.phase,
        attempt=step.attempt,
        condition=step.condition,
        together=together,
        by="runner" if step.by_runner else "agent",
        state="running" if is_running else "next",
        unknown=list(step.unknown),
        problem=problem,
        call=call,
    )
