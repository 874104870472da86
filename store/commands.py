"""The table of commands: one row for each call of an agent, committed before it starts and again when it ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from store.rows import insert, many, now_ms, one, update

RETRIED: Final = "retried"  # the word of a failed command that is not counted any more


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `commands`; times in ms since the epoch, cost in US dollars, `verdict` and `story_keys` as JSON."""

    id: int
    batch_id: int
    story_id: int | None
    story_key: str
    story_keys: str
    command: str
    attempt: int
    status: str
    task_id: str
    agent: str
    model: str | None
    background: int
    mark: str | None
    pid: int | None
    pid_start: str | None
    session_id: str | None
    stream_path: str | None
    verdict: str | None
    word: str | None
    reason: str | None
    started_at: int
    ended_at: int | None
    duration_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    estimated_usd: float | None
    turns: int | None
    exit_code: int | None
    files_changed: int | None
    lines_added: int | None
    lines_removed: int | None
    tree_before: str | None = None
    agent_change: str | None = None
    agent_version: str | None = None
    tree_after: str | None = None
    machine: str | None = None  # that the agent runs on; None: on this one


def create_command(connection: sqlite3.Connection, /, batch_id: int, command: str, **columns: Any) -> int:
    """Add a running command, with a reserved `id` or a new one, and return its id; `story_keys` may be a list."""
    id_ = columns.pop("id", None)
    values = {"batch_id": batch_id, "command": command, "started_at": now_ms(), **columns}
    if isinstance(values.get("story_keys"), list | tuple):
        values["story_keys"] = json.dumps(list(values["story_keys"]))
    return insert(connection, "commands", Command, values, id_)


def update_command(connection: sqlite3.Connection, /, command_id: int, **columns: Any) -> None:
    update(connection, "commands", Command, command_id, columns)


def discount_commands(connection: sqlite3.Connection, story_id: int) -> None:
    """Discount the failed commands of a story that is tried again; the successful ones still count."""
    sql = "UPDATE commands SET word = ? WHERE story_id = ? AND ended_at IS NOT NULL AND status <> 'success'"
    connection.execute(sql, (RETRIED, story_id))


def get_command(connection: sqlite3.Connection, command_id: int) -> Command | None:
    return one(connection, Command, "SELECT * FROM commands WHERE id = ?", (command_id,))


def get_commands_by_story(connection: sqlite3.Connection, story_id: int) -> list[Command]:
    return many(connection, Command, "SELECT * FROM commands WHERE story_id = ? ORDER BY id", (story_id,))


def get_commands_by_batch(connection: sqlite3.Connection, batch_id: int) -> list[Command]:
    return many(connection, Command, "SELECT * FROM commands WHERE batch_id = ? ORDER BY id", (batch_id,))


def get_commands_by_key(connection: sqlite3.Connection, story_key: str) -> list[Command]:
    """Return every command for the story, in any batch, also those for several stories at once."""
    sql = """SELECT * FROM commands WHERE story_key = ?1
             OR EXISTS (SELECT 1 FROM json_each(commands.story_keys) WHERE value = ?1) ORDER BY id"""
    return many(connection, Command, sql, (story_key,))


def get_running_commands(connection: sqlite3.Connection) -> list[Command]:
    return many(connection, Command, "SELECT * FROM commands WHERE ended_at IS NULL ORDER BY id")


def get_cycle_commands(connection: sqlite3.Connection, story_ids: Sequence[int]) -> list[Command]:
    """Return the commands of the given story rows, oldest first."""
    # As one value: a story that was carried through many batches has more rows than a statement may have parameters.
    sql = "SELECT * FROM commands WHERE story_id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return many(connection, Command, sql, (json.dumps(list(story_ids)),))


def find_commands(connection: sqlite3.Connection, batch: int | None, limit: int) -> tuple[list[Command], int]:
    """Return the newest commands of one batch (None: of all) in ascending order, and the number of all of them."""
    within = "FROM commands WHERE ?1 IS NULL OR batch_id = ?1"
    newest = f"SELECT * FROM (SELECT * {within} ORDER BY id DESC LIMIT ?2) ORDER BY id"  # noqa: S608 - a constant
    count: int = connection.execute(f"SELECT COUNT(*) {within}", (batch,)).fetchone()[0]
    return many(connection, Command, newest, (batch, limit)), count


def cost_since(connection: sqlite3.Connection, since_ms: int) -> float:
    """Return the cost in US dollars of the commands that started at or after the given time."""
    sql = "SELECT COALESCE(SUM(cost_usd), 0.0) FROM commands WHERE started_at >= ?"
    cost: float = connection.execute(sql, (since_ms,)).fetchone()[0]
    return cost
