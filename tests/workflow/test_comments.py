"""Comments one by one, and what a review answers to each."""

from __future__ import annotations

import pytest

from workflow.comments import CommentAnswer, numbered, read_answers, split_comments


def test_a_text_is_split_where_a_line_names_a_place() -> None:
    text = "Shorter, please.\nAnd in English.\nsrc/app.py:12: mind the empty list\n  as in the other\na.md:1: why?"
    parts = (
        "Shorter, please.\nAnd in English.",
        "src/app.py:12: mind the empty list\n  as in the other",
        "a.md:1: why?",
    )
    assert split_comments(text) == parts
    assert numbered(parts[1:]) == "1. src/app.py:12: mind the empty list\n  as in the other\n2. a.md:1: why?"


@pytest.mark.parametrize("text", [None, "", " \n "])
def test_no_text_has_no_comments(text: str | None) -> None:
    assert split_comments(text) == ()


@pytest.mark.parametrize(
    ("line", "answered", "words"),
    [
        ("1: ANSWERED in src/app.py", True, "in src/app.py"),
        ("- **1**: OPEN", False, ""),
        ("1. [answered] - done", True, "done"),
        ("Comment 1: OPEN - no test", False, "no test"),
        ("- 1: **ANSWERED** as asked", True, "as asked"),
        ("1: maybe", False, ""),
        ("> 1: ANSWERED", False, ""),
        ("```\n1: ANSWERED\n```", False, ""),
        ("1: OPEN not yet\n1: ANSWERED now", True, "now"),
        ("2: ANSWERED another one", False, ""),
    ],
)
def test_the_last_answer_to_a_comment_counts(line: str, answered: bool, words: str) -> None:
    assert read_answers(f"## Comments\n{line}\n\nHIGHEST SEVERITY: LOW", ["why?"]) == (
        CommentAnswer("why?", answered, words),
    )
