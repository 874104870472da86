"""The table of deferred findings: what builds have put off, each once for its story, and the ticket that it became."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from store.rows import many, now_ms, one


class NothingNew(LookupError):
    """Every finding was known: the event of new ones is not written either."""


class AlreadyTicket(LookupError):
    """The finding does not exist or became a ticket before: the first ticket counts."""


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `findings`; `found_at` in ms since the epoch, `ticket` the path of the file that was made of it."""

    id: int
    batch_id: int
    story_key: str
    summary: str
    evidence: str
    location: str
    severity: str
    found_at: int
    ticket: str | None = None


def add_findings(
    connection: sqlite3.Connection, /, batch_id: int, story_key: str, found: Sequence[Mapping[str, str]]
) -> int:
    """Add those that are new for the story; how many. Raises `NothingNew`."""
    sql = """INSERT OR IGNORE INTO findings (batch_id, story_key, summary, evidence, location, severity, found_at)
             VALUES (:batch_id, :story_key, :summary, :evidence, :location, :severity, :found_at)"""
    of = {"batch_id": batch_id, "story_key": story_key, "found_at": now_ms()}
    new = sum(connection.execute(sql, {**of, **finding}).rowcount for finding in found)
    if new == 0:
        raise NothingNew(f"no new finding of {story_key}")
    return new


def set_ticket(connection: sqlite3.Connection, /, finding_id: int, ticket: str) -> None:
    """Note what a finding became; raises `AlreadyTicket`, also where there is no such finding."""
    sql = "UPDATE findings SET ticket = ? WHERE id = ? AND ticket IS NULL"
    if connection.execute(sql, (ticket, finding_id)).rowcount == 0:
        raise AlreadyTicket(f"finding {finding_id} waits for no ticket")


def get_finding(connection: sqlite3.Connection, finding_id: int) -> FindingRow | None:
    return one(connection, FindingRow, "SELECT * FROM findings WHERE id = ?", (finding_id,))


def get_findings(connection: sqlite3.Connection) -> list[FindingRow]:
    """All findings of the project, oldest first."""
    return many(connection, FindingRow, "SELECT * FROM findings ORDER BY id")


def get_findings_of(connection: sqlite3.Connection, story_key: str) -> list[FindingRow]:
    """The findings of one story, oldest first."""
    return many(connection, FindingRow, "SELECT * FROM findings WHERE story_key = ? ORDER BY id", (story_key,))
