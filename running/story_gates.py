"""The gates that settings, a preset or a batch ask for, at one story: its plan, and its work before the commit.

What is sent back becomes one round of the command that made it, with the comments; the next review is given the
comments as well, to see that each was dealt with.
"""

from __future__ import annotations

import asyncio
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
from store.gates import GateRow, get_gates_of
from workflow import REVIEW_FORM, decisions_form, read_review, read_tech_spec_decisions
from workflow.presets import REVIEW_ROUNDS

PLANNED: Final = ("backlog", "ready-for-dev")  # where no line of code is written yet
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
        # The same look after a restart, and another one where the story comes again in a later cycle.
        content = f"cycle {self._commander.cycle_number}"
        request = GateRequest(GateKind.COMMIT, story.key, message, content, number, story.key)
        row = await decision_of(self._workspace, self._gate, request)
        story.skipped = story.skipped or row.decision == GateDecision.SKIP
        return row if row.decision == GateDecision.BACK else None

    async def was_sent_back(self, story: StoryRun, number: int) -> bool:
        """Whether this look at the work, in this batch or in one that it continues, ended with sending it back."""
        rows = await self._workspace.database.read(get_gates_of, GateKind.COMMIT.value, story.key)
        return any(row.round == number and row.decision == GateDecision.BACK for row in rows)

    async def development_round(self, command: str, row: GateRow) -> str:
        """Return the name of the round of development that deals with what was sent back."""
        return f"{command}-{MENDED + await self._times_back(row)}"

    async def _plan_request(self, story: StoryRun, number: int) -> GateRequest:
        files = await asyncio.to_thread(sprint.story_files, self._workspace.project, story.key)
        content, changed_at = await asyncio.to_thread(print_of, files[0]) if files else ("", None)
        name = self._workspace.relative(files[0]) if files else "its story"
        message = f"{story.key} is written: read {name} before the first line of code"
        return GateRequest(GateKind.PLAN, story.key, message, content, number, story.key, changed_at)

    async def _write_again(self, story: StoryRun, row: GateRow) -> None:
        """One round of the command that wrote the story, and a review that sees that the comments were dealt with."""
        times = await self._times_back(row)
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
        findings = to_tick_off(row.comments)
        await self._performed(
            CommandSpec(review, (story,), read=read_review, form=REVIEW_FORM, findings=findings), story
        )

    async def _performed(self, spec: CommandSpec, story: StoryRun) -> bool:
        result = await self._commander.perform(spec)
        if not result.ok:
            await give_up(self._commander, (story,), spec.command, result.reason)
        return result.ok

    async def _times_back(self, row: GateRow) -> int:
        """Count how often a story was sent back at this kind of gate, which names the round also in a later batch."""
        rows = await self._workspace.database.read(get_gates_of, row.kind, row.subject)
        return sum(other.decision == GateDecision.BACK and other.id <= row.id for other in rows)


def sent_back(what: str, comments: str | None) -> str:
    """Return what the round gets that deals with what was sent back."""
    if not comments:
        return f"The operator has looked at the {what} and sends it back: make it anew."
    return f"The operator has looked at the {what} and sends it back. Deal with every comment:\n\n{comments}"


def to_tick_off(comments: str | None) -> str:
    """Return what the next review gets."""
    return (
        "The operator sent this back. Check first, comment by comment, that each was dealt with, and say so for each; "
        f"one that was not is a finding of severity HIGH:\n\n{comments or 'Make it anew.'}"
    )
