"""Unattended builds: one session plans, builds, reviews and commits a story; its own file says how that ended.

Before a build the work tree is made clean of the runner's own files; after it, of what the story left. Where the plan
asks for a look at the plan, the build halts after planning and continues with an approval. A build that has ended and
cannot be read is never built again by itself: the operator is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import Final

import sprint
from running import command_specs, evidence
from running.blocking import give_up
from running.builds import build_call, build_files, build_verdict, is_unbuilt, plan_verdict
from running.checkpoints import plan_decision, unread_decision
from running.clean_tree import (
    NotCommitted,
    commit_left_work,
    commit_own_files,
    commit_plan,
    commit_status,
    left_by_others,
)
from running.commit_plan import remember_base
from running.epic_branch import branch_of
from running.gates import GateDecision, GateKind
from running.journal import Journal
from running.marking import write_status
from running.run_context import RunContext
from running.spec import CommandSpec, Say
from running.story import StoryRun, advance, block, record_status
from running.surroundings import SurroundingsFailed, until_possible
from running.verify import VerifyContext
from running.workspace import Workspace
from workflow import DevVerdict, Phase, PhaseKind
from workflow.presets import PLANNING

PLANNED: Final = ("backlog", "ready-for-dev")  # where a build has not begun


class Building:
    """The unattended builds of one cycle."""

    def __init__(self, context: RunContext) -> None:
        self._workspace = context.workspace
        self._commander = context.commander
        self._gate = context.gate
        self._asks_for_plans = GateKind.PLAN in (context.preset.gates or ())

    async def run(self, command: str, story: StoryRun) -> None:
        """Build a story; it is live afterwards if its work is proved. Raises `Stopped`."""
        await until_possible(self._gate, partial(self._make_clean, command, story))
        by_hand = await self._commander.unreviewed(story.key)
        remember = partial(remember_base, self._workspace, story, developing=True, by_hand=by_hand)
        await until_possible(self._gate, remember)
        if await waits_for_plan(self._workspace, self._commander.journal, command, story, self._asks_for_plans):
            await self._plan(story)
        comments = "none"
        for number in count(1):
            verdict = await self._built(command_specs.build_round(command, number), story, comments)
            if verdict is None or not verdict.unread:
                return
            row = await unread_decision(self._workspace, self._gate, story, verdict.reason, number)
            if row.decision == GateDecision.SKIP:
                await block(self._workspace, story, verdict.reason)
            elif row.decision == GateDecision.GO:
                await self._prove(story)
            if row.decision != GateDecision.BACK:
                return
            comments = _sent_back("build", row.comments)

    async def goes_on(self, phase: Phase, command: str, story: StoryRun) -> bool:
        return await build_goes_on(self._workspace, self._commander.journal, phase, command, story)

    async def leave_clean(self, story: StoryRun) -> None:
        """Commit what the runner wrote into the plan of a story that has ended, and what a blocked one left."""
        if story.status == "blocked":
            await self._committed(commit_left_work, story)
        elif story.status == "done" and self._workspace.project.kind is not sprint.PlanKind.TRACKER:
            await self._committed(commit_status, story)

    # -- the build ---------------------------------------------------------------------------------------------

    async def _built(self, command: str, story: StoryRun, comments: str) -> DevVerdict | None:
        """One build of a story; its verdict, None where it was given up."""
        if not story.live:
            return None
        confirm = partial(self._build_verdict, story, self._workspace.clock())
        values = await build_values(self._workspace, story, halt=False)
        disprove = partial(self._missing_work, story)
        spec = command_specs.build(command, story, values, comments, confirm=confirm, disprove=disprove)
        return await self._performed(spec, story)

    async def _performed(self, spec: CommandSpec, story: StoryRun) -> DevVerdict | None:
        result = await self._commander.perform(spec)
        if not result.ok:
            await give_up(self._commander, (story,), spec.command, result.reason)
            return None
        verdict = result.read(DevVerdict)
        if verdict.blocked:
            await block(self._workspace, story, verdict.reason)
        return verdict

    async def _missing_work(self, story: StoryRun, verdict: DevVerdict, say: Say) -> str | None:
        about = VerifyContext(self._commander.batch_id, story.key, say)
        return await evidence.missing_work(self._workspace, story, verdict, about)

    async def _build_verdict(self, story: StoryRun, began: float, _said: object) -> DevVerdict:
        return await build_verdict(self._workspace, story, began)

    async def _prove(self, story: StoryRun) -> None:
        """Prove the work of a build that the operator calls finished."""
        gate, workspace = self._gate, self._workspace
        why = await until_possible(gate, lambda: gate.run_interruptible(evidence.missing_proof(workspace, story)))
        if why is not None:
            await block(self._workspace, story, why)

    # -- its plan ----------------------------------------------------------------------------------------------

    async def _plan(self, story: StoryRun) -> None:
        """Have the story planned until a person approves the plan, or leaves the story as it is."""
        comments = "none"
        for number in count(1):
            if not story.live:
                return
            if not await self._is_planned(story, number):
                confirm = partial(self._plan_verdict, story, self._workspace.clock())
                values = await build_values(self._workspace, story, halt=True)
                command = f"{PLANNING}-{number}"
                spec = command_specs.build_plan(command, story, values, comments, confirm)
                await self._performed(spec, story)
                if not story.live:
                    return
            await self._committed(commit_plan, story)
            await self._record_planned(story)
            row = await plan_decision(self._workspace, self._gate, story, number)
            story.skipped = row.decision == GateDecision.SKIP
            if row.decision != GateDecision.BACK:
                return
            await self._take_back(story, number + 1)
            comments = _sent_back("plan", row.comments)

    async def _record_planned(self, story: StoryRun) -> None:
        """Record the status that the build gave its plan, so that the story continues from here after a restart."""
        if story.status == "backlog":
            await advance(self._workspace, story, "ready-for-dev")

    async def _take_back(self, story: StoryRun, number: int) -> None:
        """Set the plan to be planned anew, once: the skill would continue building a plan that is ready."""
        if self._commander.journal.begun(story.key, f"{PLANNING}-{number}"):
            return
        await record_status(self._workspace, story, "backlog", "its plan was sent back")
        try:
            await asyncio.to_thread(write_status, self._workspace.project, story.key, "backlog", None)
        except sprint.SprintError as error:
            await block(self._workspace, story, f"its plan could not be sent back: {error}")
        await self._committed(commit_plan, story)

    async def _is_planned(self, story: StoryRun, number: int) -> bool:
        """Whether the plan is there already, without a round that made it."""
        if number > 1 or self._commander.journal.begun(story.key, f"{PLANNING}-1"):
            return False
        kind = self._workspace.project.kind
        if kind is sprint.PlanKind.TRACKER and not await asyncio.to_thread(build_files, self._workspace, story):
            return False  # the status in a tracker is of the story, which may have been written by hand
        entry = (await asyncio.to_thread(sprint.read, self._workspace.project)).story(story.key)
        return entry is not None and entry.raw_status.strip().lower() == "ready-for-dev"

    async def _plan_verdict(self, story: StoryRun, began: float, _said: object) -> DevVerdict:
        return await plan_verdict(self._workspace, story, began)

    # -- the work tree -----------------------------------------------------------------------------------------

    async def _make_clean(self, command: str, story: StoryRun) -> None:
        """Commit the runner's own files, and see that nothing else is uncommitted; raises `SurroundingsFailed`."""
        if has_begun(self._commander.journal, command, story):
            return
        if await self._commander.unreviewed(story.key) is not None:
            return  # what the operator has changed for it is its work
        await self._committed(commit_own_files)
        why = await evidence.unclean_tree(self._workspace)
        if why is not None:
            raise SurroundingsFailed("git", why)

    async def _committed(self, commit: Callable[..., Awaitable[None]], *story: StoryRun) -> None:
        """Make a commit of the runner's own; the batch waits while git refuses it. Raises `Stopped`."""

        async def attempt() -> None:
            try:
                await self._commander.in_tree(lambda: commit(self._workspace, *story))
            except NotCommitted as error:
                why = f"a build starts from a clean tree, and this could not be committed: {error}"
                raise SurroundingsFailed("git", why) from None

        await until_possible(self._gate, attempt)


