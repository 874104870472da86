"""The watcher of deliveries: takes their steps while the server runs, beside the batch and after it.

It starts nothing while a batch is paused, stopped or interrupted, nor in a folder that is not trusted. A step that is
under way ends; what follows waits. Nothing here holds up a story.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from events import EventType
from running.delivery.steps import Steps
from running.follower import Follower
from running.workspace import Workspace
from runstate.fold import RunState
from store.deliveries import DeliveryChanged, DeliveryRow, get_open_deliveries
from store.job import NotWritten

SLICE_S: Final = 5.0  # the longest wait between two looks at the clock: laptops sleep, clocks are set
SHORTEST_S: Final = 0.05
WORKING: Final = frozenset({"running", "waiting"})  # states of a run in which deliveries continue
WAKING: Final = frozenset(
    {EventType.STORY_DELIVERY, EventType.BATCH_START, EventType.BATCH_RESUME, EventType.BATCH_END, EventType.CYCLE_END}
)

log = logging.getLogger("sprint_runner.delivery")


class DeliveryWatcher(Follower):
    """Takes the steps of all deliveries, one after the other."""

    name = "deliveries"
    waking = WAKING

    def __init__(self, workspace: Workspace, run_state: RunState) -> None:
        super().__init__()
        self._workspace = workspace
        self._run = run_state.run
        self._steps = Steps(workspace, lambda: self._run.state != "idle")

    async def work(self) -> float | None:
        """Take the steps that are due; return the seconds until the next one, None where an event has to come first."""
        rows = [row for row in await self._open() if self._steps.has_step(row)]
        if not rows or await asyncio.to_thread(self._workspace.trust_refusal) is not None:
            return None
        for row in rows:
            if self._may_work and self._steps.is_due(row):
                try:
                    await self._steps.advance(row)
                except (DeliveryChanged, NotWritten):  # by the batch or by the operator, whose change counts
                    log.debug("delivery %d was changed meanwhile", row.id)
        return await self._next_wait()

    async def _next_wait(self) -> float | None:
        rows = [row for row in await self._open() if self._steps.has_step(row)]
        if not rows or not self._may_work:
            return None
        left = min(row.next_at for row in rows) / 1000 - self._workspace.clock()
        return min(max(left, SHORTEST_S), SLICE_S)

    async def _open(self) -> list[DeliveryRow]:
        return await self._workspace.database.read(get_open_deliveries)

    @property
    def _may_work(self) -> bool:
        """Whether the run, or the end of its last batch, lets deliveries continue: a stop holds until a start."""
        batch = self._run.batch
        if self._run.state == "idle":
            return batch is None or batch.status == "completed"
        return self._run.state in WORKING
