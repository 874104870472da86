"""Just enough Markdown."""

import re
import time

import pytest

from sprint.markdown import joined, plain_text, split

PAGE = b"""---
title: 'Lamp'
context: [a, b]
---
# Story 1.1: Light ##

Intro
## One
a
```python
# not a heading
- [ ] not a task
```
### Inner C#
b
<!-- hidden
# hidden too -->
## Two
c
"""


def test_headings_outside_code_and_comments() -> None:
    page = split(PAGE)
    assert [(item.level, item.title) for item in page.headings] == [
        (1, "Story 1.1: Light"),
        (2, "One"),
        (3, "Inner C#"),
        (2, "Two"),
    ]
    assert page.front == {"title": "Lamp"}


def test_bodies_with_and_without_sub_sections() -> None:
    page = split(PAGE)
    one = page.headings[1]
    assert "b" in joined(page.body(one)).splitlines()
    assert "b" not in joined(page.body(one, whole=False)).splitlines()
    assert joined(page.section(re.compile("Two"))) == "c"
    assert page.section(re.compile("Three")) == []


def test_lines_keep_their_numbers() -> None:
    page = split(PAGE)
    assert {line.text: line.number for line in page.lines}["c"] == 19
    assert [line.number for line in page.lines if line.code] == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("text", "front"),
    [
        ("---\nstatus: done\n---\n# T\n", {"status": "done"}),
        ("\n\n---\nstatus: done\n---\n", {"status": "done"}),
        ("# T\n\n---\nstatus: done\n---\nx\n", {"status": "done"}),
        ("\ufeff---\r\nstatus: done\r\n---\r\n", {"status": "done"}),
        ("---\nA rule, then text\n---\n", {}),
        ("---\nstatus: done\n", {}),
        ("# T\n---\n\ntext\n---\n", {}),
        ("text\n---\nstatus: done\n---\n", {}),
    ],
)
def test_frontmatter_above_and_below_the_title(text: str, front: dict[str, str]) -> None:
    assert split(text.encode()).front == front


def test_frontmatter_that_is_no_yaml_is_read_by_lines() -> None:
    page = split(b'---\ntitle: a: b\nstatus: "done"\n- x\n---\n')
    assert page.front == {"title": "a: b", "status": "done"}
    assert page.problems[0].line == 2


def test_fences_close_only_with_their_own_kind() -> None:
    page = split(b"````\n```\n# a\n````\n# b\n~~~\n```\n# c\n~~~ \n# d\n")
    assert [item.title for item in page.headings] == ["b", "d"]


def test_plain_text() -> None:
    assert (
        plain_text("**Bold** and `code`  in [a link](http://x/y)\n x_y __init__")
        == "Bold and code in a link x_y __init__"
    )


@pytest.mark.parametrize("data", [b"# " + b"#" * 300_000 + b"a", b"[" * 300_000, b"<!--" * 100_000, b"`" * 300_000])
def test_nothing_takes_long(data: bytes) -> None:
    begun = time.process_time()
    page = split(data)
    plain_text(joined(page.lines))
    assert time.process_time() - begun < 1
