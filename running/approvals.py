"""The look at a story that is done, where the plan, the settings or the batch ask for one.

What is sent back becomes one round of development with the comments, its review and a further commit; what is skipped
is put aside without being done, with its commit in place, and in a lane unmerged. Every step may happen twice.
"""

from __future__ import annotations

import asyncio
from itertools import count

import sprint
from running.commits import Commits
from running.development import Development
from running.gates import GateDecision, GateKind
from running.run_context import RunContext
from running.story import StoryRun, keep, reopen
from running.story_gates import StoryGates, mending_command
from store.gates import GateRow
from workflow import Phase
from workflow.presets import FINISHING


class Approvals:
    """The looks at the stories of one cycle."""

    def __init__(self, context: RunContext, development: Development, commits: Commits) -> None:
        self._workspace = context.workspace
        self._journal = context.commander.journal
        self._development = development
        self._commits = commits
        self._gates = StoryGates(context)
        self._each = GateKind.DONE in (context.preset.gates or ())
        self._phase = next((phase for phase in context.preset.phases if phase.kind in FINISHING), None)
        self._command = mending_command(self._phase)

    async def look(self, story: StoryRun) -> None:
        """Have a person look at a story until it stays done, or is put aside. Raises `Stopped`."""
        begun = await self._gates.sent_back_after_commit(story, self._command)
        if begun is not None and story.live and self._phase is not None:
            await self._mend(self._phase, story, begun)
        for number in count(1):
            if not story.passed or not await self._is_asked_for(story):
                return
            row = await self._gates.approve_done(story, number)
            if row.decision == GateDecision.SKIP:
                await reopen(self._workspace, story, "put aside after its commit")
            if row.decision != GateDecision.BACK or self._phase is None:
                return
            await self._mend(self._phase, story, row)

    async def _is_asked_for(self, story: StoryRun) -> bool:
        plan = await asyncio.to_thread(sprint.read, self._workspace.project)
        entry = plan.story(story.key)
        return self._each or (entry is not None and entry.conditions.done_checkpoint)

    async def _mend(self, phase: Phase, story: StoryRun, row: GateRow) -> None:
        """The round that deals with the comments; one that a restart finds begun goes on where it was."""
        name = await self._gates.development_round(self._command, row)
        if not self._journal.begun(story.key, name):
            await reopen(self._workspace, story, "sent back after its commit")
            story.commit_hash = story.commit_failure = None
            await keep(self._workspace, story, commit_hash=None, commit_failure=None)
        if story.live:
            await self._development.mend(phase, story, row, name)
        await self._commits.again(story)
