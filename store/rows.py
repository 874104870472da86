"""Rows as structs, and the insert and update statements of all tables, with checked column names."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)


class UnknownColumn(ValueError):
    """A column name that the table does not have; names are put into SQL only after this check."""


class NoSuchRow(LookupError):
    """An update of a row that does not exist."""


def now_ms() -> int:
    return int(time.time() * 1000)


def one(connection: sqlite3.Connection, kind: type[R], sql: str, values: tuple[Any, ...] = ()) -> R | None:
    """Return the first row as a struct whose fields are the table's columns, or None."""
    row = _cursor(connection, sql, values).fetchone()
    return None if row is None else kind(**row)


def many(
    connection: sqlite3.Connection, kind: type[R], sql: str, values: tuple[Any, ...] | Mapping[str, Any] = ()
) -> list[R]:
    """Return all rows as structs whose fields are the table's columns."""
    return [kind(**row) for row in _cursor(connection, sql, values)]


def insert(
    connection: sqlite3.Connection,
    table: str,
    kind: type[msgspec.Struct],
    values: Mapping[str, Any],
    id: int | None = None,
) -> int:
    """Insert a row, with a reserved id or a new one, and return its id; raises `UnknownColumn`."""
    names = ["id", *_checked(table, kind, values)]
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names are checked
    return connection.execute(sql, (id, *values.values())).lastrowid or 0


def newest_id(connection: sqlite3.Connection, table: str) -> int:
    """Return the largest id that a row of the table has ever had, 0 if there was none."""
    # The table in which SQLite itself keeps the ids of AUTOINCREMENT; a row with a larger id of its own counts there.
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])


def update(
    connection: sqlite3.Connection, table: str, kind: type[msgspec.Struct], id: int, values: Mapping[str, Any]
) -> None:
    """Update columns of one row; raises `UnknownColumn` and `NoSuchRow`."""
    if not values:
        return
    assignments = ", ".join(f"{name} = ?" for name in _checked(table, kind, values))
    sql = f"UPDATE {table} SET {assignments} WHERE id = ?"  # noqa: S608 - names are checked
    if connection.execute(sql, (*values.values(), id)).rowcount == 0:
        raise NoSuchRow(f"{table} has no row {id}")


def _cursor(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...] | Mapping[str, Any]) -> sqlite3.Cursor:
    cursor = connection.cursor()
    cursor.row_factory = _as_dict
    return cursor.execute(sql, values)


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _checked(table: str, kind: type[msgspec.Struct], values: Mapping[str, Any]) -> list[str]:
    allowed = set(kind.__struct_fields__) - {"id"}
    for name in values:
        if name not in allowed:
            raise UnknownColumn(f"{table} has no column {name!r}")
    return list(values)
