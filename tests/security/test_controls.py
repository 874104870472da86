"""What steers a terminal or turns a line round is shown, not done."""

from __future__ import annotations

import pytest

from security.controls import visible, visible_value

SHOWN = {
    "plain text\n\twith é and 👩‍💻": "plain text\n\twith é and 👩‍💻",
    "\x1b[31mred\x1b[0m": "red",
    "\x1b[2J\x1b[1;1Hgone": "gone",
    "\x1b]8;;http://x\x07link\x1b]8;;\x1b\\": "link",
    "\x1b]0;title\x07x": "x",
    "a\r\nb\rc": "a\nb␍c",
    "\x00\x07\x08\x7f": "␀␇␈␡",
    "\x9b31m": "[U+009B]31m",
    "user\u202e gpj.exe": "user[U+202E] gpj.exe",
    "\u2066isolate\u2069": "[U+2066]isolate[U+2069]",
    "\x1b": "␛",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_controls_become_symbols(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_values_are_changed_only_where_there_is_something() -> None:
    value = {"a": ["x", 1, None], "b": {"c": "y"}}
    assert visible_value(value) is value
    assert visible_value({"a": ["\x1b[1mx", 1]}) == {"a": ["x", 1]}
