"""The files of briefs: one as HTML and one as Markdown for each batch that has ended, in the data folder.

Made when the batch has ended, and at a start for a batch whose end the last server did not survive; a file that is
there is kept as it is, since it says how things were then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from base.files import atomic_write
from base.tasks import end_tasks
from events import Event, EventType
from running.brief.markdown import as_markdown
from running.brief.page import as_html
from running.brief.read import last_batch, read_brief
from running.workspace import Workspace
from store.batches import OPEN

FOLDER: Final = "briefs"
READY_S: Final = 30.0  # that a brief waits for the receipts of the last commits

log = logging.getLogger("sprint_runner.brief")


class BriefWriter:
    """Writes the briefs. `take` is a subscriber of committed events, `ready` returns when their receipts are made."""

    def __init__(self, workspace: Workspace, ready: Callable[[], Awaitable[None]]) -> None:
        self._workspace = workspace
        self._ready = ready
        self._ended: asyncio.Queue[int] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.type is EventType.BATCH_END:
                self._ended.put_nowait(event.payload["batch_id"])

    async def start(self) -> None:
        newest = await last_batch(self._workspace)
        if newest is not None:
            self._ended.put_nowait(newest)
        self._task = asyncio.get_running_loop().create_task(self._work(), name="briefs")

    async def stop(self) -> None:
        """End what is under way; the next start writes it."""
        await end_tasks(self._task)

    async def _work(self) -> None:
        while True:
            batch_id = await self._ended.get()
            try:
                await self.write(batch_id)
            except OSError as error:
                log.warning("the brief of batch %d could not be written: %s", batch_id, error)
            # A fault in one brief must not cost those of later batches.
            except Exception:
                log.exception("the brief of batch %d could not be made", batch_id)

    async def write(self, batch_id: int) -> None:
        """Write the files of a batch that has ended, unless they are there. Raises `OSError`."""
        path = self._workspace.data_dir / FOLDER / f"batch-{batch_id}.html"
        if await asyncio.to_thread(path.exists):
            return
        try:
            async with asyncio.timeout(READY_S):
                await self._ready()
        except TimeoutError:
            log.info("the brief of batch %d does not wait for receipts any longer", batch_id)
        brief = await read_brief(self._workspace, batch_id)
        if brief is None or brief.status in OPEN:
            return
        masker = self._workspace.masker
        await asyncio.to_thread(_write, path.with_suffix(".md"), masker.bytes(as_markdown(brief).encode()))
        # The last one: what looks whether a brief is there looks for it.
        await asyncio.to_thread(_write, path, masker.bytes(as_html(brief)))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    atomic_write(path, content, mode=0o600)
