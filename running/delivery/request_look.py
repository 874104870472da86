"""A look at a request: its checks, its comments, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from payloads import Attention
from running.delivery.checks import GREEN, PENDING, RED, CheckReport, Comment, UnreadableReport, read_report
from running.delivery.program_calls import ProgramCalls
from running.delivery.push import moved, repository_of, words_moved
from running.delivery.record import fail, keep, record
from running.delivery.remote import Remote, Unreachable
from running.workspace import Workspace, emit_durable
from store.deliveries import CLOSED, MERGED, MERGING, PLANNED, WAITING, DeliveryRow, add_comments, get_comments

LOOKS: Final = 2  # in a row that must find the checks green before a merge: the first ones may be there alone


class RequestLook:
    """The step that looks at a request. `batch_runs`: whether a round of development comes without the operator."""

    def __init__(self, workspace: Workspace, calls: ProgramCalls, batch_runs: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._calls = calls
        self._batch_runs = batch_runs

    async def run(self, row: DeliveryRow) -> DeliveryRow:
        """Look at the request once. Raises `Unreachable`."""
        report = await self.report(row)
        if report is None:
            return row
        if not report.is_about(row.wanted):
            return await self._other_head(row, report)
        if report.merged or report.closed:
            return await over(self._workspace, row, merged=report.merged)
        new = await self._new_comments(row, report)
        if report.state != PENDING and (report.state == RED or new or await self._open_comments(row)):
            return await self._back(row, report, new)
        return await self._found(row, report, new)

    async def report(self, row: DeliveryRow) -> CheckReport | None:
        """Return what the checks program says, None where none is set. Raises `Unreachable`."""
        command = self._workspace.settings().checks_command
        if command is None:
            return None
        ran = await self._calls.run(row, "checks", command)
        try:
            if ran.problem is not None:
                raise UnreadableReport(ran.problem)
            report = read_report(ran.code, ran.output, ran.errors)
        except UnreadableReport as error:
            words = f" ({self._workspace.masker.text(ran.words)})" if ran.words else ""
            raise Unreachable(f"the checks of {row.subject} cannot be read: {error}{words}") from None
        return report

    async def _other_head(self, row: DeliveryRow, report: CheckReport) -> DeliveryRow:
        """The report is of another commit: the forge is late, the request is over, or another commit was pushed."""
        found = (await Remote(self._workspace, row.remote).look(row.branch)).branch
        if report.merged:  # before this commit came: what is left needs a request of its own
            columns: dict[str, Any] = {"state": PLANNED, "url": None, "head": found, "checks": None, "looks": 0}
            return await record(self._workspace, row, f"{row.url} is merged; a further request follows", **columns)
        if await moved(repository_of(self._workspace), row, found) is not None:
            return await fail(self._workspace, row, words_moved(row, found))
        return await self._found(row, CheckReport(PENDING), ())

    async def _new_comments(self, row: DeliveryRow, report: CheckReport) -> tuple[Comment, ...]:
        known = {comment.comment_id for comment in await self._workspace.database.read(get_comments, row.id)}
        return tuple(comment for comment in report.comments if comment.id not in known)

    async def _open_comments(self, row: DeliveryRow) -> bool:
        return any(comment.round is None for comment in await self._workspace.database.read(get_comments, row.id))

    async def _back(self, row: DeliveryRow, report: CheckReport, new: tuple[Comment, ...]) -> DeliveryRow:
        """Have a round of development deal with what failed or was asked for, within the bound."""
        log = self._workspace.masker.text(report.log) if report.state == RED else None
        columns: dict[str, Any] = {"state": WAITING, "checks": report.state, "log": log, "looks": 0, "failures": 0}
        what = "the checks failed" if report.state == RED else "reviewers have commented"
        limit = self._workspace.settings().deliver_rounds
        if row.round >= limit:
            columns["problem"] = (
                f"{what} and {limit} {'round has' if limit == 1 else 'rounds have'} been spent: look at"
                f" {row.url or row.branch}. Retry grants one more round"
            )
        row = await record(self._workspace, row, what, self._storing(row, new), **columns)
        if row.problem is None and not self._batch_runs():
            message = f"{row.subject}: {what}. The next batch mends it: start one"
            await emit_durable(Attention(kind="delivery", message=message, story_key=row.keys[0], delivery_id=row.id))
        return row

    async def _found(self, row: DeliveryRow, report: CheckReport, new: tuple[Comment, ...]) -> DeliveryRow:
        """Nothing to mend: keep what was seen, and merge where the rule says so."""
        looks = row.looks + 1 if report.state == GREEN else 0
        if looks >= LOOKS and self._may_merge(report):
            return await record(
                self._workspace, row, f"{row.subject} is merged now", state=MERGING, checks=GREEN, looks=looks
            )
        interval_s = self._workspace.settings().checks_interval_s
        next_at = int((self._workspace.clock() + interval_s) * 1000)
        columns: dict[str, Any] = {"checks": report.state, "looks": looks, "failures": 0, "next_at": next_at}
        if report.state == row.checks and not new:
            return await keep(self._workspace, row, **columns)
        message = f"the checks of {row.subject} are {report.state}"
        return await record(self._workspace, row, message, self._storing(row, new), **columns)

    def _storing(self, row: DeliveryRow, new: tuple[Comment, ...]) -> Callable[[], object]:
        mask, write = self._workspace.masker.text, self._workspace.database.write
        texts = [(comment.id, mask(comment.text)) for comment in new]
        return lambda: write(add_comments, row.id, texts) if texts else None

    def _may_merge(self, report: CheckReport) -> bool:
        settings = self._workspace.settings()
        if settings.merge_command is None or settings.merge_when == "never":
            return False
        return settings.merge_when == "green" or report.approved


async def over(workspace: Workspace, row: DeliveryRow, *, merged: bool) -> DeliveryRow:
    """Record the end of a request on the forge."""
    if merged:
        return await record(workspace, row, f"{row.subject} is merged", state=MERGED)
    return await record(workspace, row, f"{row.url} was closed without a merge", state=CLOSED)
