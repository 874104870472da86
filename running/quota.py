"""What is known of the usage windows of accounts, and which accounts wait: read once, kept with every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agents import LimitSeen
from base.plausible import reset_time, used_fraction
from base.usage_windows import UNNAMED, window_name
from db import Database
from store import quota as table
from store.quota import AccountWait, QuotaWindow
from workflow.quota import Reserve, UsageWindow

LEAST_CHANGE: Final = 0.005  # of the used share: agents report with every reply
JITTER_MS: Final = 60_000  # by which the same reset is reported differently


class Quota:
    """The newest state of all windows and waits of one server."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], QuotaWindow] = {}
        self._waits: dict[str, AccountWait] = {}
        self.reserves: dict[str, list[tuple[Reserve, float | None]]] = {}  # of other machines, by account
        self.on_wait: Callable[[str], None] = lambda account: None  # called when one begins or ends to wait here
        self.asked: dict[str, float] = {}  # by account, when its program was last asked for its windows

    async def load(self, database: Database) -> None:
        """Read what an earlier server has kept."""
        windows, waits = await database.read(table.current), await database.read(table.get_waits)
        self._windows = {(window.account, window.window): window for window in windows}
        self._waits = {wait.account: wait for wait in waits}

    def rows_of(self, account: str) -> list[QuotaWindow]:
        """Return the windows of an account as they were reported last."""
        return [row for row in self._windows.values() if row.account == account]

    def windows_of(self, account: str) -> list[UsageWindow]:
        """Return the windows of an account that have a length, as they were reported last."""
        return [
            UsageWindow(
                row.window,
                row.used_fraction,
                None if row.resets_at is None else row.resets_at / 1000,
                row.at / 1000,
            )
            for row in self.rows_of(account)
            if row.window != UNNAMED
        ]

    def reserves_of(self, account: str, now: float) -> list[Reserve]:
        """Return what other machines reserve of an account at a time in seconds."""
        return [reserve for reserve, until in self.reserves.get(account, ()) if until is None or until > now]

    def wait_of(self, account: str, now: float) -> AccountWait | None:
        """Return the wait of an account that is not over; `now` in seconds."""
        wait = self._waits.get(account)
        return wait if wait is not None and wait.until > now * 1000 else None

    def keep(self, window: QuotaWindow) -> None:
        self._windows[window.account, window.window] = window

    def keep_wait(self, wait: AccountWait) -> None:
        self.adopt_wait(wait)
        self.on_wait(wait.account)

    def adopt_wait(self, wait: AccountWait) -> None:
        """Let an account wait as others do."""
        self._waits[wait.account] = wait

    def forget_wait(self, account: str) -> None:
        """Let an account wait no more, as others do."""
        self._waits.pop(account, None)

    async def end_waits(self, database: Database) -> None:
        """Try every account again, as the operator wants it."""
        if self._waits:
            waited, self._waits = list(self._waits), {}
            for account in waited:
                self.on_wait(account)
            await database.write(table.end_waits)

    def changed(self, account: str, seen: LimitSeen, now: float) -> QuotaWindow | None:
        """Return what a report makes known of a window, None where it is nothing new or cannot be true."""
        used = 1.0 if seen.rejected else used_fraction(seen.used_fraction)
        if used is None:
            return None
        name, resets = window_name(seen.window), reset_time(seen.resets_at, now)
        resets_ms = None if resets is None else int(resets * 1000)
        before = self._windows.get((account, name))
        if before is not None and _is_same(before, used, resets_ms):
            return None
        return QuotaWindow(account=account, window=name, used_fraction=used, resets_at=resets_ms, at=int(now * 1000))


def _is_same(before: QuotaWindow, used: float, resets_at: int | None) -> bool:
    if (before.used_fraction >= 1) != (used >= 1) or abs(before.used_fraction - used) >= LEAST_CHANGE:
        return False
    if before.resets_at is None or resets_at is None:
        return before.resets_at is resets_at
    return abs(before.resets_at - resets_at) < JITTER_MS
