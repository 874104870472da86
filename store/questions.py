"""The table of questions: one row for each command that ended with a question to the operator, and its answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

import msgspec

from store.rows import many, now_ms, one


class NotAsked(LookupError):
    """The question does not exist or is answered already: the first answer counts."""


class QuestionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `questions`; times in ms since the epoch, `answer` None while the question is open."""

    command_id: int
    question: str
    answer: str | None
    asked_at: int
    answered_at: int | None


def ask_question(connection: sqlite3.Connection, /, command_id: int, question: str) -> None:
    """Insert the question of a command, in the place of an earlier one that has its answer."""
    sql = (
        "INSERT INTO questions (command_id, question, asked_at) VALUES (?, ?, ?) ON CONFLICT (command_id) DO UPDATE "
        "SET question = excluded.question, asked_at = excluded.asked_at, answer = NULL, answered_at = NULL"
    )
    connection.execute(sql, (command_id, question, now_ms()))


def answer_question(connection: sqlite3.Connection, /, command_id: int, answer: str) -> None:
    """Store the answer; raises `NotAsked` without an open question, which also rolls the event of the answer back."""
    # The condition decides between two pages that answer at the same time.
    sql = "UPDATE questions SET answer = ?, answered_at = ? WHERE command_id = ? AND answer IS NULL"
    if connection.execute(sql, (answer, now_ms(), command_id)).rowcount == 0:
        raise NotAsked(f"command {command_id} has no open question")


def get_question(connection: sqlite3.Connection, command_id: int) -> QuestionRow | None:
    return one(connection, QuestionRow, "SELECT * FROM questions WHERE command_id = ?", (command_id,))


def get_questions(connection: sqlite3.Connection, command_ids: Sequence[int]) -> list[QuestionRow]:
    """Return the questions of these commands, oldest first."""
    sql = "SELECT * FROM questions WHERE command_id IN (SELECT value FROM json_each(?)) ORDER BY command_id"
    return many(connection, QuestionRow, sql, (json.dumps(list(command_ids)),))
