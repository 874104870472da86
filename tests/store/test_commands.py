"""The commands: what ran for which story, what still runs, and what it cost."""

from __future__ import annotations

import sqlite3

import pytest

from store.batches import create_batch
from store.commands import (
    cost_since,
    create_command,
    get_command,
    get_commands_by_batch,
    get_commands_by_key,
    get_commands_by_story,
    get_cycle_commands,
    get_running_commands,
    update_command,
)
from store.rows import UnknownColumn
from store.spending import spent_of_batch
from store.stories import create_story


@pytest.fixture
def batch(connection: sqlite3.Connection) -> int:
    return create_batch(connection, 1)


def test_a_new_command_runs(connection: sqlite3.Connection, batch: int) -> None:
    command = get_command(connection, create_command(connection, batch, "dev-story", story_keys=["1-1-a", "1-2-b"]))
    assert command is not None
    assert (command.status, command.attempt, command.task_id, command.story_key) == ("running", 1, "setup", "")
    assert (command.story_keys, command.background, command.ended_at) == ('["1-1-a", "1-2-b"]', 0, None)
    assert get_command(connection, 99) is None


def test_what_a_command_used_is_booked(connection: sqlite3.Connection, batch: int) -> None:
    command_id = create_command(connection, batch, "dev-story")
    update_command(connection, command_id, input_tokens=3, cost_usd=0.5)
    update_command(connection, command_id, status="success", ended_at=9, files_changed=2, exit_code=0)
    command = get_command(connection, command_id)
    assert command is not None
    assert (command.input_tokens, command.cost_usd, command.files_changed, command.status) == (3, 0.5, 2, "success")
    with pytest.raises(UnknownColumn):
        update_command(connection, command_id, tokens=3)


def test_commands_by_batch_story_and_cycle(connection: sqlite3.Connection, batch: int) -> None:
    stories = [create_story(connection, batch, key) for key in ("1-1-a", "1-2-b")]
    other = create_batch(connection, 1)
    for of_batch, story in (
        (batch, stories[0]),
        (batch, stories[1]),
        (batch, None),
        (other, None),
        (batch, stories[0]),
    ):
        create_command(connection, of_batch, "dev-story", story_id=story)
    assert [command.id for command in get_commands_by_batch(connection, batch)] == [1, 2, 3, 5]
    assert [command.id for command in get_commands_by_story(connection, stories[0])] == [1, 5]
    assert [command.id for command in get_cycle_commands(connection, stories)] == [1, 2, 5]
    assert get_cycle_commands(connection, []) == []


def test_commands_of_a_key_alone_or_together_in_any_batch(connection: sqlite3.Connection, batch: int) -> None:
    """Pitfall: key `2a-1` also matches `2a-10` and `12a-1`."""
    create_command(connection, batch, "dev-story", story_key="2a-1", story_keys=["2a-1"])
    create_command(connection, batch, "create-story", story_key="2a-0", story_keys=["2a-0", "2a-1"])
    create_command(connection, batch, "dev-story", story_key="2a-10", story_keys=["2a-10"])
    create_command(connection, batch, "dev-story", story_key="12a-1", story_keys=["12a-1"])
    create_command(connection, create_batch(connection, 1), "commit", story_key="2a-1")
    assert [command.id for command in get_commands_by_key(connection, "2a-1")] == [1, 2, 5]
    assert get_commands_by_key(connection, "2a") == []


def test_what_has_no_end_still_runs(connection: sqlite3.Connection, batch: int) -> None:
    ids = [create_command(connection, batch, "dev-story") for _ in range(3)]
    update_command(connection, ids[1], status="success", ended_at=5)
    assert [command.id for command in get_running_commands(connection)] == [ids[0], ids[2]]


def test_cost_of_a_batch_and_since_a_time(connection: sqlite3.Connection, batch: int) -> None:
    other = create_batch(connection, 1)
    for of_batch, at, cost in ((batch, 100, 0.5), (batch, 200, None), (other, 200, 0.25), (batch, 300, 1.0)):
        create_command(connection, of_batch, "dev-story", started_at=at, cost_usd=cost)
    assert (spent_of_batch(connection, batch).usd, spent_of_batch(connection, other).usd) == (1.5, 0.25)
    assert [cost_since(connection, at) for at in (0, 101, 200, 301)] == [1.75, 1.25, 1.25, 0.0]
    assert spent_of_batch(connection, 99).usd == 0.0
