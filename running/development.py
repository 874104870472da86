"""The phases at whose end a story is done: development or an unattended build, then rounds of code review.

Story by story. A story is done when its review has passed and the world agrees: its work is in the tree, and the
project's check passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final

from running import command_specs, evidence
from running.blocking import block_or_try_again, give_up
from running.building import Building
from running.by_hand import was_done_by_hand
from running.commit_plan import remember_base
from running.commits import Commits
from running.deferred import collect_deferred
from running.journal import Result
from running.run_context import RunContext
from running.spec import CommandSpec, Say
from running.story import StoryRun, advance, block
from running.story_gates import StoryGates, comments_of, mending_command, sent_back, to_tick_off
from running.subject import CommandSubject
from running.surroundings import until_possible
from running.verify import VerifyContext
from running.workspace import emit_best_effort
from store.checks import get_checks_of_command
from store.gates import GateRow
from workflow import (
    CodeReviewVerdict,
    Decision,
    DevVerdict,
    Next,
    Phase,
    PhaseKind,
    after_code_review,
)

LOOKS: Final = 100  # before a commit, that the numbers of those before another commit leave room for


class Development:
    """The developing phase of one cycle."""

    def __init__(self, context: RunContext, commits: Commits) -> None:
        self._workspace = context.workspace
        self._commander = context.commander
        self._building = Building(context)
        self._commits = commits
        self._gates = StoryGates(context)

    async def run(self, phase: Phase, stories: Sequence[StoryRun]) -> None:
        """One story after the other, each with its commit. Raises `Stopped`."""
        for place, story in enumerate(stories):
            if await self._gates.sent_back_after_commit(story, mending_command(phase)) is not None:
                continue  # its round goes on where its look is
            self._leave_after_another(phase, story, stories[:place])
            await self._finish(phase, story)
            await collect_deferred(self._workspace, self._commander.batch_id, story)
            if phase.kind is PhaseKind.BUILD:
                await self._building.leave_clean(story)
            await self._commits.after_story(story)

    def _leave_after_another(self, phase: Phase, story: StoryRun, before: Sequence[StoryRun]) -> None:
        """Leave a story as it is where the batch is to stop after the one before it."""
        begun = any(self._commander.journal.begun(story.key, command) for command in phase.commands)
        if self._commander.gate.stop_after == "story" and not begun and any(not other.skipped for other in before):
            story.skipped = True

    async def _finish(self, phase: Phase, story: StoryRun) -> None:
        """Bring a story to its end, or to where it is blocked."""
        first, *rest = phase.commands
        reviewed = story.entered == "review" and not await self._building.goes_on(phase, first, story)
        if phase.kind is PhaseKind.DEVELOP and story.live and not reviewed:
            await self._gates.approve_plan(first, story)
        if story.live and not reviewed:
            await (self._building.run if phase.kind is PhaseKind.BUILD else self._develop)(first, story)
        elif story.live:
            await self._come_in_at_review(story)
        if not story.live:
            return
        by_hand = await was_done_by_hand(self._workspace, story.key)
        if command_specs.is_reviewed(phase, came_for_review=reviewed or by_hand):
            await self._code_review(phase, rest[0], story)
        else:
            await self._accept(phase, first, story)

    # -- the work ----------------------------------------------------------------------------------------------

    async def _develop(self, command: str, story: StoryRun) -> None:
        by_hand = await self._commander.unreviewed(story.key)
        await remember_base(self._workspace, story, developing=True, by_hand=by_hand)
        await advance(self._workspace, story, "in-progress")
        if not story.live:
            return
        if await self._worked(story, self._development(command, story)):
            await advance(self._workspace, story, "review")

    def _development(self, command: str, story: StoryRun, findings: str = "none") -> CommandSpec:
        disprove = partial(self._missing_work, story)
        return replace(command_specs.development(command, story, disprove), findings=findings)

    async def _come_in_at_review(self, story: StoryRun) -> None:
        """Block a story that entered at review and has no work to review."""
        gate = self._commander.gate
        by_hand = await self._commander.unreviewed(story.key)
        await until_possible(gate, lambda: remember_base(self._workspace, story, developing=False, by_hand=by_hand))
        why = await until_possible(gate, lambda: evidence.nothing_to_review(self._workspace, story))
        if why is not None:
            await block(self._workspace, story, why)

    async def _worked(self, story: StoryRun, spec: CommandSpec) -> bool:
        result = await self._commander.perform(spec)
        if not result.ok:
            await give_up(self._commander, (story,), spec.command, result.reason)
            return False
        verdict = result.read(DevVerdict)
        if verdict.blocked:
            await block(self._workspace, story, verdict.reason)
        return not verdict.blocked

    async def _missing_work(self, story: StoryRun, verdict: DevVerdict, say: Say) -> str | None:
        about = VerifyContext(self._commander.batch_id, story.key, say)
        return await evidence.missing_work(self._workspace, story, verdict, about)

    async def _accept(self, phase: Phase, command: str, story: StoryRun) -> None:
        """Mark the story as done without a code review: the evidence was checked when the command ended."""
        for look in count(1):
            row = await self._sent_back(phase, command, story, look)
            if not story.live:
                return
            if row is None:
                break
        await advance(self._workspace, story, "done", f"{command} is complete, and its work is in the tree")

    async def _sent_back(self, phase: Phase, command: str, story: StoryRun, look: int) -> tuple[str, ...] | None:
        """Have a person look at the work, and have what is sent back mended; the comments, None where nothing is."""
        if phase.kind is PhaseKind.BUILD:  # a build has committed its work
            return None
        row = await self._gates.approve_commit(story, look)
        if row is None:
            return None
        name = await self._gates.development_round(command, row)
        await self._worked(story, self._development(name, story, sent_back("work", row.comments)))
        return comments_of(row)

    async def mend(self, phase: Phase, story: StoryRun, row: GateRow, name: str) -> None:
        """One more round of a story that was done and was sent back, then its code review; it is done afterwards.

        `name` is that of the round. Raises `Stopped`.
        """
        if not await self._worked(story, self._development(name, story, sent_back("work", row.comments))):
            return
        if len(phase.commands) > 1:
            earlier = await self._gates.reviews_before(story, phase.commands[1], row)
            # Its looks before the commit are others than those before the first commit.
            await self._code_review(phase, phase.commands[1], story, comments_of(row), earlier, row.round * LOOKS + 1)
        else:
            await advance(self._workspace, story, "done", f"{name} is complete, and its work is in the tree")
        if phase.kind is PhaseKind.BUILD:
            await self._building.leave_clean(story)

    # -- code review -------------------------------------------------------------------------------------------

    async def _code_review(
        self,
        phase: Phase,
        command: str,
        story: StoryRun,
        comments: tuple[str, ...] = (),
        earlier: int = 0,
        look: int = 1,
    ) -> None:
        """Rounds until a story is done or blocked, named from `earlier` on; `comments` are the operator's."""
        settings = self._workspace.settings()
        limit = command_specs.review_limit(phase, settings.max_code_review_attempts)
        verdicts: list[CodeReviewVerdict] = []
        unproved: str | None = None
        while True:
            number = earlier + len(verdicts) + 1
            findings = _findings(verdicts, unproved, comments)
            light_from = settings.light_model_after_review + earlier
            spec = command_specs.code_review(command, number, story, light_from, findings, comments)
            result = await self._commander.perform(spec)
            if not result.ok:
                await give_up(self._commander, (story,), spec.command, result.reason)
                return
            verdicts.append(result.read(CodeReviewVerdict))
            decision = after_code_review(verdicts, limit)
            following = f"{command}-{number + 1}"
            unproved = None
            comments = tuple(answer.comment for answer in verdicts[-1].answers if not answer.answered)
            if decision.next is Next.DONE:
                unproved = await self._missing_proof(story, spec, result, following, look)
            # The missing proof is given to the next reviewer as a finding to repair.
            if unproved is not None and len(verdicts) < limit:
                continue
            if decision.next is Next.DONE and unproved is None and await self._changed_by_hand(story, following, look):
                continue
            if decision.next is Next.DONE and unproved is None:
                back = await self._sent_back(phase, phase.commands[0], story, look)
                look += 1
                if not story.live:
                    return
                if back is not None:
                    comments = back
                    continue
            if await self._settle(story, decision, unproved):
                return

    async def _changed_by_hand(self, story: StoryRun, following: str, look: int) -> bool:
        """Whether the operator has changed a story since its review, which is reviewed again then."""
        await self._commander.until_handed_back()
        if await self._commander.unreviewed(story.key) is not None:
            return True
        # After a restart the round that followed is in the journal.
        taken = self._workspace.taken_trees.returned(story.key) is not None
        begun = taken and self._commander.journal.begun(story.key, following)
        return begun and not await self._gates.was_sent_back(story, look)

    async def _missing_proof(
        self, story: StoryRun, spec: CommandSpec, result: Result, following: str, look: int
    ) -> str | None:
        """Return why a reviewed story may not be called done yet; once the next round has begun, as recorded then."""
        begun = self._commander.journal.begun(story.key, following)
        # The round that follows a look which sent the work back says nothing about its proof.
        handed_back = self._workspace.taken_trees.returned(story.key) is not None
        if begun and not handed_back and not await self._gates.was_sent_back(story, look):
            return await self._recorded_failure(result)
        about = VerifyContext(self._commander.batch_id, story.key, self._saying(spec, result), result.command_id)
        gate, workspace = self._commander.gate, self._workspace
        return await until_possible(
            gate,
            lambda: self._commander.in_tree(
                lambda: gate.run_interruptible(
                    evidence.missing_proof(workspace, story, about, after_agent=not handed_back)
                )
            ),
        )

    async def _recorded_failure(self, result: Result) -> str:
        checks = await self._workspace.database.read(get_checks_of_command, result.command_id or 0)
        if checks and not checks[-1].ok:
            return f"the check failed:\n{checks[-1].tail}"
        return "the story's work could not be proved"

    def _saying(self, spec: CommandSpec, result: Result) -> Callable[[str], None]:
        """Return a function that emits a line about the review that has just ended."""
        subject = CommandSubject(story_key=spec.story_key, command=spec.command, command_id=result.command_id or 0)
        return lambda message: emit_best_effort(subject.progress("test", message, "note"))

    async def _settle(self, story: StoryRun, decision: Decision, unproved: str | None) -> bool:
        """Apply a decision; return whether the story is finished."""
        if unproved is not None:
            await block_or_try_again(self._commander, (story,), "code-review", unproved)
        elif decision.next is Next.BLOCKED:
            await block(self._workspace, story, decision.reason)
        elif decision.next is Next.DONE:
            await advance(self._workspace, story, "done", decision.reason)
        return not story.live


def _findings(verdicts: Sequence[CodeReviewVerdict], unproved: str | None, comments: Sequence[str]) -> str:
    """Return what the prompt of a review says of the rounds before it, and of what was sent back."""
    before = command_specs.review_findings(verdicts, unproved)
    if not comments:
        return before
    return to_tick_off(comments) if before == "none" else f"{before}\n\n{to_tick_off(comments)}"
