"""The tables of the search: each entry once, whatever interrupts, and an index that mends itself."""

from __future__ import annotations

import random
import sqlite3

import pytest

from cli.check import read_tables
from running.search.query import expression, parse_query
from store.schema import MIGRATIONS
from store.search import (
    ProgressChanged,
    add_blocks,
    blocks_of_pruned_events,
    candidates,
    drop_blocks,
    get_next,
    get_size,
    groups_beginning_with,
    oldest_blocks,
    prepare_index,
    rebuild_index,
)
from store.search_text import fold, pack, unpack

LAST = 1 << 62


@pytest.fixture
def index(connection: sqlite3.Connection) -> sqlite3.Connection:
    assert prepare_index(connection) is None
    return connection


def found(connection: sqlite3.Connection, query: str, *, events: bool = True) -> list[int]:
    """The first entries of the blocks that the index names for a query, newest first."""
    match = expression(parse_query(query), lambda start: groups_beginning_with(connection, start))
    return [block.first for block in candidates(connection, match, events=events, before=LAST)]


def test_a_block_is_found_by_any_part_of_its_words(index: sqlite3.Connection) -> None:
    add_blocks(index, 0, [pack(1, ["getUserName in src/app/user.py", "1-2-log-in"])], 0, 3, False)
    add_blocks(index, 0, [pack(3, ["错误 无法打开文件", "ΣΊΣΥΦΟΣ Ärger"])], 3, 5, False)
    for query in ("username", "user.py", "src/app", "2-log", "IN", "y", '"app/user.py"', "getusername*"):
        assert found(index, query) == [1], query
    for query in ("错误", "无法打开", "误", "σίσυφο", "ärg"):
        assert found(index, query) == [3], query
    for query in ("usernames", "zz", "q", "错了"):
        assert found(index, query) == [], query


def test_progress_and_blocks_are_one_write(index: sqlite3.Connection) -> None:
    add_blocks(index, 7, [pack(0, ["one", "two"])], 0, 2, False)
    with pytest.raises(ProgressChanged):
        add_blocks(index, 7, [pack(0, ["one", "two"])], 0, 2, False)
    with pytest.raises(sqlite3.IntegrityError):  # were it tried nevertheless
        add_blocks(index, 7, [pack(0, ["one", "two"])], 2, 4, False)


def test_what_is_dropped_leaves_the_index_and_is_not_taken_in_again(index: sqlite3.Connection) -> None:
    add_blocks(index, 7, [pack(0, ["alpha İstanbul"]), pack(1, ["beta"])], 0, 2, True)
    add_blocks(index, 0, [pack(1, ["gamma"]), pack(2, ["delta"])], 0, 3, False)
    assert get_size(index).transcripts == len("alpha İstanbulbeta")
    assert oldest_blocks(index, 3) == [1, 2, 3]  # transcripts first
    assert drop_blocks(index, [1]) == len("alpha İstanbul")
    assert found(index, "alpha", events=False) == []
    assert found(index, "beta", events=False) == [1]
    assert (get_next(index, 7), get_next(index, 0)) == (2, 3)
    assert blocks_of_pruned_events(index, 2, 9) == [3]
    left = index.execute("SELECT COUNT(*) FROM search_terms WHERE term = 'alp'").fetchone()
    assert left == (0,)


def test_a_damaged_index_is_made_anew_and_harms_no_other_write(index: sqlite3.Connection) -> None:
    for number in range(40):
        add_blocks(index, 0, [pack(number, [f"text {number}"])], number, number + 1, False)
    index.execute("UPDATE search_index_data SET block = x'ffffffff'")
    index.execute("BEGIN")
    index.execute("INSERT INTO events VALUES (1, 'error', 1, NULL, NULL, '{}')")
    add_blocks(index, 0, [pack(40, ["text 40"])], 40, 41, False)
    index.execute("COMMIT")
    assert index.execute("SELECT COUNT(*) FROM events").fetchone() == (1,)
    assert get_next(index, 0) == 0
    add_blocks(index, 0, [pack(0, ["text again"])], 0, 1, False)
    assert found(index, "again") == [0]


def test_without_the_module_everything_else_works(index: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild_index(index)
    index.execute("DROP TABLE search_terms")
    index.execute("DROP TABLE search_index")
    monkeypatch.setattr("store.search._INDEX", "CREATE VIRTUAL TABLE search_index USING fts9(text)")
    assert prepare_index(index) == "no such module: fts9"
    assert index.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    read_tables(index, len(MIGRATIONS))


@pytest.mark.parametrize("seed", range(20))
def test_no_query_is_an_error(index: sqlite3.Connection, seed: int) -> None:
    rng = random.Random(seed)
    add_blocks(index, 0, [pack(1, ['NEAR("a b", 3) AND * ^ col: {x} "']), pack(2, ["日本語 \U0001f600"])], 0, 3, False)
    signs = [*"\"'*^(){}:-+%_;\\\0\x1e\n", "\ud800", "\U0010ffff", "\U0001f600", "''"]
    pieces = [*signs, "NEAR(", " AND ", " OR ", " NOT ", "a", "b", "ab", "日", "İ", "ß", "col"]
    for _ in range(200):
        query = "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 60)))
        if parse_query(query):
            found(index, query)


def test_a_text_folds_with_every_character_in_its_place() -> None:
    for text in ("Straße", "İzmir", "ΑΣ", "DŽ ﬁ", "\U0001f600A"):
        assert len(fold(text)) == len(text)
    assert unpack(pack(1, ["a", "", "b"]).text) == "a\x1e\x1eb"