def has_begun(journal: Journal, command: str, story: StoryRun) -> bool:
    """Whether a build of the story, or its planning, is recorded."""
    return journal.begun(story.key, command) or journal.begun(story.key, f"{PLANNING}-1")


async def build_goes_on(workspace: Workspace, journal: Journal, phase: Phase, command: str, story: StoryRun) -> bool:
    """Whether a story that entered at review is one whose build had not ended."""
    if phase.kind is not PhaseKind.BUILD:
        return False
    return journal.begun(story.key, command) or await asyncio.to_thread(is_unbuilt, workspace.project, story.key)


async def waits_for_plan(workspace: Workspace, journal: Journal, command: str, story: StoryRun, asked: bool) -> bool:
    """Whether a person is to look at the plan before a build that has not begun: the plan asks, or `asked`."""
    if journal.begun(story.key, command):
        return False
    entry = (await asyncio.to_thread(sprint.read, workspace.project)).story(story.key)
    if entry is None or entry.status.value not in PLANNED:
        return False
    return asked or entry.conditions.plan_checkpoint


async def build_values(
    workspace: Workspace, story: StoryRun, *, halt: bool, before_cleaning: bool = False
) -> dict[str, str]:
    """Return what the prompt of a build says of its story; `halt`: it ends after planning.

    `before_cleaning`: the runner's own files are still to be committed.
    """
    left = await left_by_others(workspace, before_cleaning=before_cleaning)
    branch = await branch_of(workspace)
    call = await asyncio.to_thread(build_call, workspace.project, story, halt=halt, left=left, branch=branch)
    return {"subject": call.subject, "directives": call.extra}


def _sent_back(what: str, comments: str | None) -> str:
    """What the next round is given."""
    return f"A person has looked at the {what} and sends it back: {comments or f'{what} it anew'}"
