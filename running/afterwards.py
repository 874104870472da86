"""What is made of committed records beside the run: the receipts of commits, then the briefs of batches."""

from __future__ import annotations

from collections.abc import Sequence

from events import Event
from running.brief.writer import BriefWriter
from running.receipts.writer import ReceiptWriter
from running.workspace import Workspace


class Afterwards:
    """Both writers. `take` is a subscriber of committed events; nothing here delays the run."""

    def __init__(self, workspace: Workspace) -> None:
        self._receipts = ReceiptWriter(workspace)
        self._briefs = BriefWriter(workspace, self._receipts.settled)

    def take(self, events: Sequence[Event]) -> None:
        # In this order: a brief waits for the receipts of what was committed with the end of its batch.
        self._receipts.take(events)
        self._briefs.take(events)

    def start(self) -> None:
        self._receipts.start()
        self._briefs.start()

    async def stop(self) -> None:
        """End what is under way; the next start finishes it."""
        await self._briefs.stop()
        await self._receipts.stop()
