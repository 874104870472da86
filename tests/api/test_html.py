"""Documents that are sent around: whatever they hold comes out as text, and they ask for nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.reports import lines_of
from base.html import POLICY, STYLE, document, el, prose, section, table
from git.history import FileChange, Hunk

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title><svg onload=alert(1)>",
    "<!--<script>",
    "&lt;b&gt;",
    "]]><iframe src=//evil.example>",
    "**<b>bold</b>** `<i>code</i>`",
]


class DocumentParser(HTMLParser):
    """The elements and the text of a document, as a browser would take them apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def read(content: bytes) -> DocumentParser:
    reader = DocumentParser()
    reader.feed(content.decode())
    reader.close()
    return reader


def everywhere(text: str) -> bytes:
    change = FileChange(
        path=text, status="added", added=1, removed=0, binary=False, hunks=[Hunk(0, 1, text, [f"+{text}"])]
    )
    return document(
        text, 0, el("p", text, cls=text), section(text, prose(text)), table([text], [[text]]), lines_of(change)
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_any_place_is_text(text: str) -> None:
    reader, calm = read(everywhere(text)), read(everywhere("**calm** `calm`"))
    assert set(reader.tags) <= set(calm.tags)
    assert reader.attributes <= calm.attributes
    assert reader.text.count(text) >= 5


@settings(deadline=None, max_examples=50)  # a slow machine is no fault
@given(st.text())
def test_no_text_makes_an_element_or_stops_the_file(text: str) -> None:
    assert set(read(everywhere(text)).tags) <= set(read(everywhere("**calm** `calm`")).tags)


def test_what_cannot_be_seen_or_turns_a_line_around_is_shown() -> None:
    assert "a\N{REPLACEMENT CHARACTER}b" in el("p", "a\N{RIGHT-TO-LEFT OVERRIDE}b").text
    assert document("\ud800", 0)


def test_the_document_forbids_scripts_and_requests_but_allows_its_style() -> None:
    content = document("t", 0, "x").decode()
    style = re.search(r"<style>(.*)</style>", content, re.DOTALL)
    assert style is not None
    assert style[1] == STYLE
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()}'" in POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert "script" not in read(content.encode()).tags
    assert not re.search(r"url\(|@import|https?:|//", STYLE)


def test_a_part_without_content_is_left_out() -> None:
    assert section("Empty", None, [], "") is None
    assert table(["a"], []) is None
