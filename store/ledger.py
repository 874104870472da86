"""The ledger: cost and duration of commands by several groups. All sums are over the same rows, so they agree."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.burnup import BurnUp, get_burn_up
from store.outcome import IS_HELD, IS_SUCCESS
from store.rows import many


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One group of commands. Durations in ms, cost in US dollars; `held` were stopped, interrupted or out of quota.

    A command that blocked its story has failed. `succeeded`, `failed`, `held` and `running` add up to `commands`.
    `estimated_usd` is the part of `cost_usd` that no agent reported. The commands without cost or tokens are those
    whose agent reported none: they are not 0.
    """

    name: str
    commands: int
    succeeded: int
    failed: int
    held: int
    running: int
    duration_ms: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    estimated_usd: float
    commands_without_cost: int
    commands_without_tokens: int


class ReviewRounds(msgspec.Struct, frozen=True, kw_only=True):
    """The number of code reviews of a story, with the verdict of each round."""

    story_key: str
    rounds: int
    verdicts: str


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The commands to count: of one batch, started from a time on and before another one (ms); None means any."""

    batch: int | None = None
    since: int | None = None
    until: int | None = None


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What came before the window, to compare with: the batch before, or the equally long time before.

    `total` is empty where no command ran; `review_rounds` were for `reviewed` stories.
    """

    batch: int | None
    since: int | None
    until: int | None
    total: list[LedgerLine]
    stories_done: int
    review_rounds: int
    reviewed: int


class Insights(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/insights`."""

    total: list[LedgerLine]
    by_command: list[LedgerLine]
    by_story: list[LedgerLine]
    by_epic: list[LedgerLine]
    by_batch: list[LedgerLine]
    by_day: list[LedgerLine]
    by_model: list[LedgerLine]
    by_agent: list[LedgerLine]
    review_rounds: list[ReviewRounds]
    burn_up: BurnUp
    before: Before | None = None


ALL: Final = Window()
# `code-review-2` counts as code-review: the number of the round is removed.
KIND: Final = "CASE WHEN c.command GLOB '*-[0-9]*' THEN rtrim(rtrim(c.command, '0123456789'), '-') ELSE c.command END"
_GROUPS: Final = {
    "total": "'all'",
    "by_command": KIND,
    "by_story": "CASE c.story_key WHEN '' THEN '(project)' ELSE c.story_key END",
    "by_epic": "COALESCE(s.epic, '(project)')",
    "by_batch": "CAST(c.batch_id AS TEXT)",
    "by_day": "date(c.started_at / 1000, 'unixepoch', 'localtime')",  # like the day budget, from local midnight
    "by_model": "COALESCE(NULLIF(c.model, ''), '(not named)')",
    "by_agent": "COALESCE(NULLIF(c.agent, ''), '(not named)')",
}
_SUMS: Final = f"""
    COUNT(*) AS commands,
    COUNT(c.ended_at) FILTER (WHERE {IS_SUCCESS}) AS succeeded,
    COUNT(c.ended_at) FILTER (WHERE NOT ({IS_SUCCESS} OR {IS_HELD})) AS failed,
    COUNT(c.ended_at) FILTER (WHERE {IS_HELD}) AS held,
    COALESCE(SUM(c.ended_at IS NULL), 0) AS running,
    COALESCE(SUM(c.duration_ms), 0) AS duration_ms,
    COALESCE(SUM(c.input_tokens), 0) AS input_tokens,
    COALESCE(SUM(c.output_tokens), 0) AS output_tokens,
    COALESCE(SUM(c.cache_read_tokens), 0) AS cache_read_tokens,
    COALESCE(SUM(c.cache_write_tokens), 0) AS cache_write_tokens,
    COALESCE(SUM(c.cost_usd), 0.0) AS cost_usd,
    COALESCE(SUM(c.estimated_usd), 0.0) AS estimated_usd,
    COUNT(c.ended_at) FILTER (WHERE c.cost_usd IS NULL AND c.agent <> 'runner') AS commands_without_cost,
    COUNT(c.ended_at) FILTER (WHERE c.output_tokens IS NULL AND c.agent <> 'runner') AS commands_without_tokens
"""
_ROUNDS: Final = """
    SELECT story_key, COUNT(*) AS rounds, COALESCE(group_concat(word, ', '), '') AS verdicts
    FROM (SELECT c.story_key, c.word FROM commands c
          WHERE c.command GLOB 'code-review-*' AND c.status = 'success' AND {within} ORDER BY c.id)
    GROUP BY story_key ORDER BY story_key
"""


def get_insights(connection: sqlite3.Connection, window: Window = ALL, before: Window | None = None) -> Insights:
    """Return the ledger of all commands or of a window, and what another window before it comes to."""
    connection.execute("SAVEPOINT ledger")  # one snapshot for all queries, or sums could differ by a command
    try:
        groups = {name: get_lines(connection, name, window) for name in _GROUPS}
        return Insights(
            **groups,
            review_rounds=_review_rounds(connection, window),
            burn_up=get_burn_up(connection, window.batch, window.since, window.until),
            before=None if before is None else _before(connection, before),
        )
    finally:
        connection.execute("RELEASE ledger")


def _review_rounds(connection: sqlite3.Connection, window: Window) -> list[ReviewRounds]:
    return many(connection, ReviewRounds, _ROUNDS.format(within=_within(window)), _bound(window))


def _before(connection: sqlite3.Connection, window: Window) -> Before:
    reviews = _review_rounds(connection, window)
    points = get_burn_up(connection, window.batch, window.since, window.until).points
    return Before(
        batch=window.batch,
        since=window.since,
        until=window.until,
        total=get_lines(connection, "total", window),
        stories_done=len({point.story_key for point in points}),
        review_rounds=sum(review.rounds for review in reviews),
        reviewed=len(reviews),
    )


def get_lines(connection: sqlite3.Connection, group: str, window: Window) -> list[LedgerLine]:
    """Return the lines of one of the groups, by its name in `Insights`."""
    sql = f"""SELECT {_GROUPS[group]} AS name, {_SUMS} FROM commands c LEFT JOIN stories s ON s.id = c.story_id
              WHERE {_within(window)} GROUP BY name ORDER BY name"""  # noqa: S608 - groups are the constants above
    return many(connection, LedgerLine, sql, _bound(window))


def _within(window: Window) -> str:
    """Return the condition of a window, without what is not asked for, so that SQLite can use an index."""
    conditions = {
        "c.batch_id = :batch": window.batch,
        "c.started_at >= :since": window.since,
        "c.started_at < :until": window.until,
    }
    return " AND ".join(text for text, value in conditions.items() if value is not None) or "TRUE"


def _bound(window: Window) -> dict[str, int | None]:
    return {"batch": window.batch, "since": window.since, "until": window.until}
