"""One cycle: the phases of the preset for one or two stories of one epic.

The code is written as if nothing ever stopped it: after a stop or a crash it runs again from its beginning, and what
is in the journal answers at once. Every side effect is one that may happen twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from db import update_story
from events import EventType
from running import evidence
from running.attempt import Order
from running.background import Background
from running.command import Commander
from running.journal import Result
from running.story import StoryRun, advance
from running.workspace import Workspace, durable, record
from workflow import (
    CodeReviewVerdict,
    CommitVerdict,
    Decision,
    DevVerdict,
    Next,
    Phase,
    PhaseKind,
    ReviewVerdict,
    after_code_review,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)
from workflow.presets import REVIEW_ROUNDS

BACKGROUND_REVIEW: Final = "review"


class Cycle:
    """One cycle of a batch. `stories` are in the order in which they are developed."""

    def __init__(
        self, workspace: Workspace, commander: Commander, background: Background, stories: Sequence[StoryRun]
    ) -> None:
        self.stories = list(stories)
        self._workspace = workspace
        self._commander = commander
        self._background = background

    async def run(self, preset: Sequence[Phase]) -> list[str]:
        """Run every phase; the keys of the stories that are done. Raises `Stopped` and `AgentUnusable`."""
        for phase in preset:
            stories = [story for story in self.stories if story.entered in phase.entered]
            if phase.kind is PhaseKind.COMMIT:
                await self._commit(phase, [story for story in stories if story.status == "done"])
            elif phase.kind is PhaseKind.DEVELOP:
                await self._develop(stories)
            else:
                await self._prepare(phase, [story for story in stories if story.live])
        return [story.key for story in self.stories if story.status == "done"]

    # -- before development ------------------------------------------------------------------------------------

    async def _prepare(self, phase: Phase, stories: list[StoryRun]) -> None:
        if phase.decided:
            stories = [story for story in stories if await self._wants_spec(story)]
        if not stories:
            return
        if phase.kind is PhaseKind.TOGETHER:
            await self._together(phase, tuple(stories))
        else:
            await self._review(phase, tuple(stories))

    async def _together(self, phase: Phase, stories: tuple[StoryRun, ...]) -> None:
        """All commands at once; when one raises, the others are still waited for."""
        work = [self._commander.perform(self._planning(command, stories)) for command in phase.commands]
        results = await asyncio.gather(*work, return_exceptions=True)
        for command, result in zip(phase.commands, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            await self._after_planning(command, stories, result)

    def _planning(self, command: str, stories: tuple[StoryRun, ...]) -> Order:
        if command != "create-story":
            return Order(command, stories, read=_said_something)
        read = partial(read_tech_spec_decisions, count=len(stories))
        check = partial(self._stories_written, stories)
        return Order(command, stories, read=read, check=check)

    async def _stories_written(self, stories: tuple[StoryRun, ...], _verdict: object) -> str:
        return await evidence.stories_written(self._workspace, stories)

    async def _after_planning(self, command: str, stories: tuple[StoryRun, ...], result: Result) -> None:
        if not result.ok:
            await self._give_up(stories, command, result)
        elif command == "create-story":
            decisions = result.read(list[bool])
            for story, needed in zip(stories, decisions, strict=True):
                await self._decide_spec(story, needed)
                await advance(self._workspace, story, "ready-for-dev")

    async def _wants_spec(self, story: StoryRun) -> bool:
        """What create-story decided; a story that came ready needs a tech-spec unless it has one."""
        if story.needs_spec is None:
            spec = self._workspace.project.artifacts / f"tech-spec-{story.key}.md"
            await self._decide_spec(story, not await asyncio.to_thread(spec.is_file))
        return bool(story.needs_spec)

    async def _decide_spec(self, story: StoryRun, needed: bool) -> None:
        """Decided once and kept: after a restart the file may be there without having been reviewed."""
        if story.needs_spec is None:
            story.needs_spec = needed
            await self._keep(story, needs_spec=needed)

    async def _review(self, phase: Phase, stories: tuple[StoryRun, ...]) -> None:
        """The first round blocks; while it is critical, further rounds follow in the background."""
        command = phase.commands[0]
        result = await self._commander.perform(Order(f"{command}-1", stories, read=read_review))
        if not result.ok:
            await self._give_up(stories, f"{command}-1", result)
        elif result.read(ReviewVerdict).critical:
            work = self._review_further(command, stories)
            batch_id, key = self._commander.batch_id, stories[0].key
            self._background.start(BACKGROUND_REVIEW, work, batch_id=batch_id, story_key=key)

    async def _review_further(self, command: str, stories: tuple[StoryRun, ...]) -> str:
        for number in range(2, REVIEW_ROUNDS + 1):
            order = Order(f"{command}-{number}", stories, read=read_review, light=True, background=True)
            result = await self._commander.perform(order)
            if not result.ok:
                return f"{order.command} failed: {result.reason}"
            if not result.read(ReviewVerdict).critical:
                return f"{order.command} found nothing critical any more"
        return f"still critical after {REVIEW_ROUNDS} rounds"

    # -- development -------------------------------------------------------------------------------------------

    async def _develop(self, stories: Sequence[StoryRun]) -> None:
        for story in stories:
            if story.live and story.entered != "review":
                await self._dev_story(story)
            if story.live:
                await self._code_review(story)

    async def _dev_story(self, story: StoryRun) -> None:
        await self._remember_base(story)
        await advance(self._workspace, story, "in-progress")
        check = partial(evidence.developed, self._workspace, story)
        result = await self._commander.perform(
            Order("dev-story", (story,), read=read_dev_story, check=check, watched=True)
        )
        if not result.ok:
            await self._give_up((story,), "dev-story", result)
            return
        verdict = result.read(DevVerdict)
        if verdict.blocked:
            await self._block(story, verdict.reason)
        else:
            await advance(self._workspace, story, "review")

    async def _remember_base(self, story: StoryRun) -> None:
        """What the tree was when development first started, before a single line of it is written."""
        if self._workspace.git is None or story.base_tree is not None:
            return
        story.base_tree = await self._workspace.git.snapshot()
        await self._keep(story, base_tree=story.base_tree)

    async def _keep(self, story: StoryRun, **columns: Any) -> None:
        await durable(lambda: self._workspace.database.write(update_story, story.row_id, **columns))

    async def _code_review(self, story: StoryRun) -> None:
        settings = self._workspace.settings()
        verdicts: list[CodeReviewVerdict] = []
        doubt = ""
        while True:
            number = len(verdicts) + 1
            order = Order(
                f"code-review-{number}",
                (story,),
                read=read_code_review,
                light=number >= settings.light_model_after_review,
                watched=True,
                findings=_findings(verdicts, doubt),
            )
            result = await self._commander.perform(order)
            if not result.ok:
                await self._give_up((story,), order.command, result)
                return
            verdicts.append(result.read(CodeReviewVerdict))
            decision = after_code_review(verdicts, settings.max_code_review_attempts)
            doubt = await self._doubt(story) if decision.next is Next.DONE else ""
            if doubt and number < settings.max_code_review_attempts:
                continue
            if await self._settle(story, decision, doubt):
                return

    async def _doubt(self, story: StoryRun) -> str:
        """Why a reviewed story may not be called done yet."""
        doubts = evidence.doubts(self._workspace, story)
        return await self._commander.gate.attend(doubts)

    async def _settle(self, story: StoryRun, decision: Decision, doubt: str) -> bool:
        """Act on a decision; whether the story is finished."""
        if doubt:
            await self._block(story, doubt)
        elif decision.next is Next.BLOCKED:
            await self._block(story, decision.reason)
        elif decision.next is Next.DONE:
            await advance(self._workspace, story, "done", decision.reason)
        return not story.live

    # -- the end -----------------------------------------------------------------------------------------------

    async def _commit(self, phase: Phase, stories: list[StoryRun]) -> None:
        """Once for the stories that are done; their work is in the tree, so a failure is told and blocks nobody."""
        await self._background.wait(BACKGROUND_REVIEW)
        if not stories or self._workspace.git is None:
            return
        keys = ", ".join(story.key for story in stories)
        message = f"feat(epic-{stories[0].epic}): implement stories {keys}"
        check = partial(self._committed)
        order = Order(
            phase.commands[0], tuple(stories), read=read_commit, check=check, values={"commit_message": message}
        )
        result = await self._commander.perform(order)
        if not result.ok:
            message = f"The work of {keys} is done but was not committed: {result.reason}"
            await record(EventType.ATTENTION, {"kind": "commit", "message": message, "story_key": stories[0].key})

    async def _committed(self, verdict: CommitVerdict) -> str:
        return await evidence.committed(self._workspace, verdict)

    async def _give_up(self, stories: Sequence[StoryRun], command: str, result: Result) -> None:
        for story in stories:
            await self._block(
                story, f"{command} failed {self._workspace.settings().retries + 1} times: {result.reason}"
            )

    async def _block(self, story: StoryRun, reason: str) -> None:
        if not story.live:
            return
        await advance(self._workspace, story, "blocked", reason)
        message = f"{story.key} is blocked: {reason}"
        await record(EventType.ATTENTION, {"kind": "blocked", "message": message, "story_key": story.key})


def _said_something(text: str) -> bool:
    """The verdict of commands whose proof is their exit and their final record alone."""
    return bool(text.strip())


def _findings(verdicts: Sequence[CodeReviewVerdict], doubt: str) -> str:
    """What the next reviewer should know of the rounds before."""
    if doubt:
        return doubt
    if not verdicts or not verdicts[-1].findings:
        return "none"
    return "\n".join(f"- {finding}" for finding in verdicts[-1].findings)
