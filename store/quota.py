"""The tables of the usage windows of accounts, as agents report them, and of the accounts that wait.

Each change of a window is a row of its own; the newest one of an account and a window is the current one.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.rows import many

HISTORY_MAX: Final = 20_000  # rows of one response: a year of one account has about as many
_COLUMNS: Final = "account, window, used_fraction, resets_at, at"


class QuotaWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A usage window at a time: `used_fraction` from 0 to 1, `resets_at` (None: not known) and `at` in ms.

    `window` is named by its length, such as "5 h" and "week", where it is one of a model with it: "week, opus".
    """

    account: str
    window: str
    used_fraction: float
    resets_at: int | None
    at: int


class AccountWait(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose agents wait until a time: `reason` is that of the pause; times in ms since the epoch."""

    account: str
    reason: str
    until: int
    at: int


def add_window(connection: sqlite3.Connection, /, window: QuotaWindow) -> None:
    """Add what is known of a window from now on."""
    sql = f"INSERT INTO quota_windows ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - a constant
    connection.execute(sql, (window.account, window.window, window.used_fraction, window.resets_at, window.at))


def current(connection: sqlite3.Connection) -> list[QuotaWindow]:
    """Return the newest row of every account and window, also of windows that have been reset since."""
    sql = f"""SELECT {_COLUMNS} FROM quota_windows WHERE id IN
              (SELECT MAX(id) FROM quota_windows GROUP BY account, window) ORDER BY account, window"""  # noqa: S608
    return many(connection, QuotaWindow, sql)


def history(connection: sqlite3.Connection, since: int) -> list[QuotaWindow]:
    """Return the rows from a time (ms) on, oldest first; of very many the newest."""
    sql = f"""SELECT {_COLUMNS} FROM (SELECT * FROM quota_windows WHERE at >= ? ORDER BY id DESC LIMIT ?)
              ORDER BY id"""  # noqa: S608 - a constant
    return many(connection, QuotaWindow, sql, (since, HISTORY_MAX))


def prune_windows(connection: sqlite3.Connection, /, before: int) -> None:
    """Delete the rows before a time (ms), but none that is current."""
    newest = "SELECT MAX(id) FROM quota_windows GROUP BY account, window"
    connection.execute(f"DELETE FROM quota_windows WHERE at < ? AND id NOT IN ({newest})", (before,))  # noqa: S608


def put_wait(connection: sqlite3.Connection, /, wait: AccountWait) -> None:
    """Let an account wait; a later wait replaces the one before."""
    row = (wait.account, wait.reason, wait.until, wait.at)
    connection.execute("INSERT OR REPLACE INTO account_waits (account, reason, until, at) VALUES (?, ?, ?, ?)", row)


def end_wait(connection: sqlite3.Connection, /, account: str) -> None:
    """Let one account wait no more."""
    connection.execute("DELETE FROM account_waits WHERE account = ?", (account,))


def end_waits(connection: sqlite3.Connection, /) -> None:
    """Let no account wait any more."""
    connection.execute("DELETE FROM account_waits")


def get_waits(connection: sqlite3.Connection) -> list[AccountWait]:
    """Return the waits of all accounts, also those that are over."""
    return many(connection, AccountWait, "SELECT * FROM account_waits ORDER BY account")
