"""Counters for monitoring over the life of the database: commands by outcome, tokens, cost."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.ledger import KIND
from store.rows import many

_TOKENS: Final = ("input", "output", "cache_read", "cache_write")


class CommandCount(msgspec.Struct, frozen=True, kw_only=True):
    """The number of ended commands of one kind, agent and outcome, and their duration in seconds."""

    command: str
    agent: str
    status: str
    count: int
    seconds: float


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """All counters; `tokens` by kind, `cost_usd` in US dollars."""

    commands: list[CommandCount]
    tokens: dict[str, int]
    cost_usd: float


def get_counters(connection: sqlite3.Connection) -> Counters:
    """Return the counters; none of them ever decreases."""
    commands = f"""SELECT {KIND} AS command, c.agent AS agent, c.status AS status, COUNT(*) AS count,
                   COALESCE(SUM(c.duration_ms), 0) / 1000.0 AS seconds
                   FROM commands c WHERE c.ended_at IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608
    sums = ", ".join(f"COALESCE(SUM({name}_tokens), 0)" for name in _TOKENS)
    row = connection.execute(f"SELECT {sums}, COALESCE(SUM(cost_usd), 0.0) FROM commands").fetchone()  # noqa: S608
    return Counters(
        commands=many(connection, CommandCount, commands),
        tokens=dict(zip(_TOKENS, row[:-1], strict=True)),
        cost_usd=row[-1],
    )
