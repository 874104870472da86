"""The merge of a request, by a program of the operator's, once the rule that is set allows it."""

from __future__ import annotations

from running.delivery.checks import GREEN
from running.delivery.program_calls import ProgramCalls
from running.delivery.record import fail, record
from running.delivery.remote import Remote
from running.delivery.request_look import RequestLook, over
from running.workspace import Workspace
from store.deliveries import OPEN, DeliveryRow


class Merging:
    """The step that merges a request; one that was merged already is not merged again."""

    def __init__(self, workspace: Workspace, calls: ProgramCalls, look: RequestLook) -> None:
        self._workspace = workspace
        self._calls = calls
        self._look = look

    async def run(self, row: DeliveryRow) -> DeliveryRow:
        """Merge what was found green, unless it is merged. Raises `RemoteRefused`."""
        report = await self._look.report(row)
        if report is None or not report.is_about(row.wanted) or (report.state != GREEN and not report.merged):
            message = f"{row.subject} is not merged: its checks are looked at again"
            return await record(self._workspace, row, message, state=OPEN, looks=0)
        if report.merged or await self._is_in_base(row):
            return await over(self._workspace, row, merged=True)
        command = self._workspace.settings().merge_command
        if command is None:
            return await fail(self._workspace, row, "merge_command is not set any more", state=OPEN)
        ran = await self._calls.run(row, "merge", command)
        if not ran.ok and not await self._is_in_base(row):
            return await fail(self._workspace, row, f"{row.url} was not merged: {self._calls.said(ran)}", state=OPEN)
        return await over(self._workspace, row, merged=True)

    async def _is_in_base(self, row: DeliveryRow) -> bool:
        return row.base is not None and await Remote(self._workspace, row.remote).holds(row.wanted, row.base)
