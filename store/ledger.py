"""The ledger: what commands cost, added up in every direction. Every sum is over the same rows, so all sums agree."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.rows import many


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One group of commands. Durations in ms, cost in US dollars."""

    name: str
    commands: int
    failed: int
    duration_ms: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class ReviewRounds(msgspec.Struct, frozen=True, kw_only=True):
    """How many code reviews a story took, with the verdict of each round."""

    story_key: str
    rounds: int
    verdicts: str


class Insights(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/insights`."""

    total: list[LedgerLine]
    by_command: list[LedgerLine]
    by_story: list[LedgerLine]
    by_epic: list[LedgerLine]
    by_batch: list[LedgerLine]
    by_day: list[LedgerLine]
    review_rounds: list[ReviewRounds]


# `code-review-2` counts as code-review: the number of a round is cut off.
_KIND: Final = "CASE WHEN c.command GLOB '*-[0-9]*' THEN rtrim(rtrim(c.command, '0123456789'), '-') ELSE c.command END"
_GROUPS: Final = {
    "total": "'all'",
    "command": _KIND,
    "story": "CASE c.story_key WHEN '' THEN '(project)' ELSE c.story_key END",
    "epic": "COALESCE(s.epic, '(project)')",
    "batch": "CAST(c.batch_id AS TEXT)",
    "day": "date(c.started_at / 1000, 'unixepoch', 'localtime')",
}
_SUMS: Final = """
    COUNT(*) AS commands,
    SUM(c.ended_at IS NOT NULL AND c.status <> 'success') AS failed,
    COALESCE(SUM(c.duration_ms), 0) AS duration_ms,
    COALESCE(SUM(c.input_tokens), 0) AS input_tokens,
    COALESCE(SUM(c.output_tokens), 0) AS output_tokens,
    COALESCE(SUM(c.cache_read_tokens), 0) AS cache_read_tokens,
    COALESCE(SUM(c.cache_write_tokens), 0) AS cache_write_tokens,
    COALESCE(SUM(c.cost_usd), 0.0) AS cost_usd
"""
_ROUNDS: Final = """
    SELECT story_key, COUNT(*) AS rounds, group_concat(word, ', ') AS verdicts
    FROM (SELECT story_key, word FROM commands
          WHERE command GLOB 'code-review-*' AND status = 'success' ORDER BY id)
    GROUP BY story_key ORDER BY story_key
"""


def get_insights(connection: sqlite3.Connection) -> Insights:
    """The whole ledger."""
    lines = {name: _lines(connection, group) for name, group in _GROUPS.items()}
    return Insights(
        total=lines["total"],
        by_command=lines["command"],
        by_story=lines["story"],
        by_epic=lines["epic"],
        by_batch=lines["batch"],
        by_day=lines["day"],
        review_rounds=many(connection, ReviewRounds, _ROUNDS),
    )


def _lines(connection: sqlite3.Connection, group: str) -> list[LedgerLine]:
    sql = f"""SELECT {group} AS name, {_SUMS} FROM commands c LEFT JOIN stories s ON s.id = c.story_id
              GROUP BY name ORDER BY name"""  # noqa: S608 - groups are the constants above
    return many(connection, LedgerLine, sql)
