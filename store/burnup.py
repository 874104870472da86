"""The burn-up chart: the number of done stories over time, from the stored `story:status` events.

A story whose first event has `done` as the old status was done before the record began. A story without an event is
not counted: only the tracker lists it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec


class DonePoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point at which a story became done or stopped being done; `done` is the count after it, `at` in ms."""

    at: int
    story_key: str
    done: int


class BurnUp(msgspec.Struct, frozen=True, kw_only=True):
    """The points of a window; `before` counts the done stories at its beginning, `now` those at the end of the
    record."""

    before: int
    now: int
    points: list[DonePoint]


_EVENTS: Final = """
    SELECT timestamp, batch_id, story_key,
        json_extract(payload, '$.old_status') = 'done', json_extract(payload, '$.new_status') = 'done'
    FROM events WHERE type = 'story:status' AND story_key IS NOT NULL ORDER BY seq
"""


def get_burn_up(
    connection: sqlite3.Connection, batch: int | None = None, since: int | None = None, until: int | None = None
) -> BurnUp:
    """Return the changes of one batch, those from a time on and before another one (ms), or all."""
    rows: list[tuple[int, int | None, str, int, int]] = connection.execute(_EVENTS).fetchall()
    done = _done_at_first(rows)
    before, points = len(done), []
    for at, batch_id, key, _, is_done in rows:
        if bool(is_done) == (key in done):  # a change between two other statuses, or of the file alone
            continue
        done ^= {key}
        if until is not None and at >= until:
            continue
        if (batch is None or batch_id == batch) and (since is None or at >= since):
            points.append(DonePoint(at=at, story_key=key, done=len(done)))
        elif not points:
            before = len(done)
    return BurnUp(before=before, now=len(done), points=points)


def _done_at_first(rows: list[tuple[int, int | None, str, int, int]]) -> set[str]:
    first: dict[str, int] = {}
    for _, _, key, was_done, _ in rows:
        first.setdefault(key, was_done)
    return {key for key, was_done in first.items() if was_done}
