from __future__ import annotations

import pytest

from agents.text import duration, first_line, last_words, one_line, sentence


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("", ""),
        ("\n \n", ""),
        ("one\ntwo\n", "two"),
        ("Reading…\nerror: no such argument\n\n  tip: x\n\nFor more, try '--help'.\n", "error: no such argument"),
        ("Traceback (most recent call last):\n  File x\nValueError: bad\n", "ValueError: bad"),
        ("\x1b[91m\x1b[1mError: \x1b[0mSession not found\n", "Error: Session not found"),
        ("Error loading config:\n/x.toml:1: unclosed array\n  |\n", "Error loading config: /x.toml:1: unclosed array"),
        ("usage of x\n" + "  --flag   does things\n" * 30, "usage of x"),
    ],
)
def test_last_words(stderr: str, words: str) -> None:
    assert last_words(stderr) == words


def test_one_line() -> None:
    assert one_line("  a\n\tb \x1b[31mred\x1b[0m\x07 ") == "a b red"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"
    assert len(one_line("x" * 10_000_000)) == 160


def test_first_line() -> None:
    assert first_line("\n\n  first  thing \nsecond") == "first thing"


def test_sentence() -> None:
    assert sentence("the agent\nfailed") == "The agent failed."
    assert sentence("Really?") == "Really?"


def test_duration() -> None:
    assert (duration(0.5), duration(90), duration(900)) == ("0.5 s", "90 s", "15 min")
