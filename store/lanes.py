"""The table of lanes: for each cycle in its own git worktree, the worktree, its branch and the target branch."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from store.rows import insert, many, one, update
from store.stories import FINISHED, Story


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `lanes`; `merged` is the merge commit on `target`, `ended_at` the time the worktree was removed.

    `machine`, `job`, `token` and `cursor` are the lease of the worker that has the lane, all None where none has it.
    """

    id: int
    batch_id: int
    cycle_number: int
    worktree: str
    branch: str
    target: str
    merged: str | None = None
    ended_at: int | None = None
    machine: str | None = None
    job: str | None = None
    token: int | None = None
    cursor: int | None = None


def create_lane(connection: sqlite3.Connection, /, batch_id: int, cycle_number: int, **columns: Any) -> int:
    """Insert the lane of a cycle and return the row's id."""
    return insert(connection, "lanes", Lane, {"batch_id": batch_id, "cycle_number": cycle_number, **columns})


def update_lane(connection: sqlite3.Connection, /, lane_id: int, **columns: Any) -> None:
    update(connection, "lanes", Lane, lane_id, columns)


def get_lane(connection: sqlite3.Connection, batch_id: int, cycle_number: int) -> Lane | None:
    sql = "SELECT * FROM lanes WHERE batch_id = ? AND cycle_number = ?"
    return one(connection, Lane, sql, (batch_id, cycle_number))


def end_lane(connection: sqlite3.Connection, /, worktree: str, at: int) -> None:
    """Record the removal of a worktree, for every batch that used it."""
    connection.execute("UPDATE lanes SET ended_at = ? WHERE worktree = ? AND ended_at IS NULL", (at, worktree))


def get_finished_lanes(connection: sqlite3.Connection) -> list[Lane]:
    """Return the lanes whose stories are all done or blocked and whose worktree may exist, oldest first."""
    sql = """SELECT * FROM lanes WHERE ended_at IS NULL AND NOT EXISTS (
                 SELECT 1 FROM stories WHERE stories.batch_id = lanes.batch_id
                 AND stories.cycle_number = lanes.cycle_number AND stories.status NOT IN (?, ?)
             ) ORDER BY id"""
    return many(connection, Lane, sql, FINISHED)


def get_first_batch(connection: sqlite3.Connection, worktree: str) -> int | None:
    """Return the batch that made a worktree."""
    row = connection.execute("SELECT MIN(batch_id) FROM lanes WHERE worktree = ?", (worktree,)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def get_unfinished_lane(connection: sqlite3.Connection, names: Sequence[str]) -> tuple[Lane, list[Story]] | None:
    """Return the lane in which an earlier batch left the story unfinished, and the rows of its cycle.

    `names` are the keys under which the story was recorded, which are two after a migration.
    """
    marks = ", ".join("?" * len(names))
    sql = f"SELECT * FROM stories WHERE story_key IN ({marks}) ORDER BY id DESC LIMIT 1"  # noqa: S608 - marks
    story = one(connection, Story, sql, tuple(names))
    lane = None if story is None else get_lane(connection, story.batch_id, story.cycle_number)
    if story is None or lane is None or lane.ended_at is not None or story.status in FINISHED:
        return None
    sql = "SELECT * FROM stories WHERE batch_id = ? AND cycle_number = ? ORDER BY position, id"
    return lane, many(connection, Story, sql, (story.batch_id, story.cycle_number))


def get_leased_lanes(connection: sqlite3.Connection, batch_id: int) -> list[Lane]:
    """Return the lanes of a batch that a worker has, oldest first."""
    sql = "SELECT * FROM lanes WHERE batch_id = ? AND machine IS NOT NULL ORDER BY id"
    return many(connection, Lane, sql, (batch_id,))


def count_open_lanes(connection: sqlite3.Connection) -> int:
    """Count the lanes that may still have a worktree."""
    count: int = connection.execute("SELECT COUNT(*) FROM lanes WHERE ended_at IS NULL").fetchone()[0]
    return count
