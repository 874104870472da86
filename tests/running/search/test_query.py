"""What is searched for, where it is found, and what of it is shown."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from running.search.event_text import event_text
from running.search.excerpt import make_excerpt, match_spans
from running.search.find import After, Wanted, find
from running.search.query import parse_query
from running.search.views import SearchResult
from store.search import EVENTS, add_blocks
from store.search_text import pack

from .conftest import SearchProject, stream


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("two words", ["two", "words"]),
        ('"a phrase" word', ["a phrase", "word"]),
        ('"not closed', ["not closed"]),
        ("Case* case", ["case*", "case"]),
        ('wo"rd word"', ['wo"rd', "word"]),
        ('*  "" " "', ["*"]),
        ("NEAR(a OR b)", ["near(a", "or", "b)"]),
        ("twice twice", ["twice"]),
        ("  \0 ", []),
    ],
)
def test_a_query_is_words_and_phrases(query: str, terms: list[str]) -> None:
    assert [term.text + "*" * term.begins for term in parse_query(query)] == terms


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("user", "getUserName", ["User"]),
        ("user*", "getUserName", None),
        ("user*", "get user_name", ["user"]),
        ("a b", "b then a", ["b", "a"]),
        ("a x", "b then a", None),
        ("abc bcd", "abcd", ["abcd"]),
        ("straße", "STRASSE Straße", ["Straße"]),
        ("stanbul", "İstanbul", ["stanbul"]),
    ],
)
def test_all_terms_have_to_be_found(query: str, text: str, found: list[str] | None) -> None:
    spans = match_spans(parse_query(query), text)
    assert (None if spans is None else [text[start:end] for start, end in spans]) == found


def test_an_excerpt_is_one_line_around_the_first_place() -> None:
    text = "\U0001f600 begins\n" + "filling " * 40 + "the needle\tis here " + "and more " * 60
    excerpt = make_excerpt(text, match_spans(parse_query("needle here"), text) or [])
    assert [excerpt.text[start:end] for start, end in excerpt.ranges] == ["needle", "here"]
    assert excerpt.text.startswith("…filling")
    assert excerpt.text.endswith("…")
    assert "\n" not in excerpt.text
    assert len(excerpt.text) < 260


def test_the_text_of_an_event_is_a_sentence_and_all_its_words() -> None:
    assert event_text("batch:start", {"batch_id": 3, "max_cycles": "all", "agent": "claude"}) == (
        "Batch 3 started: all stories\nbatch:start claude"
    )
    progress = {"story_key": "1-1-a", "command": "dev-story", "message": "{boom}\0\x1e!", "metrics": {"turns": 1}}
    assert event_text("command:progress", progress) == "{boom}  !\ncommand:progress 1-1-a dev-story"
    assert event_text("story:status", {"story_key": "a", "old_status": "x", "new_status": "y"}).startswith("x → y\n")
    assert "deep" in event_text("error", {"type": "t", "message": "m", "context": {"a": [{"b": "deep"}]}})


async def test_results_are_paged_without_a_gap_and_counted(project: SearchProject) -> None:
    first = await project.command(stream([f"needle {number}" for number in range(40)]))
    await project.command(stream(["needle here"]), ended=False)
    await project.events(*[f"needle {number}" for number in range(70)])
    await project.indexer.work()
    whole = await project.find("needle", limit=200)
    assert (whole.count, whole.more, whole.after) == (70 + 80 + 2 - 1, False, None)  # the last call may still change
    seen: list[SearchResult] = []
    after: After | None = None
    while seen == [] or after is not None:
        page = await project.find("needle", limit=20, after=after)
        seen += page.results
        assert (page.count is None) == (after is not None)
        after = None if page.after is None else After.parse(page.after)
    assert [(one.seq, one.command_id, one.entry) for one in seen] == [
        (one.seq, one.command_id, one.entry) for one in whole.results
    ]
    assert len({(one.seq, one.command_id, one.entry) for one in seen}) == len(seen)
    assert await project.places("needle 3", kinds=["event"], before=5) == [(0, 4)]
    assert {one.command_id for one in (await project.find("needle", kinds=["transcript"])).results} >= {first}


async def test_what_is_taken_in_during_a_search_is_found_once(project: SearchProject) -> None:
    texts = [f"needle {number}" for number in range(60)]
    id_ = await project.command(stream([]), ended=False)
    await project.events(*texts)
    await project.indexer._prepare()
    indexed = False

    def index_all(text: str) -> str:
        """Stand in for the indexer, which writes at the first hit of the search."""
        nonlocal indexed
        with closing(sqlite3.connect(project.folder / "sprint-runner.db")) as connection, connection:
            if not indexed:
                add_blocks(connection, EVENTS, [pack(1, texts)], 0, 61, False)
                add_blocks(connection, id_, [pack(0, texts)], 0, 60, False)
        indexed = True
        return text

    wanted, waiting = Wanted(terms=parse_query("needle"), limit=10), {id_: (0, texts)}
    found = await project.database.read(find, wanted, waiting, index_all, None)
    assert found.count == 120
    found = await project.database.read(find, wanted, waiting, index_all, None)  # what waited is taken in by now
    assert found.count == 120


async def test_results_can_be_of_one_story_and_command(project: SearchProject) -> None:
    mine = await project.command(stream(["needle"]), story="1-2-b")
    await project.command(stream(["needle"]))
    await project.events("needle")
    await project.indexer.work()
    assert {command for command, _ in await project.places("needle", story="1-2-b")} == {mine}
    assert await project.places("needle", kinds=["event"], command="dev-story") == [(0, 1)]
    assert await project.places("needle", command="code-review") == []
    result = (await project.find("needle", story="1-2-b")).results[0]
    assert result.place == f"#run?story=1-2-b&transcript={mine}&entry={result.entry}"


async def test_more_than_a_thousand_are_said_to_be_more(
    project: SearchProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("running.search.find.COUNT_MAX", 50)
    await project.events(*["needle"] * 60)
    await project.indexer.work()
    found = await project.find("needle", limit=10)
    assert (found.count, found.more) == (50, True)
