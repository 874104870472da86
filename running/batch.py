"""A batch: the context first, then cycle after cycle, then exactly one `batch:end`.

Promises: whatever happens inside, the batch ends as `completed`, `stopped` or `error`, or stays open as `interrupted`
when the server itself ends; its end is told after the last agent is gone, with the true count of cycles.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection
from typing import Any

from events import current_batch
from payloads import Attention, BatchEnd, BatchEndStatus, BatchPause, CycleEnd, Error, Payload, or_unset
from running.background import Background
from running.command import AgentUnusable, Commander
from running.context import ensure_context
from running.cycle import BACKGROUND_REVIEW, Cycle
from running.cycle_source import CycleSource, PlannedCycle
from running.gate import StopMode, Stopped
from running.lanes.lane import LaneRun, tidy
from running.lanes.scheduler import FinishOrder, Lanes
from running.workspace import Workspace, emit_durable, record_batch, until_stored
from store.lanes import Lane as LaneRow
from store.stories import finish_stories
from workflow import Preset

log = logging.getLogger("sprint_runner.run")


class Batch:
    """One batch in progress. `cycles` is None for all, `completed` counts those behind it.

    `width` is how many cycles may run side by side.
    """

    def __init__(
        self,
        workspace: Workspace,
        commander: Commander,
        background: Background,
        intake: CycleSource,
        *,
        preset: Preset,
        cycles: int | None,
        completed: int = 0,
        width: int = 1,
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
        self._width = width
        self._turns = FinishOrder(completed + 1)
        self._behind: deque[PlannedCycle] = deque()
        self._begun = completed

    async def run(self) -> None:
        """Run to the end; every failure inside is told and ends the batch, none comes out."""
        current_batch.set(self.id)
        status: BatchEndStatus = "completed"
        reason = None
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
        """One after the other; in lanes where the setting says so, after what was begun in the user's own tree."""
        await tidy(self._workspace)
        self._behind.extend(await self._intake.unfinished(self.completed))
        self._begun = self.completed + len(self._behind)
        if self._width > 1:
            while self._behind and self._behind[0].lane is None:
                await self._run_cycle(self._behind.popleft())
            await Lanes(self._width, self.gate, self._turns, self._take, self._run_cycle).run()
            return
        while (taken := await self._take()) is not None:
            await self._run_cycle(taken)

    async def _take(self, busy: Collection[str] = ()) -> PlannedCycle | None:
        """The next cycle, of an epic that is not busy; None for none now."""
        if self._cycles is not None and self.completed >= self._cycles:
            return None
        if self._behind:
            return self._behind.popleft()
        if self._cycles is not None and self._begun >= self._cycles:
            return None
        await self.gate.enter()
        taken = await self._intake.fresh(self._begun + 1, beside=self._width > 1, busy=busy)
        if taken is not None:
            self._begun = taken.number
        return taken

    async def _run_cycle(self, taken: PlannedCycle) -> None:
        if taken.lane is not None:
            await self._run_in_lane(taken, taken.lane)
            return
        self._commander.begin_cycle(taken.number, taken.journal)
        cycle = Cycle(self._workspace, self._commander, self._background, taken.stories)
        await self._end_cycle(taken, await cycle.run(self._preset))

    async def _run_in_lane(self, taken: PlannedCycle, names: LaneRow) -> None:
        """Side by side up to the commit, one after the other from there on."""
        lane = LaneRun(self._workspace, self._commander, self._background, taken, names)
        await lane.work(self._preset)
        await self._turns.wait(taken.number)
        done = await lane.finish()
        await self._end_cycle(taken, done, merge=lane.merged)
        await lane.close()

    async def _end_cycle(self, taken: PlannedCycle, done: list[str], merge: str | None = None) -> None:
        self._intake.finish(taken.stories)
        self.completed = taken.number
        blocked = [story.key for story in taken.stories if story.status == "blocked"]
        payload = CycleEnd(
            cycle_number=taken.number, completed_stories=done, blocked_stories=blocked, merge=or_unset(merge)
        )
        await self._record(payload, cycles_completed=taken.number)
        self._turns.end(taken.number)

    async def _tell_error(self, error: Exception, reason: str) -> None:
        """An agent that cannot run is the operator's matter; anything else is ours and goes to the log in full."""
        if isinstance(error, AgentUnusable):
            await emit_durable(Attention(kind=error.kind, message=reason))
        else:
            log.exception("the batch failed")
        await emit_durable(Error(type=type(error).__name__, message=reason))

    async def _finish(self, status: BatchEndStatus, reason: str | None) -> None:
        """Wait for the agents in the background, which a stop or an error has told to end, then tell the end."""
        if status == "error":
            self.gate.end_agents()
        await self._background.wait(BACKGROUND_REVIEW)
        if status == "stopped" and self.gate.stop_mode is StopMode.INTERRUPT:
            await self._stay_open()
            return
        self.gate.close()
        payload = BatchEnd(batch_id=self.id, cycles_completed=self.completed, status=status, reason=or_unset(reason))
        ended = int(self._workspace.clock() * 1000)
        await until_stored(lambda: self._workspace.database.write(finish_stories, self.id, ended))
        await self._record(payload, status=status, reason=reason, ended_at=ended)

    async def _stay_open(self) -> None:
        """The server ends: a batch that stood paused stays paused, any other one can be resumed."""
        if not self.gate.is_announced:
            await self._record(BatchPause(batch_id=self.id, reason="interrupted"), status="interrupted")

    async def _record(self, payload: Payload, **columns: Any) -> None:
        await record_batch(self._workspace, self.id, payload, **columns)
