"""The usage windows that agents report: kept where they are new, while the agent works.

Promises: a change is in the database together with its event, and nothing is written without a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from functools import partial

from agents import LimitSeen
from events import emit
from payloads import QuotaChange, or_unset
from running.workspace import Workspace, until_stored
from store.quota import QuotaWindow, add_window


class SeenWindows:
    """What one call reports of its account; `close` returns when all of it is stored."""

    def __init__(self, workspace: Workspace, account: str) -> None:
        self._workspace, self._account = workspace, account
        self._last: asyncio.Task[None] | None = None

    def take(self, seen: LimitSeen) -> None:
        """Store a report; returns at once."""
        before = self._last

        async def store() -> None:
            if before is not None:
                await before
            await record_windows(self._workspace, self._account, [seen])

        self._last = asyncio.create_task(store())

    async def close(self) -> None:
        if self._last is not None:
            await self._last


async def record_windows(workspace: Workspace, account: str, seen: Iterable[LimitSeen]) -> None:
    """Keep what is new of an account's windows, each change with its event in one commit."""
    for report in seen:
        window = workspace.quota.changed(account, report, workspace.clock())
        if window is not None:
            workspace.quota.keep(window)  # first: another call may report the same meanwhile
            await until_stored(partial(write_window, workspace, window))


def write_window(workspace: Workspace, window: QuotaWindow) -> Awaitable[object]:
    """Write a window with its event, in one commit."""
    payload = QuotaChange(
        account=window.account,
        window=window.window,
        used_fraction=window.used_fraction,
        at=window.at,
        resets_at=or_unset(window.resets_at),
    )
    with workspace.database.atomic():
        workspace.database.write(add_window, window)
        return emit(payload)
