"""The table of receipts: for each story's commit the receipt as its note has it; and the records it is made of."""

from __future__ import annotations

import sqlite3
from typing import Final, TypeVar

import msgspec

from store.batches import BatchRow, get_batch
from store.checks import Check
from store.commands import Command
from store.gates import GateRow
from store.lanes import get_lane
from store.log import StoredEvent
from store.rows import many, now_ms, one
from store.stories import Story, get_lineage, get_story

R = TypeVar("R", bound=msgspec.Struct)

AFTER: Final = "receipts after"  # in `meta`: the newest story of before there were receipts


class ReceiptRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `receipts`. `line` is empty where none could be made, and `problem` says why; times in ms."""

    story_id: int
    story_key: str
    commit_hash: str
    line: str
    problem: str | None
    made_at: int
    noted_at: int | None


class StoryRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded of the work on a story, in its batch and in those that it was carried through.

    `merge` is the commit by which the branch took that of the story; `change` is the event of its last status.
    """

    story: Story
    batch: BatchRow
    commands: list[Command]
    checks: list[Check]
    gates: list[GateRow]
    merge: str | None
    change: StoredEvent | None


def get_stories_without_receipt(connection: sqlite3.Connection) -> list[Story]:
    """Return the stories that are done and committed and have no receipt yet, oldest first."""
    sql = """SELECT * FROM stories WHERE status = 'done' AND commit_hash <> ''
             AND id > CAST((SELECT value FROM meta WHERE key = ?) AS INTEGER)
             AND NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.story_id = stories.id) ORDER BY id"""
    return many(connection, Story, sql, (AFTER,))


def get_records(connection: sqlite3.Connection, story_id: int) -> StoryRecords | None:
    """Return the records of a story's row, of one moment."""
    connection.execute("SAVEPOINT records")
    try:
        return _records(connection, story_id)
    finally:
        connection.execute("RELEASE records")


def _records(connection: sqlite3.Connection, story_id: int) -> StoryRecords | None:
    story = get_story(connection, story_id)
    batch = None if story is None else get_batch(connection, story.batch_id)
    if story is None or batch is None:
        return None
    lineage, floor = get_lineage(connection, story_id)
    lane = get_lane(connection, story.batch_id, story.cycle_number)
    return StoryRecords(
        story=story,
        batch=batch,
        commands=_commands(connection, lineage, floor),
        checks=_of_batches(connection, Check, "checks", "story_key", lineage, story.story_key),
        gates=_of_batches(connection, GateRow, "gates", "subject", lineage, story.story_key),
        merge=None if lane is None else lane.merged,
        change=_change(connection, story),
    )


def _commands(connection: sqlite3.Connection, lineage: list[int], floor: int) -> list[Command]:
    marks = ", ".join("?" * len(lineage))
    sql = f"""SELECT * FROM commands WHERE id > ? AND batch_id IN (SELECT batch_id FROM stories WHERE id IN ({marks}))
              AND EXISTS (SELECT 1 FROM json_each(commands.story_keys)
                          WHERE value IN (SELECT story_key FROM stories WHERE id IN ({marks})))
              ORDER BY id"""  # noqa: S608 - marks
    return many(connection, Command, sql, (floor, *lineage, *lineage))


def _of_batches(
    connection: sqlite3.Connection, kind: type[R], table: str, column: str, lineage: list[int], key: str
) -> list[R]:
    marks = ", ".join("?" * len(lineage))
    sql = f"""SELECT * FROM {table} WHERE {column} = ?
              AND batch_id IN (SELECT batch_id FROM stories WHERE id IN ({marks})) ORDER BY id"""  # noqa: S608 - names of this module
    return many(connection, kind, sql, (key, *lineage))


def _change(connection: sqlite3.Connection, story: Story) -> StoredEvent | None:
    sql = """SELECT * FROM events WHERE story_key = ? AND type = 'story:status'
             AND json_extract(payload, '$.new_status') = ? ORDER BY seq DESC LIMIT 1"""
    return one(connection, StoredEvent, sql, (story.story_key, story.status))


def keep_receipt(connection: sqlite3.Connection, /, story: Story, commit: str, line: str, problem: str | None) -> None:
    """Keep a receipt; the first one of a story's row counts."""
    sql = """INSERT OR IGNORE INTO receipts (story_id, story_key, commit_hash, line, problem, made_at)
             VALUES (?, ?, ?, ?, ?, ?)"""
    connection.execute(sql, (story.id, story.story_key, commit, line, problem, now_ms()))


def mark_noted(connection: sqlite3.Connection, /, story_id: int) -> None:
    connection.execute("UPDATE receipts SET noted_at = ? WHERE story_id = ?", (now_ms(), story_id))


def get_receipts_to_note(connection: sqlite3.Connection) -> list[ReceiptRow]:
    """Return the receipts whose note is not written yet, oldest first."""
    sql = "SELECT * FROM receipts WHERE noted_at IS NULL AND line <> '' ORDER BY story_id"
    return many(connection, ReceiptRow, sql)


def get_receipt(connection: sqlite3.Connection, story_key: str) -> ReceiptRow | None:
    """Return the newest receipt of a story."""
    sql = "SELECT * FROM receipts WHERE story_key = ? ORDER BY story_id DESC LIMIT 1"
    return one(connection, ReceiptRow, sql, (story_key,))
