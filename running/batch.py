"""A batch: the context first, then cycle after cycle, then exactly one `batch:end`.

Promises: whatever happens inside, the batch ends as `completed`, `stopped` or `error`, or stays open as `interrupted`
when the server itself ends; its end is told after the last agent is gone, with the true count of cycles.
"""

from __future__ import annotations

import logging
from typing import Any

from events import EventType, current_batch
from running.background import Background
from running.command import AgentUnusable, Commander
from running.context import ensure_context
from running.cycle import BACKGROUND_REVIEW, Cycle
from running.gate import StopMode, Stopped
from running.intake import Intake
from running.story import StoryRun
from running.workspace import Workspace, known, record, record_batch
from workflow import Preset

log = logging.getLogger("sprint_runner.run")


class Batch:
    """One batch in progress. `cycles` is None for all, `completed` counts those behind it."""

    def __init__(
        self,
        workspace: Workspace,
        commander: Commander,
        background: Background,
        intake: Intake,
        *,
        preset: Preset,
        cycles: int | None,
        completed: int = 0,
    ) -> None:
        self.id = commander.batch_id
        self.gate = commander.gate
        self.completed = completed
        self._workspace = workspace
        self._commander = commander
        self._background = background
        self._intake = intake
        self._preset = preset
        self._cycles = cycles

    async def run(self) -> None:
        """Run to the end; every failure inside is told and ends the batch, none comes out."""
        current_batch.set(self.id)
        status, reason = "completed", None
        try:
            await ensure_context(self._workspace, self._commander, self._background)
            await self._run_cycles()
        except Stopped:
            status = "stopped"
        except Exception as error:
            status, reason = "error", self._workspace.masker.text(str(error)) or type(error).__name__
            await self._tell_error(error, reason)
        await self._finish(status, reason)

    async def _run_cycles(self) -> None:
        stories = await self._intake.unfinished(self.completed + 1)
        while self._cycles is None or self.completed < self._cycles:
            if not stories:
                await self.gate.enter()
                stories = await self._intake.fresh(self.completed + 1)
            if not stories:
                return
            await self._run_cycle(stories)
            stories = []

    async def _run_cycle(self, stories: list[StoryRun]) -> None:
        number = self.completed + 1
        self._commander.begin_cycle(number, self._intake.journal)
        done = await Cycle(self._workspace, self._commander, self._background, stories).run(self._preset)
        self._intake.finish(stories)
        self.completed = number
        blocked = [story.key for story in stories if story.status == "blocked"]
        payload = {"cycle_number": number, "completed_stories": done, "blocked_stories": blocked}
        await self._record(EventType.CYCLE_END, payload, cycles_completed=number)

    async def _tell_error(self, error: Exception, reason: str) -> None:
        """An agent that cannot run is the operator's matter; anything else is ours and goes to the log in full."""
        if isinstance(error, AgentUnusable):
            await record(EventType.ATTENTION, {"kind": error.kind, "message": reason})
        else:
            log.exception("the batch failed")
        await record(EventType.ERROR, {"type": type(error).__name__, "message": reason})

    async def _finish(self, status: str, reason: str | None) -> None:
        """Wait for the agents in the background, which a stop or an error has told to end, then tell the end."""
        if status == "error":
            self.gate.end_agents()
        await self._background.wait(BACKGROUND_REVIEW)
        if status == "stopped" and self.gate.stop_mode is StopMode.INTERRUPT:
            await self._stay_open()
            return
        self.gate.close()
        payload = known(batch_id=self.id, cycles_completed=self.completed, status=status, reason=reason)
        ended = int(self._workspace.clock() * 1000)
        await self._record(EventType.BATCH_END, payload, status=status, reason=reason, ended_at=ended)

    async def _stay_open(self) -> None:
        """The server ends: a batch that stood paused stays paused, any other one can be resumed."""
        if not self.gate.holds:
            payload = {"batch_id": self.id, "reason": "interrupted"}
            await self._record(EventType.BATCH_PAUSE, payload, status="interrupted")

    async def _record(self, type: EventType, payload: dict[str, Any], **columns: Any) -> None:
        await record_batch(self._workspace, self.id, type, payload, **columns)
