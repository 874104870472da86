"""Two batches beside each other, story by story."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.rows import many


class StorySide(msgspec.Struct, frozen=True, kw_only=True):
    """What a story came to in one batch; "" is the work on the project itself.

    `cost_usd` and `output_tokens` are null where no agent has reported any, `duration_ms` while the story is open.
    """

    batch_id: int
    story_key: str
    status: str
    reason: str | None
    commands: int
    review_rounds: int
    duration_ms: int | None
    cost_usd: float | None
    estimated_usd: float
    output_tokens: int | None
    commands_without_cost: int
    commands_without_tokens: int


class ComparedStory(msgspec.Struct, frozen=True, kw_only=True):
    """A story in both batches; null for the one in which it was not begun."""

    story_key: str
    left: StorySide | None
    right: StorySide | None


_SUMS: Final = """
    COUNT(c.id) AS commands,
    COUNT(*) FILTER (WHERE c.command GLOB 'code-review-*' AND c.status = 'success') AS review_rounds,
    SUM(c.cost_usd) FILTER (WHERE c.agent <> 'runner') AS cost_usd,
    COALESCE(SUM(c.estimated_usd), 0.0) AS estimated_usd,
    SUM(c.output_tokens) FILTER (WHERE c.agent <> 'runner') AS output_tokens,
    COUNT(c.ended_at) FILTER (WHERE c.cost_usd IS NULL AND c.agent <> 'runner') AS commands_without_cost,
    COUNT(c.ended_at) FILTER (WHERE c.output_tokens IS NULL AND c.agent <> 'runner') AS commands_without_tokens
"""
# A story that two cycles of a batch took has two rows; `MAX(s.id)` makes the bare columns those of the later one.
_STORIES: Final = f"""
    SELECT batch_id, story_key, status, reason, duration_ms, commands, review_rounds, cost_usd, estimated_usd,
        output_tokens, commands_without_cost, commands_without_tokens
    FROM (SELECT s.batch_id, s.story_key, s.status, s.reason, MAX(s.id),
              MAX(s.ended_at) - MIN(s.started_at) AS duration_ms, {_SUMS}
          FROM stories s LEFT JOIN commands c ON c.story_id = s.id
          WHERE s.batch_id IN (:left, :right) GROUP BY s.batch_id, s.story_key)
    UNION ALL
    SELECT c.batch_id, '', '', NULL, SUM(c.duration_ms), {_SUMS}
    FROM commands c WHERE c.batch_id IN (:left, :right) AND c.story_id IS NULL GROUP BY c.batch_id
"""  # noqa: S608 - constants


def compare_stories(connection: sqlite3.Connection, left: int, right: int) -> list[ComparedStory]:
    """Return the stories of either batch, the work on the project first, then by key."""
    sides = many(connection, StorySide, _STORIES, {"left": left, "right": right})
    found = {(side.batch_id, side.story_key): side for side in sides}
    keys = sorted({side.story_key for side in sides})
    return [ComparedStory(story_key=key, left=found.get((left, key)), right=found.get((right, key))) for key in keys]
