"""The steps of a delivery that need no agent: push, request, checks, merge.

Each step looks before it acts, since the server may have ended after the act and before its record: the remote's
branch is asked for, a request is looked up, a merge is looked for in the base. What is to be done is in the row, which
is committed before; so nothing else is pushed, and no second request is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from git.process import GitError
from running.delivery.merging import Merging
from running.delivery.program_calls import ProgramCalls
from running.delivery.push import Push
from running.delivery.record import fail, record
from running.delivery.remote import RemoteRefused, Unreachable
from running.delivery.request import RequestStep
from running.delivery.request_look import RequestLook
from running.workspace import Workspace
from store.deliveries import MERGING, OPEN, PLANNED, REQUESTING, DeliveryRow

BACKOFF_S: Final = (15.0, 60.0, 300.0, 900.0, 1800.0)  # after what may pass by itself; then the operator is called


class Steps:
    """The next step of a delivery, whichever it is. `batch_runs`: whether a round of development comes by itself."""

    def __init__(self, workspace: Workspace, batch_runs: Callable[[], bool]) -> None:
        self._workspace = workspace
        calls = ProgramCalls(workspace)
        look = RequestLook(workspace, calls, batch_runs)
        self._steps: Final[Mapping[str, Callable[[DeliveryRow], Awaitable[DeliveryRow]]]] = {
            PLANNED: Push(workspace).run,
            REQUESTING: RequestStep(workspace, calls).run,
            OPEN: look.run,
            MERGING: Merging(workspace, calls, look).run,
        }

    def is_due(self, row: DeliveryRow) -> bool:
        """Whether there is a step to take now."""
        if row.problem is not None or row.next_at > self._workspace.clock() * 1000:
            return False
        return self.has_step(row)

    def has_step(self, row: DeliveryRow) -> bool:
        """Whether a step follows, now or later, that needs neither an agent nor a person."""
        watched = row.state == OPEN and self._workspace.settings().checks_command is not None
        return row.problem is None and (watched or row.state in (PLANNED, REQUESTING, MERGING))

    async def advance(self, row: DeliveryRow) -> DeliveryRow:
        """Take one step and return the row after it. Raises `DeliveryChanged` where another one has changed it."""
        try:
            return await self._steps[row.state](row)
        except Unreachable as error:
            return await self._later(row, str(error))
        except (RemoteRefused, GitError) as error:
            return await fail(self._workspace, row, str(error))

    async def _later(self, row: DeliveryRow, why: str) -> DeliveryRow:
        """Try the step again after a while; after some tries the operator is called."""
        if row.failures >= len(BACKOFF_S):
            return await fail(self._workspace, row, why)
        wait_s = BACKOFF_S[row.failures]
        next_at = int((self._workspace.clock() + wait_s) * 1000)
        message = f"{why}; tried again in {wait_s:.0f} s"
        return await record(self._workspace, row, message, failures=row.failures + 1, next_at=next_at)
