"""The files of briefs: one as HTML and one as Markdown for each batch that has ended, in the data folder.

Made when the batch has ended, and at a start for a batch whose end the last server did not survive; a file that is
there is kept as it is, since it says how things were then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from base.files import atomic_write
from events import Event, EventType
from running.brief.markdown import as_markdown
from running.brief.page import as_html
from running.brief.read import last_batch, read_brief
from running.follower import Follower
from running.workspace import Workspace
from store.batches import OPEN
from store.writer import DatabaseUnavailable

FOLDER: Final = "briefs"
READY_S: Final = 30.0  # that a brief waits for the receipts of the last commits

log = logging.getLogger("sprint_runner.brief")


class BriefWriter(Follower):
    """Writes the briefs. `ready` returns when the receipts of the last commits are made."""

    name = "briefs"
    waking = (EventType.BATCH_END,)
    fault_s = 1.0  # the brief at fault is left out: those of later batches must not wait

    def __init__(self, workspace: Workspace, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._workspace = workspace
        self._ready = ready
        self._ended: deque[int] = deque()
        self._looked_back = False

    def take(self, events: Sequence[Event]) -> None:
        self._ended.extend(event.payload["batch_id"] for event in events if event.type is EventType.BATCH_END)
        super().take(events)

    async def work(self) -> None:
        if not self._looked_back:
            newest = await last_batch(self._workspace)
            self._ended.extendleft([] if newest is None else [newest])
            self._looked_back = True
        while self._ended:
            await self._write_next(self._ended.popleft())

    async def _write_next(self, batch_id: int) -> None:
        try:
            await self.write(batch_id)
        except OSError as error:
            log.warning("the brief of batch %d could not be written: %s", batch_id, error)
        except DatabaseUnavailable:
            self._ended.appendleft(batch_id)
            raise
        except Exception:
            log.error("the brief of batch %d could not be made", batch_id)
            raise

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
