"""The phases before and after development: commands for all stories, for each story, and reviews of plans."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import sprint
from payloads import Attention
from running import command_specs, evidence
from running.blocking import give_up
from running.journal import Journal, Result
from running.run_context import RunContext
from running.spec import CommandSpec, Say
from running.story import StoryRun, advance, keep
from running.workspace import emit_durable
from workflow import Phase, PhaseKind, ReviewVerdict
from workflow.presets import REVIEW_ROUNDS

_SPEC: Final = re.compile(r"\btech(?:nical)?[ -]?spec", re.IGNORECASE)
BACKGROUND_REVIEW: Final = "review"


class Planning:
    """The phases of one cycle that neither develop nor commit."""

    def __init__(self, context: RunContext) -> None:
        self._workspace = context.workspace
        self._commander = context.commander
        self._background = context.background

    async def run(self, phase: Phase, stories: list[StoryRun]) -> None:
        """One phase for these stories. Raises `Stopped`."""
        if phase.kind is PhaseKind.EACH:
            await self._each(phase, stories)
            return
        live = [story for story in stories if story.live]
        if phase.decided:
            live = [story for story in live if await self._wants_spec(story)]
        if not live:
            return
        stories = as_recorded(self._commander.journal, phase.commands[0], stories, live)
        if phase.kind is PhaseKind.TOGETHER:
            await self._together(phase, tuple(stories))
        else:
            await self._review(phase, tuple(stories))

    async def _each(self, phase: Phase, stories: Sequence[StoryRun]) -> None:
        """Command after command, story by story; a story is done after its development: failures are only reported."""
        for story in stories:
            for command in phase.commands:
                if not (story.live or story.passed):
                    break
                result = await self._commander.perform(command_specs.for_each(command, story))
                if not result.ok and story.live:
                    await give_up(self._commander, (story,), command, result.reason)
                elif not result.ok:
                    message = f"{story.key} is done, but {command} failed: {result.reason}"
                    await emit_durable(Attention(kind="command", message=message, story_key=story.key))
                    break

    async def _together(self, phase: Phase, stories: tuple[StoryRun, ...]) -> None:
        """Run all commands in parallel; when one raises, still wait for the others."""
        work = [self._commander.perform(self._planning(command, stories)) for command in phase.commands]
        results = await asyncio.gather(*work, return_exceptions=True)
        for command, result in zip(phase.commands, results, strict=True):
            # A stop and a cancellation end the cycle, but only when no command of it runs any more.
            if isinstance(result, BaseException):
                raise result
            await self._after_planning(command, stories, result)

    def _planning(self, command: str, stories: tuple[StoryRun, ...]) -> CommandSpec:
        missing = self._missing_specs if command == "create-tech-spec" else self._missing_stories
        return command_specs.planning(command, stories, partial(missing, stories))

    async def _missing_stories(self, stories: tuple[StoryRun, ...], _verdict: object, _say: Say) -> str | None:
        return await evidence.missing_stories(self._workspace, stories)

    async def _missing_specs(self, stories: tuple[StoryRun, ...], _verdict: object, _say: Say) -> str | None:
        return await evidence.missing_specs(self._workspace, stories)

    async def _after_planning(self, command: str, stories: tuple[StoryRun, ...], result: Result) -> None:
        if not result.ok:
            await give_up(self._commander, stories, command, result.reason)
        elif command == "create-story":
            decisions = result.read(list[bool])
            for story, needed in zip(stories, decisions, strict=True):
                await self._decide_spec(story, needed)
                await advance(self._workspace, story, "ready-for-dev")

    async def _wants_spec(self, story: StoryRun) -> bool:
        """Whether the story needs a tech-spec, as create-story decided; without a decision, where its file asks for one
        that it does not have."""
        if story.needs_spec is None:
            await self._decide_spec(story, await asyncio.to_thread(asks_for_spec, self._workspace.project, story.key))
        return bool(story.needs_spec)

    async def _decide_spec(self, story: StoryRun, needed: bool) -> None:
        """Store the decision: after a restart, an existing file may be one that was not reviewed."""
        if story.needs_spec is None:
            story.needs_spec = needed
            await keep(self._workspace, story, needs_spec=needed)

    async def _review(self, phase: Phase, stories: tuple[StoryRun, ...]) -> None:
        """The first round blocks; while it is critical, further rounds follow in the background."""
        command = phase.commands[0]
        result = await self._commander.perform(command_specs.plan_review(command, 1, stories))
        if not result.ok:
            await give_up(self._commander, stories, f"{command}-1", result.reason)
        elif result.read(ReviewVerdict).critical:
            work = self._review_further(command, stories)
            batch_id, key = self._commander.batch_id, stories[0].key
            # Development does not wait for these rounds; the end of the batch does.
            self._background.start(BACKGROUND_REVIEW, work, batch_id=batch_id, story_key=key)

    async def _review_further(self, command: str, stories: tuple[StoryRun, ...]) -> str:
        for number in range(2, REVIEW_ROUNDS + 1):
            spec = command_specs.plan_review(command, number, stories)
            result = await self._commander.perform(spec)
            if not result.ok:
                return f"{spec.command} failed: {result.reason}"
            if not result.read(ReviewVerdict).critical:
                return f"{spec.command} found nothing critical any more"
        return f"still critical after {REVIEW_ROUNDS} rounds"


def as_recorded(
    journal: Journal, command: str, stories: Sequence[StoryRun], live: Sequence[StoryRun]
) -> list[StoryRun]:
    """The stories that a recorded command was for, also those that were given up since: its result is theirs."""
    keys = journal.stories_of(command)
    if not {story.key for story in live} <= set(keys):
        # A story outside of the recorded call has no result in it, so the command runs once more.
        return list(live)
    return [story for story in stories if story.key in keys]


def asks_for_spec(project: sprint.Project, key: str) -> bool:
    """Whether the file of a story speaks of a tech-spec, and there is none. Blocks on the disk."""
    if (project.artifacts / f"tech-spec-{key}.md").is_file():
        return False
    files = sprint.story_files(project, key)[:1]
    return any(_SPEC.search(path.read_text("utf-8", "replace")) is not None for path in files)
