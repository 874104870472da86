"""The stories of batches."""

from __future__ import annotations

import sqlite3

import pytest

from store.batches import create_batch
from store.commands import create_command, get_cycle_commands
from store.stories import (
    check_story_blocked,
    create_story,
    get_lineage,
    get_next_available_story,
    get_stories_by_batch,
    get_story,
    get_story_by_key,
    mark_afresh,
    update_story,
)


def test_a_story_enters_as_it_was_found(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, 1)
    story = get_story(connection, create_story(connection, batch, "2a-1-tea", epic="2a", entry_status="review"))
    assert story is not None
    assert (story.batch_id, story.story_key, story.epic, story.entry_status) == (batch, "2a-1-tea", "2a", "review")
    assert (story.cycle_number, story.position, story.base_tree, story.continues, story.ended_at) == (
        1,
        0,
        None,
        None,
        None,
    )
    assert story.started_at > 1_700_000_000_000
    assert get_story(connection, 99) is None


def test_a_story_is_changed(connection: sqlite3.Connection) -> None:
    story_id = create_story(connection, create_batch(connection, 1), "1-1-a")
    update_story(connection, story_id, status="done", reason="code review 1 found zero issues", ended_at=9)
    story = get_story(connection, story_id)
    assert story is not None
    assert (story.status, story.ended_at) == ("done", 9)


def test_the_newest_row_of_a_key_in_one_batch_or_any(connection: sqlite3.Connection) -> None:
    first, second = create_batch(connection, 1), create_batch(connection, 1)
    ids = [create_story(connection, batch, "1-1-a") for batch in (first, second)]
    create_story(connection, second, "1-1-ab")
    create_story(connection, second, "11-1-a")
    found = [get_story_by_key(connection, "1-1-a", batch) for batch in (None, first, second, 99)]
    assert [story.id if story else None for story in found] == [ids[1], ids[0], ids[1], None]
    assert get_story_by_key(connection, "1-1") is None
    assert get_story_by_key(connection, "1-1-%") is None


def test_a_story_that_was_carried_through_a_thousand_batches_keeps_its_records(connection: sqlite3.Connection) -> None:
    ids: list[int] = []
    for _ in range(1000):
        batch = create_batch(connection, 1)
        ids.append(create_story(connection, batch, "1-1-a", continues=ids[-1] if ids else None))
        create_story(connection, batch, "1-2-b")
    assert get_lineage(connection, ids[-1]) == (ids, 0)
    create_command(connection, create_batch(connection, 1), "1-1-a", story_id=ids[0])
    assert [row.story_id for row in get_cycle_commands(connection, ids)] == [ids[0]]
    mark_afresh(connection, ids[500])
    assert get_lineage(connection, ids[-1]) == (ids, 1)
    assert get_lineage(connection, ids[499]) == (ids[:500], 0)


def test_stories_of_a_batch_in_the_order_it_took_them(connection: sqlite3.Connection) -> None:
    batch, other = create_batch(connection, None), create_batch(connection, None)
    for key, cycle, position in (("d", 2, 1), ("c", 2, 0), ("b", 1, 1), ("a", 1, 0)):
        create_story(connection, batch, key, cycle_number=cycle, position=position)
    create_story(connection, other, "e")
    assert [story.story_key for story in get_stories_by_batch(connection, batch)] == ["a", "b", "c", "d"]


def test_the_newest_row_says_whether_a_story_is_blocked(connection: sqlite3.Connection) -> None:
    first, second = create_batch(connection, 1), create_batch(connection, 1)
    assert not check_story_blocked(connection, "1-1-a")
    create_story(connection, first, "1-1-a", status="blocked")
    assert check_story_blocked(connection, "1-1-a")
    assert not check_story_blocked(connection, "1-1")
    create_story(connection, second, "1-1-a", status="done")
    assert not check_story_blocked(connection, "1-1-a")


@pytest.mark.parametrize(
    ("statuses", "key"),
    [
        (["backlog", "backlog"], "s0"),
        (["done", "review"], "s1"),
        (["blocked", "in-progress"], "s1"),
        (["done", "blocked"], None),
        ([], None),
    ],
)
def test_the_next_story_is_the_first_unfinished_one(
    connection: sqlite3.Connection, statuses: list[str], key: str | None
) -> None:
    batch = create_batch(connection, 1)
    for number, status in enumerate(statuses):
        create_story(connection, batch, f"s{number}", position=number, status=status)
    story = get_next_available_story(connection, batch)
    assert (story.story_key if story else None) == key
