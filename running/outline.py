"""The outline of a cycle: its commands in their order, as far as they can be known before they run.

Made by the code that makes the commands of a run, from the same preset and the same records; nothing is performed. What
depends on a verdict is listed with its condition; what a later command is given of an earlier one is named as unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

import sprint
from running import command_specs
from running.agent_commit import recipe_directives
from running.building import build_goes_on, build_values, has_begun, waits_for_plan
from running.commits import commits_singly
from running.context import ContextNeed, context_name, context_need
from running.gates import GateKind
from running.journal import Journal, Result
from running.planning import as_recorded, asks_for_spec
from running.preparation import after_failure
from running.spec import CommandSpec
from running.story import StoryRun
from running.workspace import Workspace
from sprint import BuildCommit
from workflow import CodeReviewVerdict, Next, Phase, PhaseKind, Preset, ReviewVerdict, after_code_review
from workflow.presets import FINISHING, PLANNING, REVIEW_ROUNDS

FINDINGS_LATER: Final = "(the findings of {command}, which are not known yet)"


@dataclass(frozen=True, slots=True)
class Step:
    """One command. `condition` says on what it depends, empty where it runs unless something fails.

    `group` is the same for commands that start together. `unknown` are parts of its prompt that nothing knows yet.
    `by_runner`: the runner does it, without an agent.
    """

    phase: str
    spec: CommandSpec
    attempt: int = 1
    condition: str = ""
    group: int = 0
    unknown: tuple[str, ...] = ()
    by_runner: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate at which a person decides: before or after which command, for which story."""

    kind: str
    story_key: str
    message: str


