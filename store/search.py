"""The full-text search: blocks of texts, the index over them, and how far each source was taken in.

The index is contentless and holds for each group of three characters the blocks that it is in: less than half of what
words with their places take, and it finds parts of words. Which entries of a block hold a text is read in the block.
A block, its rows in the index and the progress of its source are written in one transaction, so that a kill loses
nothing and doubles nothing.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from store.commands import Command
from store.rows import many
from store.search_text import END, PackedBlock, fold, unpack

EVENTS: Final = 0  # the source of the blocks of events; every other source is a command
TERMS_MOST: Final = 300  # groups of three that may begin with two letters; more of them narrow nothing
_INDEX: Final = "CREATE VIRTUAL TABLE search_index USING fts5(text, content='', detail=none, tokenize='trigram')"
_TERMS: Final = "CREATE VIRTUAL TABLE search_terms USING fts5vocab(search_index, 'row')"
_DELETE: Final = "INSERT INTO search_index (search_index, rowid, text) VALUES ('delete', ?, ?)"

log = logging.getLogger("sprint_runner.search")


class ProgressChanged(RuntimeError):
    """A source that was taken in further by another task meanwhile."""


class StoredBlock(NamedTuple):
    """A block as it is read for a search; `text` is compressed."""

    id: int
    source: int
    first: int
    text: bytes


class SearchSize(msgspec.Struct, frozen=True):
    """What the blocks hold, in characters."""

    events: int
    transcripts: int


def prepare_index(connection: sqlite3.Connection) -> str | None:
    """Make the index where there is none; return why this SQLite cannot, None where there is one."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_terms'").fetchone() is not None:
        return _missing_part(connection)
    try:
        connection.execute(_INDEX)
        connection.execute(_TERMS)
    except sqlite3.OperationalError as error:
        return str(error)
    return None


