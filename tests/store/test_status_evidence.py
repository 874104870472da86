"""The status of stories by the runner's own records."""

from __future__ import annotations

import json
import sqlite3

from store.batches import create_batch
from store.commands import create_command
from store.status_evidence import (
    StatusChange,
    count_stories_since,
    get_command_summaries,
    get_newest_stories,
    get_status_changes,
)
from store.stories import create_story


def tell(connection: sqlite3.Connection, seq: int, key: str, old: str, new: str, reason: str | None = None) -> None:
    payload = {"story_key": key, "old_status": old, "new_status": new} | ({"reason": reason} if reason else {})
    sql = "INSERT INTO events (seq, type, timestamp, story_key, payload) VALUES (?, 'story:status', ?, ?, ?)"
    connection.execute(sql, (seq, seq * 10, key, json.dumps(payload)))


def test_the_last_real_change_of_a_status_counts(connection: sqlite3.Connection) -> None:
    tell(connection, 1, "1-1-a", "backlog", "review")
    tell(connection, 2, "1-1-a", "review", "done", "set by hand")
    tell(connection, 3, "1-1-a", "done", "done", "its file was edited")
    tell(connection, 4, "1-1-ab", "backlog", "done")
    assert get_status_changes(connection) == {
        "1-1-a": StatusChange("review", "done", "set by hand", 20),
        "1-1-ab": StatusChange("backlog", "done", "", 40),
    }
    assert list(get_status_changes(connection, "1-1-a")) == ["1-1-a"]
    assert get_status_changes(connection, "none") == {}


def test_the_newest_row_of_every_story_and_who_came_later(connection: sqlite3.Connection) -> None:
    first, second = create_batch(connection, max_cycles=None), create_batch(connection, max_cycles=None)
    create_story(connection, first, "1-1-a", status="blocked", started_at=10)
    create_story(connection, first, "1-2-b", status="done", started_at=20)
    create_story(connection, second, "1-1-a", status="done", started_at=30)
    assert {row.story_key: row.status for row in get_newest_stories(connection)} == {"1-1-a": "done", "1-2-b": "done"}
    assert [count_stories_since(connection, at) for at in (10, 20, 30, 31)] == [2, 2, 1, 0]


def test_commands_for_the_project_itself_say_nothing_of_a_story(connection: sqlite3.Connection) -> None:
    batch = create_batch(connection, max_cycles=None)
    create_command(connection, batch, "create-project-context")
    create_command(connection, batch, "commit", story_key="1-1-a", story_keys=["1-1-a", "1-2-b"], word="abc1234")
    assert [(summary.command, summary.story_keys, summary.word) for summary in get_command_summaries(connection)] == [
        ("commit", '["1-1-a", "1-2-b"]', "abc1234")
    ]
