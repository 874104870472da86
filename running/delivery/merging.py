"""The merge of a request, by a program of the operator's, once the rule that is set allows it."""

from __future__ import annotations

from running.delivery.calls import Calls
from running.delivery.checks import GREEN, Report
from running.delivery.record import fail
from running.delivery.remote import Remote
from running.delivery.watch import Watch, over
from running.workspace import Workspace
from store.deliveries import OPEN, DeliveryRow


class Merging:
    """The step that merges a request; one that was merged already is not merged again."""

    def __init__(self, workspace: Workspace, calls: Calls, watch: Watch) -> None:
        self._workspace = workspace
        self._calls = calls
        self._watch = watch

    async def run(self, row: DeliveryRow) -> DeliveryRow:
        """Merge, unless it is merged. Raises `RemoteRefused`."""
        if await self._is_merged(row):
            return await over(self._workspace, row, Report(GREEN, merged=True))
        command = self._workspace.settings().merge_command
        if command is None:
            return await fail(self._workspace, row, "merge_command is not set any more", state=OPEN)
        ran = await self._calls.run(row, "merge", command)
        if not ran.ok and not await self._is_merged(row):
            return await fail(self._workspace, row, f"{row.url} was not merged: {self._calls.said(ran)}", state=OPEN)
        return await over(self._workspace, row, Report(GREEN, merged=True))

    async def _is_merged(self, row: DeliveryRow) -> bool:
        """Whether the request is merged already, by what its report says or by what the base holds."""
        report = await self._watch.report(row)
        if report is not None and report.merged:
            return True
        return row.base is not None and await Remote(self._workspace, row.remote).holds(row.wanted, row.base)
