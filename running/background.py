"""Background work of a run: further reviews, a context refresh. It never changes the run's state.

Each task is owned here, has a row while it runs, and its failure is logged, never raised into the run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any

from base.tasks import end_tasks
from events import emit
from payloads import Error
from running.gate import Stopped
from running.workspace import Workspace, until_stored
from store.log import create_background_task, update_background_task

log = logging.getLogger("sprint_runner.run")


class Background:
    """The background work of one server; that of a lane is also that of the server, its `parent`."""

    def __init__(self, workspace: Workspace, parent: Background | None = None) -> None:
        self._workspace = workspace
        self._parent = parent
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, kind: str, work: Coroutine[Any, Any, str], *, batch_id: int, story_key: str | None) -> None:
        """Run `work`, which returns its result as a short text."""
        task = asyncio.get_running_loop().create_task(self._own(kind, work, batch_id, story_key), name=kind)
        self._keep(task)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        # The event loop keeps only weak references to tasks: this set is what keeps them alive.
        task.add_done_callback(self._tasks.discard)
        if self._parent is not None:
            self._parent._keep(task)

    def runs(self, kind: str) -> bool:
        """Whether work of this kind is running."""
        return any(task.get_name() == kind for task in self._tasks)

    async def wait(self, kind: str | None = None) -> None:
        """Wait for the running work, of all kinds or of one."""
        tasks = [task for task in self._tasks if kind is None or task.get_name() == kind]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def cancel(self) -> None:
        """Cancel all work and end its agents."""
        await end_tasks(*self._tasks)

    async def _own(self, kind: str, work: Coroutine[Any, Any, str], batch_id: int, story_key: str | None) -> None:
        database = self._workspace.database
        columns = {"batch_id": batch_id, "story_key": story_key}
        row = await until_stored(lambda: database.write(create_background_task, kind, **columns))
        failure: Error | None = None
        try:
            status, message = "finished", await work
        # No error: the batch that started the work was stopped.
        except Stopped:
            status, message = "stopped", "stopped with the batch"
        except Exception as error:
            log.exception("background work failed: %s", kind)
            status, message = "error", self._workspace.masker.text(str(error))
            failure = Error(type=kind, message=message)
        except BaseException:  # cancelled at the server's end, which waits for no answer of the disk
            self._end(row, "interrupted", "ended with the server", None)
            raise
        finally:
            # A coroutine that was cancelled before its first step would warn that it was never awaited.
            work.close()
        await until_stored(lambda: self._end(row, status, message, failure))

    def _end(self, row: int, status: str, message: str, failure: Error | None) -> Awaitable[object]:
        """Write the row, and the event of a failure in the same commit."""
        ended = {"status": status, "message": message, "ended_at": int(self._workspace.clock() * 1000)}
        with self._workspace.database.atomic():
            written = self._workspace.database.write(update_background_task, row, **ended)
            return written if failure is None else emit(failure)
