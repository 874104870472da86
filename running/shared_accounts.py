"""The accounts of this runner's agents as a fleet shares them: what is known here, and what others have reported.

Promises: what others report is kept as what an agent reports, in rows with their events; it never comes back as news.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import agents
from agents import LimitSeen
from base.clock_times import Windows
from base.usage_windows import UNNAMED, shares_of
from running.seen_windows import write_window
from running.workspace import Workspace, until_stored
from store.quota import AccountWait, QuotaWindow, end_wait, put_wait
from workflow.quota import Reserve

SHARED_WAIT: Final = "usage-limit"  # the only one that is the account's; others are this machine's


class SharedAccounts:
    """The accounts that the setting `fleet_accounts` names; `on_wait` is called when one begins or ends to wait."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.on_wait: Callable[[str], None] = lambda name: None
        workspace.quota.on_wait = self._wait_changed

    def names(self) -> list[str]:
        """Return the names of the accounts in the fleet."""
        return sorted(self._by_name())

    def windows(self, name: str) -> list[QuotaWindow]:
        """Return the windows of an account as they are known here."""
        return [row for row in self._workspace.quota.rows_of(self._account(name)) if row.window != UNNAMED]

    def wait(self, name: str) -> AccountWait | None:
        """Return the usage limit that an account waits for."""
        wait = self._workspace.quota.wait_of(self._account(name), self._workspace.clock())
        return wait if wait is not None and wait.reason == SHARED_WAIT else None

    def reserve(self) -> tuple[Mapping[str, float], float | None]:
        """Return the shares that this runner reserves now, and until when, in seconds, where its hours end."""
        settings, now = self._workspace.settings(), self._workspace.clock()
        shares = shares_of(settings.reserve_percent) or {}
        hours = None if settings.reserve_hours is None else Windows.parse(settings.reserve_hours)
        if hours is None:
            return shares, None
        return (shares, hours.closes_at(now)) if hours.are_open(now) else ({}, None)

    async def adopt_windows(self, name: str, windows: Mapping[str, tuple[float, int | None]]) -> None:
        """Keep what others have reported, where it is new."""
        workspace, account, now = self._workspace, self._account(name), self._workspace.clock()
        for window, (used, resets_at) in windows.items():
            resets = None if resets_at is None else resets_at / 1000
            if resets is not None and resets <= now:
                continue
            seen = LimitSeen(rejected=used >= 1, resets_at=resets, window=window, used_fraction=used)
            changed = workspace.quota.changed(account, seen, now)
            if changed is not None:
                workspace.quota.keep(changed)
                await until_stored(partial(write_window, workspace, changed))

    async def adopt_wait(self, name: str, reason: str, until: int | None) -> None:
        """Let an account wait until a time (ms) as others do; None: it waits for no usage limit any more."""
        workspace, account, own = self._workspace, self._account(name), self.wait(name)
        now_ms = int(workspace.clock() * 1000)
        if until is None or until <= now_ms:
            if own is not None:
                workspace.quota.forget_wait(account)
                await until_stored(lambda: workspace.database.write(end_wait, account))
        elif reason == SHARED_WAIT and (own is None or own.until != until):
            wait = AccountWait(account=account, reason=reason, until=until, at=now_ms)
            workspace.quota.adopt_wait(wait)
            await until_stored(lambda: workspace.database.write(put_wait, wait))

    def adopt_reserves(self, name: str, reserves: Sequence[tuple[Mapping[str, float], float | None]]) -> None:
        """Hold the reserves of others, each until a time in seconds where it has one."""
        self._workspace.quota.reserves[self._account(name)] = [(Reserve(shares), until) for shares, until in reserves]

    def _wait_changed(self, account: str) -> None:
        for name in self._by_name():
            if self._account(name) == account:
                self.on_wait(name)

    def _by_name(self) -> dict[str, str]:
        """Return the first agent of each account."""
        found: dict[str, str] = {}
        for agent, name in sorted(self._workspace.settings().fleet_accounts.items()):
            if agent in self._workspace.agents:
                found.setdefault(name, agent)
        return found

    def _account(self, name: str) -> str:
        return agents.account_of(self._workspace.agents[self._by_name()[name]])
