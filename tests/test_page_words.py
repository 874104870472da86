"""The words of the page: those of `docs/`, and none that a reader has to be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.program import PROGRAM_DIR

PAGES: Final = [PROGRAM_DIR / "dashboard.html", PROGRAM_DIR / "fleet.html"]
SCRIPTS: Final = sorted((PROGRAM_DIR / "static").rglob("*.js"))
# What is said instead: group; plan or status file; out of scope; explore; dismiss; retry; output tokens.
UNKNOWN: Final = re.compile(
    r"(?<![\w./`-])(cycles?|tracker|parked|discovery|put away|set back)(?![\w./`-])|^ ?written\b", re.IGNORECASE
)
SCRIPT_TEXT: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`')
PAGE_TEXT: Final = re.compile(r">([^<>]+)<|(?:title|aria-label|placeholder)=\"([^\"]*)\"")


def texts(path: Path) -> Iterator[str]:
    """The sentences of a script or a page: a text without a space is a name."""
    source = path.read_text("utf-8")
    if path.suffix == ".html":
        yield from (shown or named for shown, named in PAGE_TEXT.findall(source))
        return
    code = re.sub(r"/\*.*?\*/|(?<![:\"`'])//[^\n]*", "", source, flags=re.DOTALL)
    for text in SCRIPT_TEXT.findall(code):
        words = re.sub(r"\$\{[^{}]*\}", "", text)
        if " " in words.strip('"` ') or words.strip('"`').istitle():
            yield words


def test_no_word_needs_to_be_explained() -> None:
    found = {
        f"{path.relative_to(PROGRAM_DIR)}: {text.strip()}"
        for path in [*PAGES, *SCRIPTS]
        for text in texts(path)
        if UNKNOWN.search(text)
    }
    assert found == set()
