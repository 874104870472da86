"""The gates that settings, a preset or a batch ask for, at one story: its plan, and its work before the commit.

What is sent back becomes one round of the command that made it, with the comments; the next review is given the
comments as well, to see that each was dealt with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final

import sprint
from running import evidence
from running.blocking import give_up
from running.gates import GateDecision, GateKind, GateRequest, decision_of, print_of
from running.run_context import RunContext
from running.spec import CommandSpec
from running.story import StoryRun
from store.commands import get_commands_by_key
from store.gates import GateRow, get_gates_of
from workflow import (
    REVIEW_FORM,
    Phase,
    PhaseKind,
    decisions_form,
    kind_of,
    numbered,
    read_review,
    read_tech_spec_decisions,
    split_comments,
)
from workflow.presets import REVIEW_ROUNDS

PLANNED: Final = ("backlog", "ready-for-dev")  # where no line of code is written yet
WITHOUT: Final = "Make it anew."  # what is sent back without a comment
MENDED: Final = 2  # rounds that the names of development have before: the first, and the one for a refusing hook


class StoryGates:
    """The gates at the stories of one cycle."""

    def __init__(self, context: RunContext) -> None:
        self._workspace = context.workspace
        self._commander = context.commander
        self._gate = context.gate
        self._gates = frozenset(context.preset.gates or ())

    async def approve_plan(self, command: str, story: StoryRun) -> None:
        """Have a person look at a story before `command` writes its first line of code. Raises `Stopped`."""
        begun = self._commander.journal.begun(story.key, command)
        if GateKind.PLAN not in self._gates or story.status not in PLANNED or begun:
            return
        for number in count(1):
            row = await decision_of(self._workspace, self._gate, await self._plan_request(story, number))
            story.skipped = story.skipped or row.decision == GateDecision.SKIP
            if row.decision != GateDecision.BACK:
                return
            await self._write_again(story, row)
            if not story.live:
                return

    async def approve_commit(self, story: StoryRun, number: int) -> GateRow | None:
        """Have a person look at the work of a story; return the decision to send it back. Raises `Stopped`.

        `number` counts the looks of one cycle.
        """
        if GateKind.COMMIT not in self._gates:
            return None
        message = f"{story.key} has passed its checks: look at its changes before they are committed"
        request = GateRequest(GateKind.COMMIT, story.key, message, self._this_cycle, number, story.key)
        row = await decision_of(self._workspace, self._gate, request)
        story.skipped = story.skipped or row.decision == GateDecision.SKIP
        return row if row.decision == GateDecision.BACK else None

    async def approve_done(self, story: StoryRun, number: int) -> GateRow:
        """Have a person look at a story that is done, in a lane before it is merged; return the decision. Raises
        `Stopped`."""
        message = f"{story.key} is done and asks for a look before the run continues"
        request = GateRequest(GateKind.DONE, story.key, message, self._this_cycle, number, story.key)
        return await decision_of(self._workspace, self._gate, request)

    async def sent_back_after_commit(self, story: StoryRun, command: str) -> GateRow | None:
        """Return the decision with which a story of this cycle, or one that it continues, was sent back last, after it
        was done; None where another look followed."""
        rows = await self._workspace.database.read(get_gates_of, GateKind.DONE.value, story.key)
        if not rows or rows[-1].decision != GateDecision.BACK:
            return None
        here = rows[-1].batch_id == self._gate.batch_id and rows[-1].content == self._this_cycle
        name = await self.development_round(command, rows[-1])
        return rows[-1] if here or self._commander.journal.begun(story.key, name) else None

    @property
    def _this_cycle(self) -> str:
        """What a look is at: the same after a restart, and another one where the story comes again later."""
        return f"cycle {self._commander.cycle_number}"

    async def was_sent_back(self, story: StoryRun, number: int) -> bool:
        """Whether this look at the work, in this batch or in one that it continues, ended with sending it back."""
        rows = await self._workspace.database.read(get_gates_of, GateKind.COMMIT.value, story.key)
        return any(row.round == number and row.decision == GateDecision.BACK for row in rows)

    async def development_round(self, command: str, row: GateRow) -> str:
        """Return the name of the round of development that deals with what was sent back."""
        times = sum([await self._times_back(row, kind) for kind in (GateKind.COMMIT, GateKind.DONE)])
        return f"{command}-{MENDED + times}"

    async def reviews_before(self, story: StoryRun, command: str, row: GateRow) -> int:
        """Return the number of the last code review before a decision, after which the next ones are named."""
        commands = await self._workspace.database.read(get_commands_by_key, story.key)
        decided = row.decided_at or row.opened_at
        names = [other.command for other in commands if other.started_at <= decided]
        return max((int(name.rpartition("-")[2]) for name in names if kind_of(name) == command), default=0)

    async def _plan_request(self, story: StoryRun, number: int) -> GateRequest:
        files = await asyncio.to_thread(sprint.story_files, self._workspace.project, story.key)
        content, changed_at = await asyncio.to_thread(print_of, files[0]) if files else ("", None)
        name = self._workspace.relative(files[0]) if files else "its story"
        message = f"{story.key} is written: read {name} before the first line of code"
        return GateRequest(GateKind.PLAN, story.key, message, content, number, story.key, changed_at)

    async def _write_again(self, story: StoryRun, row: GateRow) -> None:
        """One round of the command that wrote the story, and a review that sees that the comments were dealt with."""
        times = await self._times_back(row, GateKind.PLAN)
        spec = CommandSpec(
            f"create-story-{1 + times}",
            (story,),
            read=partial(read_tech_spec_decisions, count=1),
            form=decisions_form(1),
            disprove=lambda _verdict, _say: evidence.missing_stories(self._workspace, (story,)),
            products=(story.key,),
            findings=sent_back("story", row.comments),
        )
        if not await self._performed(spec, story):
            return
        review = f"story-review-{REVIEW_ROUNDS + times}"
        comments = comments_of(row)
        spec = CommandSpec(review, (story,), read=read_review, form=REVIEW_FORM, comments=comments)
        await self._performed(replace(spec, findings=to_tick_off(comments)), story)

    async def _performed(self, spec: CommandSpec, story: StoryRun) -> bool:
        result = await self._commander.perform(spec)
        if not result.ok:
            await give_up(self._commander, (story,), spec.command, result.reason)
        return result.ok

    async def _times_back(self, row: GateRow, kind: GateKind) -> int:
        """Count how often a story was sent back at a kind of gate up to now, which names the round in every batch."""
        rows = await self._workspace.database.read(get_gates_of, kind.value, row.subject)
        return sum(other.decision == GateDecision.BACK and other.id <= row.id for other in rows)


def mending_command(phase: Phase | None) -> str:
    """Return the command whose rounds deal with what was sent back; a build would not build again what is done."""
    return "dev-story" if phase is None or phase.kind is PhaseKind.BUILD else phase.commands[0]


def comments_of(row: GateRow) -> tuple[str, ...]:
    """Return what was sent back, comment by comment."""
    return split_comments(row.comments) or (WITHOUT,)


def sent_back(what: str, comments: str | None) -> str:
    """Return what the round gets that deals with what was sent back."""
    if not comments:
        return f"The operator has looked at the {what} and sends it back: make it anew."
    listed = numbered(split_comments(comments))
    return f"The operator has looked at the {what} and sends it back. Deal with every comment:\n\n{listed}"


def to_tick_off(comments: Sequence[str]) -> str:
    """Return what the next review gets."""
    return (
        "The operator sent this back. Check first, comment by comment, that each was dealt with; one that was not is a "
        "finding of severity HIGH. Before everything else of the form at the end write the heading `## Comments` and "
        "below it one line for each comment, by its number: `1: ANSWERED what was done, and where` or `1: OPEN what is "
        f"missing`. The comments:\n\n{numbered(comments)}"
    )