class Outline:
    """The outline of one cycle of a preset. What `journal` has is behind it and not listed."""

    def __init__(self, workspace: Workspace, preset: Preset, stories: Sequence[StoryRun], journal: Journal) -> None:
        self._workspace = workspace
        self._preset = preset
        self._asked = frozenset(preset.gates or ())
        self._stories = stories
        self._journal = journal
        self._creates = False  # whether a tech-spec is still to be decided about by this cycle

    async def steps(self) -> list[Step]:
        """Return the commands, in their order."""
        groups = count(1)
        found: list[Step] = []
        for phase in self._preset.phases:
            stories = [story for story in self._stories if story.entered in phase.entered]
            group = next(groups)
            async for step in self._phase(phase, stories):
                together = phase.kind is PhaseKind.TOGETHER
                found.append(replace(step, group=group if together else next(groups)))
        return found

    async def gates(self) -> list[Gate]:
        """Return the gates that the plan, the settings or the batch ask for at these stories."""
        plan = await asyncio.to_thread(sprint.read, self._workspace.project)
        builds = any(phase.kind is PhaseKind.BUILD for phase in self._preset.phases)
        found = []
        for story in self._stories:
            entry = plan.story(story.key)
            if entry is None:
                continue
            if GateKind.PLAN in self._asked or (builds and entry.conditions.plan_checkpoint):
                message = f"a person looks at the plan of {story.key} before it is built"
                found.append(Gate("plan", story.key, message))
            if GateKind.COMMIT in self._asked and not builds:
                found.append(Gate("commit", story.key, f"a person looks at the work of {story.key} before its commit"))
            if GateKind.DONE in self._asked or entry.conditions.done_checkpoint:
                found.append(Gate("done", story.key, f"the run pauses after {story.key} is done"))
        return found

    # -- phases ------------------------------------------------------------------------------------------------

    async def _phase(self, phase: Phase, stories: list[StoryRun]) -> AsyncIterator[Step]:
        if phase.kind in FINISHING:
            for story in stories:
                async for step in self._develop(phase, story):
                    yield step
                for step in self._commit_of(story):
                    yield step
            return
        if phase.kind is PhaseKind.COMMIT:
            for step in self._commit_together(phase, stories):
                yield step
        elif phase.kind is PhaseKind.EACH:
            for story in (story for story in stories if story.live or story.passed):
                for command in phase.commands:
                    for step in self._step(phase, command_specs.for_each(command, story)):
                        yield step
        else:
            async for step in self._plan(phase, [story for story in stories if story.live]):
                yield step

    async def _plan(self, phase: Phase, live: list[StoryRun]) -> AsyncIterator[Step]:
        """Commands that are called once for all stories."""
        condition = ""
        if phase.decided:
            live, open_ones = await self._with_spec(live)
            condition = "if create-story decides that a tech-spec is needed" if open_ones else ""
        if not live:
            return
        stories = tuple(as_recorded(self._journal, phase.commands[0], self._stories, live))
        if phase.kind is PhaseKind.TOGETHER:
            self._creates = self._creates or "create-story" in phase.commands
            for command in phase.commands:
                for step in self._step(phase, command_specs.planning(command, stories), condition):
                    yield step
            return
        for step in self._plan_reviews(phase, stories, condition):
            yield step

    async def _with_spec(self, live: list[StoryRun]) -> tuple[list[StoryRun], bool]:
        """The stories that get a tech-spec, or may; whether that is still to be decided."""
        found, undecided = [], False
        for story in live:
            if story.needs_spec is None and self._creates and story.entered == "backlog":
                undecided = True
                found.append(story)
            elif story.needs_spec or (
                story.needs_spec is None and await asyncio.to_thread(asks_for_spec, self._workspace.project, story.key)
            ):
                found.append(story)
        return found, undecided

    def _plan_reviews(self, phase: Phase, stories: tuple[StoryRun, ...], condition: str) -> Iterator[Step]:
        command = phase.commands[0]
        for number in range(1, REVIEW_ROUNDS + 1):
            spec = command_specs.plan_review(command, number, stories)
            result = self._recorded(spec)
            if result is None:
                yield from self._step(phase, spec, condition)
                if number < REVIEW_ROUNDS:
                    further = f"if {spec.command} finds something critical, beside the development"
                    yield from self._step(phase, command_specs.plan_review(command, number + 1, stories), further)
                return
            if not result.ok or not result.read(ReviewVerdict).critical:
                return

    async def _develop(self, phase: Phase, story: StoryRun) -> AsyncIterator[Step]:
        first = phase.commands[0]
        if not story.live:
            return
        goes_on = await build_goes_on(self._workspace, self._journal, phase, first, story)
        reviewed = story.entered == "review" and not goes_on
        if not reviewed:
            makes = self._build if phase.kind is PhaseKind.BUILD else self._development
            async for step in makes(phase, story):
                yield step
        if command_specs.is_reviewed(phase, came_for_review=reviewed):
            for step in self._code_reviews(phase, story):
                yield step

    async def _development(self, phase: Phase, story: StoryRun) -> AsyncIterator[Step]:
        for step in self._step(phase, command_specs.development(phase.commands[0], story)):
            yield step

    async def _build(self, phase: Phase, story: StoryRun) -> AsyncIterator[Step]:
        command = phase.commands[0]
        cleans = not has_begun(self._journal, command, story)
        if await waits_for_plan(self._workspace, self._journal, command, story, GateKind.PLAN in self._asked):
            values = await build_values(self._workspace, story, halt=True, before_cleaning=cleans)
            for step in self._step(phase, command_specs.build_plan(f"{PLANNING}-1", story, values)):
                yield step
        values = await build_values(self._workspace, story, halt=False, before_cleaning=cleans)
        for step in self._step(phase, command_specs.build(command, story, values)):
            yield step

    def _code_reviews(self, phase: Phase, story: StoryRun) -> Iterator[Step]:
        """The next round for certain, and the one after it if it asks for changes."""
        settings, command = self._workspace.settings(), phase.commands[1]
        limit = command_specs.review_limit(phase, settings.max_code_review_attempts)
        verdicts: list[CodeReviewVerdict] = []
        while len(verdicts) < limit:
            findings = command_specs.review_findings(verdicts, None)
            number, light_from = len(verdicts) + 1, settings.light_model_after_review
            spec = command_specs.code_review(command, number, story, light_from, findings)
            result = self._recorded(spec)
            if result is None:
                yield from self._step(phase, spec)
                yield from self._further_review(phase, story, number, limit)
                return
            if not result.ok:
                return
            verdicts.append(result.read(CodeReviewVerdict))
            if after_code_review(verdicts, limit).next is not Next.AGAIN:
                return

    def _further_review(self, phase: Phase, story: StoryRun, number: int, limit: int) -> Iterator[Step]:
        if number >= limit:
            return
        before, light_from = f"{phase.commands[1]}-{number}", self._workspace.settings().light_model_after_review
        findings = FINDINGS_LATER.format(command=before)
        spec = command_specs.code_review(phase.commands[1], number + 1, story, light_from, findings)
        rounds = f"; at most {limit} rounds" if number + 1 < limit else ""
        unknown = (f"the findings of {before}",)
        for step in self._step(phase, spec, f"if {before} asks for changes{rounds}"):
            yield replace(step, unknown=unknown)

    def _commit_of(self, story: StoryRun) -> Iterator[Step]:
        """The commit of a story that has one of its own."""
        if commits_singly(self._preset, self._workspace.settings().commit_per):
            yield from self._commit(self._preset.phases[-1], [story])

    def _commit_together(self, phase: Phase, stories: list[StoryRun]) -> Iterator[Step]:
        if not commits_singly(self._preset, self._workspace.settings().commit_per):
            yield from self._commit(phase, stories)

    def _commit(self, phase: Phase, stories: list[StoryRun]) -> Iterator[Step]:
        wanted = [story for story in stories if (story.live or story.passed) and story.commit_hash is None]
        wanted = [story for story in wanted if story.entered in phase.entered]
        if not wanted or self._workspace.git is None:
            return
        directives = recipe_directives(self._preset.recipe)
        spec = command_specs.agent_commit(phase.commands[0], wanted, directives=directives)
        whose = "the story is" if len(wanted) == 1 else "the stories are"
        condition = f"when {whose} done"
        if self._preset.build_commit == BuildCommit.HANDOFF:
            yield Step(phase.name, spec, condition=f"{condition}, for what the build leaves")
            return
        by_runner = self._workspace.settings().commit_by != "agent"
        yield Step(phase.name, spec, condition=condition, by_runner=by_runner)

    # -- records -----------------------------------------------------------------------------------------------

    def _step(self, phase: Phase, spec: CommandSpec, condition: str = "") -> Iterator[Step]:
        """The attempt at a command that is next; none where its result is recorded."""
        spec, attempt, result = self._attempts(spec)
        if result is None:
            yield Step(phase.name, spec, attempt, condition)

    def _recorded(self, spec: CommandSpec) -> Result | None:
        return self._attempts(spec)[2]

    def _attempts(self, spec: CommandSpec) -> tuple[CommandSpec, int, Result | None]:
        """The spec and the number of the next attempt, or of the last one with its result."""
        for attempt in count(1):
            result = self._journal.find(spec.story_key, spec.command, attempt)
            if result is None or result.ok or attempt > self._workspace.settings().retries:
                break
            spec = after_failure(spec, result.reason)
        return spec, attempt, result


async def context_step(workspace: Workspace) -> Step | None:
    """Return the command for the project's context file that comes before the first cycle of a batch."""
    need = await context_need(workspace)
    if need is ContextNeed.NOTHING:
        return None
    if need is ContextNeed.CREATE:
        return Step("context", command_specs.create_context(context_name(workspace)))
    return Step("context", command_specs.refresh_context(), condition="beside the group")
