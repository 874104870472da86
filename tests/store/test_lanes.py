"""The lanes of cycles that run side by side."""

from __future__ import annotations

import sqlite3

import pytest

from db import (
    create_batch,
    create_lane,
    create_story,
    get_lane,
    get_open_lanes,
    get_unfinished_lane,
    update_lane,
    update_story,
)

NAMES = {"worktree": "1-1-a", "branch": "sprint-runner/1/1-1-a", "target": "main"}


def test_a_cycle_has_one_lane_or_none(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 2)
    assert get_lane(connection, batch, 1) is None
    create_lane(connection, batch, 1, **NAMES)
    lane = get_lane(connection, batch, 1)
    assert lane is not None
    assert (lane.worktree, lane.branch, lane.target) == ("1-1-a", "sprint-runner/1/1-1-a", "main")
    assert (lane.merged, lane.ended_at) == (None, None)
    with pytest.raises(sqlite3.IntegrityError):
        create_lane(connection, batch, 1, **NAMES)


def test_a_lane_is_open_until_its_worktree_is_gone(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 2)
    first, second = (create_lane(connection, batch, number, **NAMES) for number in (1, 2))
    update_lane(connection, first, merged="abc", ended_at=5)
    assert [lane.id for lane in get_open_lanes(connection)] == [second]


def test_a_story_is_found_in_the_lane_where_it_was_left(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 2)
    rows = [create_story(connection, batch, key, cycle_number=2, position=place) for place, key in enumerate("ab")]
    assert get_unfinished_lane(connection, "a") is None
    lane_id = create_lane(connection, batch, 2, **NAMES)
    found = get_unfinished_lane(connection, "b")
    assert found is not None
    assert (found[0].id, [story.id for story in found[1]]) == (lane_id, rows)
    update_story(connection, rows[1], status="blocked")
    assert get_unfinished_lane(connection, "b") is None
    assert get_unfinished_lane(connection, "a") is not None
    create_story(connection, create_batch(connection, 1), "a")
    assert get_unfinished_lane(connection, "a") is None