def _missing_part(connection: sqlite3.Connection) -> str | None:
    """Return why an index that another SQLite has made cannot be used by this one."""
    try:
        connection.execute("SELECT rowid FROM search_index LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        return str(error)
    return None


def add_blocks(
    connection: sqlite3.Connection, source: int, blocks: Sequence[PackedBlock], start: int, stop: int, ended: bool
) -> None:
    """Add the entries from `start` to before `stop` of a source. Raises `ProgressChanged`.

    An index that is damaged is made anew, with all sources at their beginnings.
    """
    with _mending(connection):
        _move_progress(connection, source, start, stop, ended)
        rows = [(_insert(connection, source, block), block.folded) for block in blocks]
        connection.executemany("INSERT INTO search_index (rowid, text) VALUES (?, ?)", rows)


@contextmanager
def _mending(connection: sqlite3.Connection) -> Iterator[None]:
    """Make a damaged index anew and write nothing else in the block; any other error is raised.

    A damaged index is no damaged database: its error must not reach the writer, which would refuse the events of the
    same transaction.
    """
    connection.execute("SAVEPOINT search")
    try:
        yield
        # FTS5 writes when a savepoint begins, or else at the commit, which would fail for all.
        connection.execute("SAVEPOINT flush")
        connection.execute("RELEASE flush")
    except sqlite3.Error as error:
        if not is_damaged(connection, error):
            raise
        connection.execute("ROLLBACK TO search")
        log.error("the index of the search is damaged (%s): it is made anew", error)
        rebuild_index(connection)
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE search")


def is_damaged(connection: sqlite3.Connection, error: sqlite3.Error) -> bool:
    """Whether an error is of the index alone: not of the disk, nor of the tables beside it."""
    code = getattr(error, "sqlite_errorcode", 0)
    # Constraints of tables have extended codes; the plain one is what FTS5 reports of its own tables.
    return connection.in_transaction and code in (sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.SQLITE_CONSTRAINT)


def _move_progress(connection: sqlite3.Connection, source: int, start: int, stop: int, ended: bool) -> None:
    connection.execute("INSERT OR IGNORE INTO search_progress (source, next) VALUES (?, 0)", (source,))
    sql = "UPDATE search_progress SET next = ?, ended = ? WHERE source = ? AND next = ?"
    if connection.execute(sql, (stop, ended, source, start)).rowcount == 0:
        raise ProgressChanged(f"source {source} is not at {start}")


def _insert(connection: sqlite3.Connection, source: int, block: PackedBlock) -> int | None:
    sql = "INSERT INTO search_blocks (source, first, count, chars, text) VALUES (?, ?, ?, ?, ?)"
    return connection.execute(sql, (source, block.first, block.count, block.chars, block.text)).lastrowid


def rebuild_index(connection: sqlite3.Connection) -> None:
    """Drop what was taken in; everything is taken in again."""
    connection.execute("DROP TABLE IF EXISTS search_terms")
    connection.execute("DROP TABLE IF EXISTS search_index")
    connection.execute("DELETE FROM search_blocks")
    connection.execute("DELETE FROM search_progress")
    connection.execute("INSERT INTO search_progress (source, next) VALUES (?, 0)", (EVENTS,))
    prepare_index(connection)


def drop_blocks(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Remove blocks from the search and return their characters; their sources are not taken in again."""
    dropped = 0
    with _mending(connection):
        for id_ in ids:
            row = connection.execute("SELECT text, chars FROM search_blocks WHERE id = ?", (id_,)).fetchone()
            if row is not None:
                connection.execute(_DELETE, (id_, fold(unpack(row[0])) + END))
                connection.execute("DELETE FROM search_blocks WHERE id = ?", (id_,))
                dropped += row[1]
    return dropped


def oldest_blocks(connection: sqlite3.Connection, limit: int) -> list[int]:
    """Return the ids of the oldest blocks: of transcripts, and of events where there are no others."""
    sql = "SELECT id FROM search_blocks ORDER BY source = ?, id LIMIT ?"
    return [row[0] for row in connection.execute(sql, (EVENTS, limit))]


def blocks_of_pruned_events(connection: sqlite3.Connection, oldest: int, limit: int) -> list[int]:
    """Return the ids of blocks whose events are all older than `oldest`, the first that is left."""
    sql = "SELECT id FROM search_blocks WHERE source = ? AND first + count <= ? ORDER BY first LIMIT ?"
    return [row[0] for row in connection.execute(sql, (EVENTS, oldest, limit))]


def blocks_of(connection: sqlite3.Connection, source: int, limit: int) -> list[int]:
    sql = "SELECT id FROM search_blocks WHERE source = ? ORDER BY first LIMIT ?"
    return [row[0] for row in connection.execute(sql, (source, limit))]


def get_sources(connection: sqlite3.Connection) -> list[tuple[int, str | None]]:
    """Return the commands with blocks, and the paths of their recordings."""
    sql = """SELECT DISTINCT b.source, c.stream_path FROM search_blocks b LEFT JOIN commands c ON c.id = b.source
             WHERE b.source <> ? ORDER BY b.source"""
    return list(connection.execute(sql, (EVENTS,)))


def get_size(connection: sqlite3.Connection) -> SearchSize:
    sql = "SELECT COALESCE(SUM(chars), 0), COALESCE(SUM(CASE WHEN source = ? THEN chars END), 0) FROM search_blocks"
    total, events = connection.execute(sql, (EVENTS,)).fetchone()
    return SearchSize(events, total - events)


def get_next(connection: sqlite3.Connection, source: int) -> int:
    """Return the first entry of a source that was not taken in."""
    row = connection.execute("SELECT next FROM search_progress WHERE source = ?", (source,)).fetchone()
    return 0 if row is None else int(row[0])


def first_unread(connection: sqlite3.Connection, since: int) -> int:
    """Return the id of the first command from one on whose recording was not taken in to its end, else `since`."""
    sql = """SELECT COALESCE(MIN(c.id), ?1) FROM commands c LEFT JOIN search_progress p ON p.source = c.id
             WHERE c.id >= ?1 AND c.stream_path IS NOT NULL AND COALESCE(p.ended, 0) = 0"""
    found: int = connection.execute(sql, (since,)).fetchone()[0]
    return found


def get_unread(connection: sqlite3.Connection, since: int, limit: int) -> list[Command]:
    """Return the commands from an id on whose recordings were not taken in to their ends: ended ones first."""
    sql = """SELECT c.* FROM commands c LEFT JOIN search_progress p ON p.source = c.id
             WHERE c.id >= ? AND c.stream_path IS NOT NULL AND COALESCE(p.ended, 0) = 0
             ORDER BY c.ended_at IS NULL, c.id LIMIT ?"""
    return many(connection, Command, sql, (since, limit))


def count_unread(connection: sqlite3.Connection) -> int:
    """Return how many recordings of ended commands wait for the search."""
    sql = """SELECT COUNT(*) FROM commands c LEFT JOIN search_progress p ON p.source = c.id
             WHERE c.stream_path IS NOT NULL AND c.ended_at IS NOT NULL AND COALESCE(p.ended, 0) = 0"""
    count: int = connection.execute(sql).fetchone()[0]
    return count


def groups_beginning_with(connection: sqlite3.Connection, start: str) -> list[str] | None:
    """Return the groups of three characters in the index that begin with one or two; None where they are too many."""
    after = start + "\U0010ffff"
    sql = "SELECT term FROM search_terms WHERE term >= ? AND term < ? LIMIT ?"
    found = [row[0] for row in connection.execute(sql, (start, after, TERMS_MOST + 1))]
    return None if len(found) > TERMS_MOST else found


def candidates(
    connection: sqlite3.Connection, match: str | None, *, events: bool, before: int
) -> Iterator[StoredBlock]:
    """Yield the blocks that may match, newest first, with ids below `before`; without a `match` all of them."""
    kind = "b.source = 0" if events else "b.source <> 0"
    columns = "b.id, b.source, b.first, b.text"
    if match is None:
        sql = f"SELECT {columns} FROM search_blocks b WHERE b.id < ? AND {kind} ORDER BY b.id DESC"  # noqa: S608
        rows = connection.execute(sql, (before,))
    else:
        sql = f"""SELECT {columns} FROM search_index i CROSS JOIN search_blocks b ON b.id = i.rowid
                  WHERE i.search_index MATCH ? AND i.rowid < ? AND {kind} ORDER BY i.rowid DESC"""  # noqa: S608
        rows = connection.execute(sql, (match, before))
    return map(StoredBlock._make, rows)
