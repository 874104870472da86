"""The list of batches: those that match a filter, in an order, page by page."""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

import msgspec

from store.batches import SUMMARY, BatchSummary
from store.rows import many

Outcome = Literal["running", "paused", "interrupted", "completed", "stopped", "error", "blocked"]
Order = Literal["id", "stories", "commands", "review_rounds", "duration_ms", "cost_usd", "output_tokens"]


class BatchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The batches to list; None means any. The outcome `blocked`: with a story that was blocked in it.

    `story` is a key, or its beginning up to a hyphen; `text` is looked for in numbers, reasons, keys, branches, agents
    and models.
    """

    outcome: Outcome | None = None
    agent: str | None = None
    story: str | None = None
    text: str | None = None


class BatchPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the list, and in which order; the newest first where two are equal."""

    order: Order = "id"
    descending: bool = True
    limit: int
    offset: int = 0


ANY: Final = BatchFilter()
_CONDITIONS: Final = {
    "agent": """(b.agent = :agent OR EXISTS (SELECT 1 FROM json_each(b.agents) WHERE value = :agent)
        OR EXISTS (SELECT 1 FROM commands a WHERE a.batch_id = b.id AND a.agent = :agent))""",
    "story": """EXISTS (SELECT 1 FROM stories s WHERE s.batch_id = b.id
        AND (s.story_key = :story OR substr(s.story_key, 1, length(:story) + 1) = :story || '-'))""",
    # `instr` has no patterns: what people type is text. `lower` of SQLite folds ASCII alone.
    "text": """(CAST(b.id AS TEXT) = :text
        OR instr(lower(b.status || ' ' || COALESCE(b.reason, '') || ' ' || b.agent || ' ' || COALESCE(b.agents, '')
            || ' ' || COALESCE(b.branch, '')), :text)
        OR EXISTS (SELECT 1 FROM stories s WHERE s.batch_id = b.id
            AND instr(lower(s.story_key || ' ' || COALESCE(s.reason, '')), :text))
        OR EXISTS (SELECT 1 FROM commands a WHERE a.batch_id = b.id
            AND instr(lower(COALESCE(a.model, '') || ' ' || COALESCE(a.reason, '')), :text)))""",
}
_BLOCKED: Final = "EXISTS (SELECT 1 FROM stories s WHERE s.batch_id = b.id AND s.status = 'blocked')"


def find_batches(
    connection: sqlite3.Connection, wanted: BatchFilter, page: BatchPage
) -> tuple[list[BatchSummary], int]:
    """Return a page of the batches that match, and the number of all that do."""
    where, values = _where(wanted), _values(wanted)
    count: int = connection.execute(f"SELECT COUNT(*) FROM batches b WHERE {where}", values).fetchone()[0]  # noqa: S608
    direction = "DESC" if page.descending else "ASC"
    sums = f"{SUMMARY} WHERE {where} GROUP BY b.id"
    if page.order == "id":
        # Ends with the page: only its batches are summed.
        sql = f"{sums} ORDER BY b.id {direction} LIMIT :limit OFFSET :offset"
    else:
        # Outside of the sums, where `cost_usd` would be that of a command. What is unknown comes last either way; the
        # names of orders are checked by their type.
        order = f"{page.order} IS NULL, {page.order} {direction}, id DESC"
        sql = f"SELECT * FROM ({sums}) ORDER BY {order} LIMIT :limit OFFSET :offset"  # noqa: S608
    return many(connection, BatchSummary, sql, {**values, "limit": page.limit, "offset": page.offset}), count


def list_agents(connection: sqlite3.Connection) -> list[str]:
    """Return the agents that batches were started with, by name."""
    sql = """SELECT agent FROM batches WHERE agent <> '' UNION
             SELECT value FROM batches, json_each(batches.agents) ORDER BY 1"""
    return [name for (name,) in connection.execute(sql)]


def _where(wanted: BatchFilter) -> str:
    conditions = [sql for name, sql in _CONDITIONS.items() if getattr(wanted, name)]
    if wanted.outcome is not None:
        conditions.append(_BLOCKED if wanted.outcome == "blocked" else "b.status = :outcome")
    return " AND ".join(conditions) or "TRUE"


def _values(wanted: BatchFilter) -> dict[str, str | int | None]:
    text = wanted.text.lower() if wanted.text else None
    return {"outcome": wanted.outcome, "agent": wanted.agent, "story": wanted.story, "text": text}
