"""One cycle: the phases of the preset for one or two stories of one epic.

The code is written as if nothing ever stopped it: after a stop or a crash it runs again from its beginning, and what
is in the journal answers at once. Every side effect is one that may happen twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from running.approvals import Approvals
from running.breaker import TryAgain
from running.commits import Commits
from running.development import Development
from running.planning import BACKGROUND_REVIEW, Planning
from running.run_context import RunContext
from running.story import StoryRun
from workflow import PhaseKind
from workflow.presets import FINISHING

__all__ = ["BACKGROUND_REVIEW", "Cycle"]


class Cycle:
    """One cycle of a batch. `stories` are in the order in which they are developed."""

    def __init__(self, context: RunContext, stories: Sequence[StoryRun]) -> None:
        self.stories = list(stories)
        self._preset = context.preset
        self._commander, self._background = context.commander, context.background
        self._commits = Commits(context)
        self._planning = Planning(context)
        self._development = Development(context, self._commits)
        self._approvals = Approvals(context, self._development, self._commits)

    async def run(self) -> list[str]:
        """Run every phase; the keys of the stories that are done. Raises `Stopped`."""
        return await self._until_settled(self._run)

    async def approve(self) -> list[str]:
        """Have a person look at what is done, where that is asked for, and mend what is sent back; the keys of the
        stories that are done then. Raises `Stopped`."""
        return await self._until_settled(self._approve)

    async def _approve(self) -> list[str]:
        for story in self.stories:
            await self._approvals.look(story)
        return [story.key for story in self.stories if story.passed]

    async def _until_settled(self, work: Callable[[], Awaitable[list[str]]]) -> list[str]:
        while True:
            try:
                return await work()
            except TryAgain as again:
                with self._commander.gate.waits_for_background():
                    await self._background.wait(BACKGROUND_REVIEW)  # their rounds are in the journal then
                self._commander.journal.try_again(again.statuses)
                for story in self.stories:
                    if story.status == "blocked" and story.key in again.statuses:
                        story.status = again.statuses[story.key]

    async def _run(self) -> list[str]:
        for phase in self._preset.phases:
            stories = [story for story in self.stories if story.entered in phase.entered]
            if phase.kind is PhaseKind.COMMIT:
                await self._commits.at_end(stories)
            elif phase.kind in FINISHING:
                await self._development.run(phase, stories)
            else:
                await self._planning.run(phase, stories)
        return [story.key for story in self.stories if story.passed]
