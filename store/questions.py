"""What agents asked the operator: one row for each call that ended with a question, and the answer it was given."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from store.rows import many, now_ms, one


class NotAsked(LookupError):
    """There is no such question, or it was answered before: the first answer counts."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `questions`; times in ms since the epoch, `answer` None while it waits for one."""

    command_id: int
    question: str
    answer: str | None
    asked_at: int
    answered_at: int | None


def ask_question(connection: sqlite3.Connection, /, command_id: int, question: str) -> None:
    """Remember what a call asked."""
    connection.execute(
        "INSERT INTO questions (command_id, question, asked_at) VALUES (?, ?, ?)", (command_id, question, now_ms())
    )


def answer_question(connection: sqlite3.Connection, /, command_id: int, answer: str) -> None:
    """Keep the answer; raises `NotAsked` without an open question, so that what tells of it is not written either."""
    sql = "UPDATE questions SET answer = ?, answered_at = ? WHERE command_id = ? AND answer IS NULL"
    if connection.execute(sql, (answer, now_ms(), command_id)).rowcount == 0:
        raise NotAsked(f"command {command_id} has no question that waits for an answer")


def get_question(connection: sqlite3.Connection, command_id: int) -> Question | None:
    return one(connection, Question, "SELECT * FROM questions WHERE command_id = ?", (command_id,))


def get_questions(connection: sqlite3.Connection, command_ids: Sequence[int]) -> list[Question]:
    """The questions of these calls, oldest first."""
    marks = ", ".join("?" * len(command_ids))
    sql = f"SELECT * FROM questions WHERE command_id IN ({marks}) ORDER BY command_id"  # noqa: S608 - only marks
    return many(connection, Question, sql, tuple(command_ids))
