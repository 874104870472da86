"""Text out of sections."""

import re
import time

import pytest

from sprint import prose
from sprint.markdown import split
from sprint.prose import SENTENCE_CHARS, Task


def test_tasks_with_depth_outside_code() -> None:
    text = (
        "- [ ] one\n  - [x] one a\n    * [X] deep\n  - [✅] one b\n- [-] two\n\t- [~] two a\n"
        "```\n- [x] code\n```\n1. [x] three (AC: 1)\n- [link](x) no box\n"
    )
    assert prose.tasks(split(text.encode()).lines) == (
        Task("one", False, 0),
        Task("one a", True, 1),
        Task("deep", True, 2),
        Task("one b", True, 1),
        Task("two", False, 0),
        Task("two a", False, 1),
        Task("three (AC: 1)", True, 0),
    )


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("As a user,\nI want to log in,\nso that I see my lamps.", "Log in, so that I see my lamps."),
        ("**As a** keeper,\n**I want** a lamp.", "A lamp."),
        (
            "- **As a** keeper\n- **I want** to be able to see\n- **So that** I do not fall",
            "See, so that I do not fall.",
        ),
        ("Wall of text. More of it.", "Wall of text. More of it."),
        ("", ""),
        ("I want", "I want"),
    ],
)
def test_a_sentence_for_the_card(statement: str, sentence: str) -> None:
    assert prose.sentence(prose.statement(split(statement.encode()).lines)) == sentence


def test_long_texts_are_cut_at_a_sentence_or_a_word() -> None:
    assert prose.shortened("One. Two " + "x" * 300) == "One."
    cut = prose.shortened("word " * 100)
    assert len(cut) <= SENTENCE_CHARS
    assert cut.endswith("word…")
    want = "As a user, I want a lamp, so that " + "it is very bright " * 30
    assert prose.sentence(want) == "A lamp."


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("1. **Given** a\n   **When** b\n2. **Given** c\n", 2),
        ("1. First\n   - detail\n   - detail\n\n2. Second\n", 2),
        ("1. First\n- detail\n2. Second\n- detail\n", 2),
        ("- [ ] one\n- [x] two\n- three\n", 3),
        ("- **Given** a\n- **When** b\n- **Then** c\n- **Given** d\n- **Then** e\n", 2),
        ("### AC1: One\n- Given a\n### AC2: Two\ntext\n", 2),
        ("**AC1** one\n\n**AC2** two\n", 2),
        ("**Given** a\n\n**When** b\n\n**Then** c\n", 1),
        ("", 0),
    ],
)
def test_criteria(body: str, count: int) -> None:
    page = split(f"# T\n## Acceptance Criteria\n\n{body}\n## Next\n- no\n".encode())
    found = prose.criteria(page, page.find(re.compile("Acceptance")))
    assert len(found) == count
    assert all(text and not text.startswith(("1.", "- ")) for text in found)


def test_criteria_of_nothing() -> None:
    assert prose.criteria(split(b"# T\n"), None) == ()


def test_paths_and_entries() -> None:
    lines = split(b"**New:**\n- `src/a.py` - the lamp\n* src/b.py\n```\n- c\n```\n").lines
    assert prose.paths(lines) == ("src/a.py", "src/b.py")
    table = split(b"| Date | What |\n|---|---|\n| 2026-01-02 | **Lit** |\n").lines
    assert prose.entries(table) == ("Date · What", "2026-01-02 · Lit")


def test_titles() -> None:
    assert prose.trimmed("🔥 Light the lamp (5 pts) ✅") == "Light the lamp"
    assert prose.trimmed("C++ & `x`!") == "C++ & `x`!"


def test_first_paragraph_skips_what_is_no_text() -> None:
    lines = split(b"### Problem\n\n| a |\n\n```\ncode\n```\n- It is\n  dark.\n\nMore.\n").lines
    assert prose.first_paragraph(lines) == "It is dark."


@pytest.mark.parametrize("text", ["," * 200_000, "I want " + "so " * 100_000, "(" * 200_000, " " * 200_000 + "x"])
def test_nothing_takes_long(text: str) -> None:
    begun = time.process_time()
    prose.sentence(prose.statement(split(text.encode()).lines))
    prose.trimmed(text[:500])
    assert time.process_time() - begun < 1
