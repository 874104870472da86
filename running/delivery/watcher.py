"""The watcher of deliveries: takes their steps while the server runs, beside the batch and after it.

It starts nothing while a batch is paused, stopped or interrupted, nor in a folder that is not trusted. A step that is
under way ends; what follows waits. Nothing here holds up a story.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from base.tasks import end_tasks
from events import Event, EventType
from running.delivery.steps import Steps
from running.workspace import Workspace
from runstate.fold import RunState
from store.deliveries import DeliveryChanged, DeliveryRow, get_open_deliveries
from store.job import NotWritten
from store.writer import DatabaseUnavailable

SLICE_S: Final = 5.0  # the longest wait between two looks at the clock: laptops sleep, clocks are set
SHORTEST_S: Final = 0.05
FAULT_S: Final = 60.0  # after a fault of ours
WORKING: Final = frozenset({"running", "waiting"})  # states of a run in which deliveries continue
WAKING: Final = frozenset(
    {EventType.STORY_DELIVERY, EventType.BATCH_START, EventType.BATCH_RESUME, EventType.BATCH_END, EventType.CYCLE_END}
)

log = logging.getLogger("sprint_runner.delivery")


class DeliveryWatcher:
    """Takes the steps of all deliveries, one after the other. `take` is a subscriber of committed events."""

    def __init__(self, workspace: Workspace, run_state: RunState) -> None:
        self._workspace = workspace
        self._run = run_state.run
        self._steps = Steps(workspace, lambda: self._run.state != "idle")
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def take(self, events: Sequence[Event]) -> None:
        if any(event.type in WAKING for event in events):
            self._woken.set()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work(), name="deliveries")

    async def stop(self) -> None:
        """End the step that is under way; the next server looks how far it came."""
        await end_tasks(self._task)

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            try:
                wait_s = await self.look()
            except DatabaseUnavailable as error:
                log.warning("deliveries wait for the database: %s", error)
                wait_s = SLICE_S
            # A fault must not end the watching of the others.
            except Exception:
                log.exception("a delivery could not be continued; trying again")
                wait_s = FAULT_S
            await self._wait(wait_s)

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def look(self) -> float | None:
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
