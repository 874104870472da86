"""A batch: the context first, then cycle after cycle, then exactly one `batch:end`.

Promises: whatever happens inside, the batch ends as `completed`, `stopped` or `error`, or stays open as `interrupted`
when the server itself ends; its end is emitted after the last agent has ended, with the true count of cycles.
"""

from __future__ import annotations

import logging
from typing import Any

from msgspec import UNSET

from events import current_batch
from payloads import Attention, BatchEnd, BatchEndStatus, BatchPause, Error, Payload, or_unset
from running.command_waits import AgentUnusable
from running.context import ensure_context
from running.cycle import BACKGROUND_REVIEW
from running.cycle_queue import CycleQueue
from running.delivery.decisions import sentence_of_open
from running.gate import StopMode, Stopped
from running.git_check import warn_of_blind_spots
from running.lanes.lane import tidy
from running.lanes.place import Places
from running.lanes.scheduler import Scheduler
from running.run_context import RunContext
from running.sprint_planning import NoPlanMade, plan_sprint
from running.workspace import Workspace, emit_durable, record_batch, record_with
from store.batches import update_batch
from store.run_queue import end_run_queue
from store.stories import finish_stories, get_stories_by_batch

log = logging.getLogger("sprint_runner.run")


class StoriesOpen(RuntimeError):
    """Nothing can be taken any more, and yet stories are left that could run."""


async def end_batch(workspace: Workspace, payload: BatchEnd, ended: int) -> None:
    """The batch's row, those of its stories and `batch:end` in one commit."""
    database, id_ = workspace.database, payload.batch_id
    reason = None if payload.reason is UNSET else payload.reason

    def change() -> None:
        database.write(finish_stories, id_, ended)
        database.write(end_run_queue)
        database.write(update_batch, id_, status=payload.status, reason=reason, ended_at=ended)

    await record_with(workspace, payload, change)


class Batch:
    """One batch in progress. `width` is how many cycles may run side by side, `places` those for lanes here."""

    def __init__(self, context: RunContext, queue: CycleQueue, width: int, places: Places) -> None:
        self.id = context.batch_id
        self.gate = context.gate
        self.breaker = context.commander.breaker
        self._context = context
        self._workspace = context.workspace
        self._background = context.background
        self._queue = queue
        self._width = width
        self._places = places

    async def run(self) -> None:
        """Run the batch to its end; every failure is reported and ends the batch, none is raised."""
        current_batch.set(self.id)
        status: BatchEndStatus = "completed"
        reason: str | None = None
        try:
            reason = await self._work()
        except Stopped:
            status = "stopped"
        # No fault may leave the batch without its `batch:end`: pages and scripts wait for it.
        except Exception as error:
            status, reason = "error", self._workspace.masker.text(str(error)) or type(error).__name__
            await self._tell_error(error, reason)
        await self._finish(status, reason)

    async def _work(self) -> str | None:
        """Make the plan, or run the cycles; return the reason of the end, if there is one. Raises `Stopped`."""
        if self._context.preset.makes_plan:
            await plan_sprint(self._context)
            return "the sprint is planned"
        await ensure_context(self._context)
        await warn_of_blind_spots(self._workspace, self.id)
        await tidy(self._workspace)
        await self._queue.load()
        await Scheduler(self._context, self._queue, self._width, self._places).run()
        return await self._ending()

    async def _ending(self) -> str | None:
        """Return which stories are blocked and which deliveries open, None for none. Raises `StoriesOpen`, `Stopped`.

        A batch that was to run everything is complete only when nothing that could run is left.
        """
        left = await self._queue.left()
        if left:
            raise StoriesOpen(f"the batch has come to its end, but these stories are open: {', '.join(left)}")
        rows = await self._workspace.database.read(get_stories_by_batch, self.id)
        blocked = list(dict.fromkeys(row.story_key for row in rows if row.status == "blocked"))
        reasons = [f"blocked: {', '.join(blocked)}" if blocked else None, await sentence_of_open(self._workspace)]
        return "; ".join(reason for reason in reasons if reason) or None

    async def _tell_error(self, error: Exception, reason: str) -> None:
        """Report a failure: an unusable agent to the operator, others as a fault, with traceback."""
        if isinstance(error, AgentUnusable):
            await emit_durable(Attention(kind=error.kind, message=reason))
        elif not isinstance(error, NoPlanMade):  # whose reason says all there is
            log.exception("the batch failed")
        await emit_durable(Error(type=type(error).__name__, message=reason))

    async def _finish(self, status: BatchEndStatus, reason: str | None) -> None:
        """Wait for background agents, which end after a stop or an error, then emit the end of the batch."""
        if status == "error":
            self.gate.end_agents()
        # Before the end is emitted, which promises that no agent of the batch runs any more.
        with self.gate.waits_for_background():
            await self._background.wait(BACKGROUND_REVIEW)
        if status == "stopped" and self.gate.stop_mode is StopMode.INTERRUPT:
            await self._stay_open()
            return
        self.gate.close()
        payload = BatchEnd(
            batch_id=self.id, cycles_completed=self._queue.completed, status=status, reason=or_unset(reason)
        )
        ended = int(self._workspace.clock() * 1000)
        await end_batch(self._workspace, payload, ended)

    async def _stay_open(self) -> None:
        """Suspend the batch at the server's end: a paused one stays paused, any other one can be resumed."""
        # A pause that was announced has its event, and its reason is kept for the next start.
        if not self.gate.is_announced:
            await self._record(BatchPause(batch_id=self.id, reason="interrupted"), status="interrupted")

    async def _record(self, payload: Payload, **columns: Any) -> None:
        await record_batch(self._workspace, self.id, payload, **columns)
