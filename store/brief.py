"""What is recorded of one batch, for its brief: read at one moment, so that its numbers fit each other."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.batches import BatchSummary, summarise_batch
from store.checks import Check
from store.gates import GateRow, get_open_gates
from store.later_tables import OF_COURSE
from store.ledger import LedgerLine, Window, get_lines
from store.log import StoredEvent
from store.questions import QuestionRow
from store.rows import many
from store.stories import Story, get_stories_by_batch

COURSE_MAX: Final = 2000  # newest events of a batch's course


class LastReview(msgspec.Struct, frozen=True):
    """The last code review of a story that ended with a verdict; `word` is the verdict."""

    story_key: str
    command: str
    word: str


class BatchRecords(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a batch. `newest` are the statuses of its stories by their newest rows, of whatever batch.

    `unpriced` are those with a command that reported no cost. `before` has an entry for each pause by an interruption,
    `last_at` is the time of the last event.
    """

    batch: BatchSummary
    stories: list[Story]
    newest: dict[str, str]
    total: LedgerLine | None
    by_story: list[LedgerLine]
    unpriced: set[str]
    reviews: list[LastReview]
    checks: list[Check]
    receipts: set[str]
    questions: list[QuestionRow]
    gates: list[GateRow]
    course: list[StoredEvent]
    before: dict[int, int]
    last_at: int | None


def get_batch_records(connection: sqlite3.Connection, batch_id: int) -> BatchRecords | None:
    """Return the records of a batch; None where there is none of this id."""
    connection.execute("SAVEPOINT brief")
    try:
        batch = summarise_batch(connection, batch_id)
        return None if batch is None else _records(connection, batch)
    finally:
        connection.execute("RELEASE brief")


def _records(connection: sqlite3.Connection, batch: BatchSummary) -> BatchRecords:
    window = Window(batch=batch.id)
    course = _course(connection, batch.id)
    return BatchRecords(
        batch=batch,
        stories=get_stories_by_batch(connection, batch.id),
        newest=_newest(connection, batch.id),
        total=next(iter(get_lines(connection, "total", window)), None),
        by_story=get_lines(connection, "by_story", window),
        unpriced=_unpriced(connection, batch.id),
        reviews=_reviews(connection, batch.id),
        checks=_checks(connection, batch.id),
        receipts=_receipts(connection, batch.id),
        questions=_questions(connection, batch.id),
        gates=get_open_gates(connection, batch.id),
        course=course,
        before={event.seq: at for event in course if (at := _before(connection, event)) is not None},
        last_at=_last_at(connection, batch.id),
    )


def _newest(connection: sqlite3.Connection, batch_id: int) -> dict[str, str]:
    sql = """SELECT story_key, status FROM stories WHERE id IN (SELECT MAX(id) FROM stories
             WHERE story_key IN (SELECT story_key FROM stories WHERE batch_id = ?) GROUP BY story_key)"""
    return dict(connection.execute(sql, (batch_id,)).fetchall())


def _unpriced(connection: sqlite3.Connection, batch_id: int) -> set[str]:
    sql = """SELECT DISTINCT story_key FROM commands
             WHERE batch_id = ? AND cost_usd IS NULL AND agent NOT IN ('runner', 'operator')"""
    return {str(row[0]) for row in connection.execute(sql, (batch_id,))}


def _reviews(connection: sqlite3.Connection, batch_id: int) -> list[LastReview]:
    sql = """SELECT story_key, command, word FROM commands WHERE id IN (
                 SELECT MAX(id) FROM commands WHERE batch_id = ? AND command GLOB 'code-review*' AND word IS NOT NULL
                 AND status = 'success' GROUP BY story_key)"""
    return many(connection, LastReview, sql, (batch_id,))


def _checks(connection: sqlite3.Connection, batch_id: int) -> list[Check]:
    """Return the last run of the check for each story."""
    sql = "SELECT * FROM checks WHERE id IN (SELECT MAX(id) FROM checks WHERE batch_id = ? GROUP BY story_key)"
    return many(connection, Check, sql, (batch_id,))


def _receipts(connection: sqlite3.Connection, batch_id: int) -> set[str]:
    sql = """SELECT stories.story_key FROM stories JOIN receipts ON receipts.story_id = stories.id
             WHERE stories.batch_id = ? AND receipts.line <> ''"""
    return {str(row[0]) for row in connection.execute(sql, (batch_id,))}


def _questions(connection: sqlite3.Connection, batch_id: int) -> list[QuestionRow]:
    sql = """SELECT questions.* FROM questions JOIN commands ON commands.id = questions.command_id
             WHERE commands.batch_id = ? AND questions.answer IS NULL ORDER BY command_id"""
    return many(connection, QuestionRow, sql, (batch_id,))


def _course(connection: sqlite3.Connection, batch_id: int) -> list[StoredEvent]:
    newest = f"SELECT * FROM events WHERE batch_id = ? AND {OF_COURSE} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - a constant
    return many(connection, StoredEvent, f"SELECT * FROM ({newest}) ORDER BY seq", (batch_id, COURSE_MAX))  # noqa: S608


def _before(connection: sqlite3.Connection, event: StoredEvent) -> int | None:
    """Return when the event before the pause of an interruption was: that is about when the server ended."""
    if event.type != "batch:pause" or '"interrupted"' not in event.payload:
        return None
    # What a start closes has its events before that of the pause.
    sql = """SELECT timestamp FROM events WHERE batch_id = ? AND seq < ? AND NOT
             (type IN ('command:end', 'context:complete') AND json_extract(payload, '$.status') = 'interrupted')
             ORDER BY seq DESC LIMIT 1"""
    row = connection.execute(sql, (event.batch_id, event.seq)).fetchone()
    return None if row is None else int(row[0])


def _last_at(connection: sqlite3.Connection, batch_id: int) -> int | None:
    row = connection.execute(
        "SELECT timestamp FROM events WHERE batch_id = ? ORDER BY seq DESC LIMIT 1", (batch_id,)
    ).fetchone()
    return None if row is None else int(row[0])
