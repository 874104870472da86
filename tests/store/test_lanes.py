"""The lanes of cycles that run side by side."""

from __future__ import annotations

import sqlite3

import pytest

from store.batches import create_batch
from store.lanes import create_lane, end_lane, get_finished_lanes, get_lane, get_unfinished_lane, update_lane
from store.stories import create_story, update_story

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


def test_a_lane_is_finished_with_its_stories_and_ends_with_its_worktree(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 2)
    first, second = (create_lane(connection, batch, number, **NAMES) for number in (1, 2))
    stories = [create_story(connection, batch, key, cycle_number=2, status="review") for key in "ab"]
    assert [lane.id for lane in get_finished_lanes(connection)] == [first]
    update_story(connection, stories[0], status="done")
    assert [lane.id for lane in get_finished_lanes(connection)] == [first]
    update_story(connection, stories[1], status="blocked")
    assert [lane.id for lane in get_finished_lanes(connection)] == [first, second]
    update_lane(connection, second, merged="abc")
    end_lane(connection, NAMES["worktree"], 5)
    assert get_finished_lanes(connection) == []
    lane = get_lane(connection, batch, 2)
    assert lane is not None
    assert (lane.merged, lane.ended_at) == ("abc", 5)


def test_a_story_is_found_in_the_lane_where_it_was_left(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 2)
    rows = [create_story(connection, batch, key, cycle_number=2, position=place) for place, key in enumerate("ab")]
    assert get_unfinished_lane(connection, ("a",)) is None
    lane_id = create_lane(connection, batch, 2, **NAMES)
    found = get_unfinished_lane(connection, ("b",))
    assert found is not None
    assert (found[0].id, [story.id for story in found[1]]) == (lane_id, rows)
    update_story(connection, rows[1], status="blocked")
    assert get_unfinished_lane(connection, ("b",)) is None
    assert get_unfinished_lane(connection, ("a",)) is not None
    create_story(connection, create_batch(connection, 1), "a")
    assert get_unfinished_lane(connection, ("a",)) is None
