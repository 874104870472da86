"""The statements that every table shares."""

from __future__ import annotations

import sqlite3
import time

import msgspec
import pytest

from store.batches import BatchRow
from store.rows import NoSuchRow, UnknownColumn, insert, many, now_ms, one, update

SELECT = "SELECT * FROM batches ORDER BY id"


def test_a_row_is_a_value(connection: sqlite3.Connection) -> None:
    first = insert(connection, "batches", BatchRow, {"started_at": 5, "agent": "codex"})
    second = insert(connection, "batches", BatchRow, {"started_at": 6})
    assert (first, second) == (1, 2)
    rows = many(connection, BatchRow, SELECT)
    assert [(row.id, row.started_at, row.agent, row.status) for row in rows] == [
        (1, 5, "codex", "running"),
        (2, 6, "", "running"),
    ]
    assert one(connection, BatchRow, SELECT) == rows[0]
    assert one(connection, BatchRow, "SELECT * FROM batches WHERE id = ?", (9,)) is None
    with pytest.raises(AttributeError):
        rows[0].agent = "other"  # type: ignore[misc]


def test_columns_are_changed_one_by_one(connection: sqlite3.Connection) -> None:
    insert(connection, "batches", BatchRow, {"started_at": 5})
    other = insert(connection, "batches", BatchRow, {"started_at": 6})
    update(connection, "batches", BatchRow, 1, {"status": "stopped", "reason": None, "cycles_completed": 3})
    row, untouched = many(connection, BatchRow, SELECT)
    assert (row.status, row.reason, row.cycles_completed, row.started_at) == ("stopped", None, 3, 5)
    assert (untouched.id, untouched.status) == (other, "running")


def test_nothing_to_change_is_no_statement(connection: sqlite3.Connection) -> None:
    update(connection, "batches", BatchRow, 99, {})


@pytest.mark.parametrize("name", ["stat", "id", "status = 'error' --", "status, id", "", "STATUS"])
def test_only_names_of_columns_reach_the_database(connection: sqlite3.Connection, name: str) -> None:
    insert(connection, "batches", BatchRow, {"started_at": 5})
    with pytest.raises(UnknownColumn, match="batches has no column"):
        update(connection, "batches", BatchRow, 1, {name: "error"})
    with pytest.raises(UnknownColumn):
        insert(connection, "batches", BatchRow, {"started_at": 5, name: "error"})
    assert [row.status for row in many(connection, BatchRow, SELECT)] == ["running"]


def test_values_are_values(connection: sqlite3.Connection) -> None:
    text = "'; DROP TABLE batches; -- \u00e9\n\x00"
    insert(connection, "batches", BatchRow, {"started_at": 5, "reason": text})
    assert many(connection, BatchRow, SELECT)[0].reason == text


def test_a_row_that_is_not_there_cannot_be_changed(connection: sqlite3.Connection) -> None:
    with pytest.raises(NoSuchRow, match="batches has no row 7"):
        update(connection, "batches", BatchRow, 7, {"status": "error"})


def test_a_column_without_a_field_is_not_silently_dropped(connection: sqlite3.Connection) -> None:
    class Narrow(msgspec.Struct):
        id: int

    insert(connection, "batches", BatchRow, {"started_at": 5})
    with pytest.raises(TypeError):
        many(connection, Narrow, SELECT)


def test_the_clock_of_rows_is_in_milliseconds() -> None:
    assert abs(now_ms() - time.time() * 1000) < 1000
