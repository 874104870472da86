"""One cycle: the phases of the preset for one or two stories of one epic.

The code is written as if nothing ever stopped it: after a stop or a crash it runs again from its beginning, and what
is in the journal answers at once. Every side effect is one that may happen twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from payloads import Attention
from running import evidence
from running.development import Development
from running.planning import BACKGROUND_REVIEW, Planning
from running.run_context import RunContext
from running.spec import CommandSpec, Say
from running.story import StoryRun
from running.workspace import emit_durable
from workflow import CommitVerdict, Phase, PhaseKind, read_commit
from workflow.presets import FINISHING

__all__ = ["BACKGROUND_REVIEW", "Cycle"]


class Cycle:
    """One cycle of a batch. `stories` are in the order in which they are developed."""

    def __init__(self, context: RunContext, stories: Sequence[StoryRun]) -> None:
        self.stories = list(stories)
        self._preset = context.preset
        self._workspace = context.workspace
        self._commander = context.commander
        self._background = context.background
        self._planning = Planning(context)
        self._development = Development(context)

    async def run(self) -> list[str]:
        """Run every phase and return the keys of the stories that are done. Raises `Stopped` and `AgentUnusable`."""
        for phase in self._preset.phases:
            stories = [story for story in self.stories if story.entered in phase.entered]
            if phase.kind is PhaseKind.COMMIT:
                await self._commit(phase, [story for story in stories if story.passed])
            elif phase.kind in FINISHING:
                await self._development.run(phase, stories)
            else:
                await self._planning.run(phase, stories)
        return [story.key for story in self.stories if story.passed]

    async def _commit(self, phase: Phase, stories: list[StoryRun]) -> None:
        """Commit the stories that are done; their work is in the tree, so a failure is reported and blocks none."""
        await self._background.wait(BACKGROUND_REVIEW)
        if not stories or self._workspace.git is None:
            return
        keys = ", ".join(story.key for story in stories)
        message = f"feat({stories[0].epic}): implement stories {keys}"
        disprove = partial(self._commit_failure, stories)
        order = CommandSpec(
            phase.commands[0], tuple(stories), read=read_commit, disprove=disprove, values={"commit_message": message}
        )
        result = await self._commander.perform(order)
        if not result.ok:
            message = f"The work of {keys} is done but was not committed: {result.reason}"
            await emit_durable(Attention(kind="commit", message=message, story_key=stories[0].key))

    async def _commit_failure(self, stories: Sequence[StoryRun], verdict: CommitVerdict, _say: Say) -> str | None:
        return await evidence.commit_failure(self._workspace, verdict, stories)
