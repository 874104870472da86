"""The usage windows of accounts: each change is a row, the newest one is current."""

from __future__ import annotations

from db import Database
from store import quota
from store.quota import AccountWait, QuotaWindow


def window(used: float, at: int, *, account: str = "claude", name: str = "5 h") -> QuotaWindow:
    return QuotaWindow(account=account, window=name, used_fraction=used, resets_at=at + 1000, at=at)


async def test_current_is_the_newest_of_each_window_and_history_has_all(database: Database) -> None:
    rows = [window(0.1, 1), window(0.2, 2, name="week"), window(0.3, 3, account="codex"), window(0.4, 4)]
    for row in rows:
        await database.write(quota.add_window, row)
    assert await database.read(quota.current) == [rows[3], rows[1], rows[2]]
    assert await database.read(quota.history, 0) == rows
    assert await database.read(quota.history, 3) == rows[2:]


async def test_pruning_keeps_what_is_current(database: Database) -> None:
    rows = [window(0.1, 1), window(0.2, 2), window(0.3, 3, name="week"), window(0.4, 40, name="week")]
    for row in rows:
        await database.write(quota.add_window, row)
    await database.write(quota.prune_windows, 30)
    assert await database.read(quota.history, 0) == [rows[1], rows[3]]


async def test_a_wait_replaces_the_one_before_and_all_end_together(database: Database) -> None:
    for until in (10, 20):
        await database.write(quota.put_wait, AccountWait(account="claude", reason="usage-limit", until=until, at=1))
    assert [wait.until for wait in await database.read(quota.get_waits)] == [20]
    await database.write(quota.end_waits)
    assert await database.read(quota.get_waits) == []


async def test_a_window_without_a_time_of_reset_is_kept(database: Database) -> None:
    unknown = QuotaWindow(account="gemini", window="limit", used_fraction=1.0, resets_at=None, at=5)
    await database.write(quota.add_window, unknown)
    assert await database.read(quota.current) == [unknown]
