"""The request of a delivery: made once, by a program of the operator's, and looked up where that is not known."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from running.delivery.program_calls import REQUEST as REQUEST_CALL
from running.delivery.program_calls import ProgramCalls, url_in
from running.delivery.programs import ProgramResult, read_output
from running.delivery.push import with_request
from running.delivery.record import fail, keep, record
from running.delivery.remote import Unreachable
from running.workspace import Workspace
from store.deliveries import PLANNED, REQUESTING, DeliveryRow

_USER: Final = re.compile(r"(?<=://)[^/@]+@")


class RequestStep:
    """The step that makes a request for a pushed branch."""

    def __init__(self, workspace: Workspace, calls: ProgramCalls) -> None:
        self._workspace = workspace
        self._calls = calls

    async def run(self, row: DeliveryRow) -> DeliveryRow:
        """Make the request, unless there is one. Raises `Unreachable`."""
        settings = self._workspace.settings()
        if row.requested_at is not None and (row := await self._look_up(row)).state != REQUESTING:
            return row
        if row.problem is not None:
            return row
        if settings.pull_request_command is None:
            return await fail(self._workspace, row, "pull_request_command is not set any more: set it, then retry")
        # Of an earlier request, whose URL would be taken for that of this one.
        await asyncio.to_thread(self._calls.output(row, REQUEST_CALL).unlink, missing_ok=True)
        # Committed before the program starts: after a kill it is not known whether there is a request.
        row = await keep(self._workspace, row, requested_at=int(self._workspace.clock() * 1000))
        ran = await self._calls.run(row, REQUEST_CALL, settings.pull_request_command)
        if ran.ok and (url := url_in(ran.output)) is not None:
            return await self._requested(row, url)
        return await self._without_request(row, ran)

    async def _look_up(self, row: DeliveryRow) -> DeliveryRow:
        """Find out whether a request was made before the server ended: its URL was printed, or the forge has it."""
        printed = await asyncio.to_thread(read_output, self._calls.output(row, REQUEST_CALL))
        if (url := url_in(printed)) is not None:
            return await self._requested(row, url)
        if self._workspace.settings().pull_request_lookup_command is not None:
            return await self._ask_forge(row)
        return await fail(
            self._workspace,
            row,
            f"whether a request for {row.branch} was made is not known, since its program was cut off: look at the"
            " forge. Retry makes one, stop gives the delivery up. With pull_request_lookup_command it is looked up",
        )

    async def _ask_forge(self, row: DeliveryRow) -> DeliveryRow:
        """Look the request up; without one the row says again that nothing is unknown."""
        command = self._workspace.settings().pull_request_lookup_command or ""
        ran = await self._calls.run(row, "lookup", command)
        if not ran.ok:
            raise Unreachable(f"the request of {row.branch} cannot be looked up: {self._calls.said(ran)}")
        if (url := url_in(ran.output)) is not None:
            return await self._requested(row, url)
        return await keep(self._workspace, row, requested_at=None)

    async def _requested(self, row: DeliveryRow, url: str) -> DeliveryRow:
        url = self._workspace.masker.text(_USER.sub("", url))
        # Further work of the epic may have come meanwhile: it is pushed first.
        state = with_request(self._workspace) if row.head == row.wanted else PLANNED
        columns: dict[str, Any] = {"state": state, "url": url, "requested_at": None, "failures": 0, "next_at": 0}
        return await record(self._workspace, row, f"the request is {url}", **columns)

    async def _without_request(self, row: DeliveryRow, ran: ProgramResult) -> DeliveryRow:
        """The program failed, or printed no URL; that the branch has a request already may be the reason."""
        if ran.code is None and ran.problem is None:  # it may have made one, which the next step looks up
            raise Unreachable(f"the request of {row.branch} took too long")
        if ran.problem is None and self._workspace.settings().pull_request_lookup_command is not None:
            row = await self._ask_forge(row)
            if row.url is not None:
                return row
        if ran.ok:
            why = f"its program ended well but printed no URL: let it print the URL of the request ({ran.words[-200:]})"
        else:
            why = self._calls.said(ran)
        what = f"the request of {row.branch} was not made: {why}"
        return await fail(self._workspace, row, what, requested_at=row.requested_at if ran.ok else None)
