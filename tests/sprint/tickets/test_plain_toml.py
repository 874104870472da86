"""The quick way through a list of tickets: whatever it reads is what the full parser reads."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprint.tickets.plain_toml import parse_plain

USUAL = """\
# a list
next_id = 7

[[entry]]
id = 1
type = "story"
title = "Über \'uns\' # no comment"
after = ["6a", 2, ]
hitl = true
covers = []

 [[entry]]
id = "6a"
estimate = -3
"""


def full(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def test_a_usual_list_is_read_at_once() -> None:
    assert parse_plain(USUAL) == full(USUAL)
    assert parse_plain(USUAL) is not None
    assert parse_plain("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\na = 2\n",
        "[entry]\n",
        "entry = []\n[[entry]]\n",
        "[[a]]\nb = 1\nb = 2\n",
        'a = "x\\n"\n',
        'a = """x"""\n',
        "a = 1.5\n",
        "a = 007\n",
        "a = +1\n",
        "a = 2026-01-01\n",
        "a = [1,,2]\n",
        "a = [,]\n",
        "a = [[1]]\n",
        "a = {b = 1}\n",
        "a.b = 1\n",
        '"a" = 1\n',
        "a = 1 # why\n",
        "a = [\n1]\n",
        "a = true1\n",
        "a\n",
        "a = \n",
        "\ra = 1\n",
        'a = "\x7f"\n',
        "# \x01\n",
        f"a = {'9' * 5000}\n",
    ],
)
def test_everything_else_is_left_to_the_full_parser(text: str) -> None:
    assert parse_plain(text) is None


MARKS = [*"ab01\"\\'[]{}=#,.\t -+_\n\r\x00\x7f"]
WORDS = ["é", "true", "false", "[[e]]", "[e]", "id = 1", 't = "x"', "\n", "\n", " = "]
PIECE = st.sampled_from([*MARKS, *WORDS])


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECE, max_size=24).map("".join))
def test_it_never_reads_anything_else_than_the_full_parser(text: str) -> None:
    found = parse_plain(text)
    assert found is None or found == full(text)
