"""Tests of verdicts: every marker in every form, and text that only resembles one."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import (
    Severity,
    Unreadable,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)
from workflow.verdicts import REASON_MAX

READERS: dict[str, Callable[[str], Any]] = {
    "review": read_review,
    "dev-story": read_dev_story,
    "code-review": read_code_review,
    "commit": read_commit,
}
# What may surround a marker that is a line of its own: Markdown, signs, case, line ends.
DRESSES = [
    "{}",
    "  {}  ",
    "\t{}",
    "**{}**",
    "*{}*",
    "__{}__",
    "`{}`",
    "**`{}`**",
    "- {}",
    "* {}",
    "1. {}",
    "- **{}**",
    "## {}",
    "### **{}**",
    "{}.",
    "{}!",
    "✅ {}",
    "⚠️ {}",
    "{} ✅",
    "🔴 **{}**",
    "| {} |",
    "{}\r",
    "before\r\n{}\r\n",
    "I looked at everything.\n\n{}\n\n\n",
    "{}\n::task validate end all is green",
    "> the prompt says\n\n{}",
    "```\nexample\n```\n{}",
    "~~~\n```\n~~~\n{}",
    "``` is no fence when it stands in a line ```\n{}",
]
# Places in which a marker is an example, a plan or a quotation, and no verdict.
NOT_CLOSING = [
    "> {}",
    "> **{}**",
    "```\n{}\n```",
    "~~~text\n{}\n~~~",
    "````\n```\n{}\n```\n````",
    "```\n{}",
    "When all is green I reply with\n{}\nNow I start with the tests.",
    "before\r\n{}\r\nafter\r\n",
    "{}\n\nThat is all.",
    "{}\n```\nls\n```",
    "{}\n> a quotation",
    "{}\n- a list that is no findings block",
]
# What makes the same words a part of a sentence.
SENTENCES = [
    "I would have said {} had it been so",
    "The last line must be `{}` or nothing is read",
    "{} is what I cannot say yet",
    "Not {}",
    "(see {} above)",
    '"{}"',
    "x{}",
    "{}x",
]


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_dress_and_case_do_not_matter(dress: str, case: Callable[[str], str]) -> None:
    def dressed(marker: str) -> str:
        return dress.format(case(marker))

    assert read_tech_spec_decisions(dressed("[TECH-SPEC-DECISION: SKIP]"), 1) == [False]
    assert read_tech_spec_decisions(dressed("[TECH-SPEC-DECISION: REQUIRED]"), 1) == [True]
    assert read_review(dressed("[CRITICAL-ISSUES-FOUND: NO]")).critical is False
    assert read_review(dressed("[CRITICAL-ISSUES-FOUND: YES]")).critical is True
    assert read_review(dressed("HIGHEST SEVERITY: CRITICAL")).critical is True
    assert read_dev_story(dressed("[DEV-STORY-COMPLETE: YES]")).complete is True
    assert read_dev_story(dressed("[DEV-STORY-COMPLETE: NO]")).complete is False
    assert read_dev_story(dressed("[DEV-STORY-BLOCKED: YES]")).blocked is True
    assert read_code_review(dressed("HIGHEST SEVERITY: MEDIUM")).severity is Severity.MEDIUM
    assert read_code_review(dressed("HIGHEST SEVERITY: ZERO ISSUES")).severity is Severity.ZERO
    counts = "Issues: 0 CRITICAL, 2 HIGH, 0 MEDIUM, 1 LOW"
    assert read_code_review(dressed(counts)).severity is Severity.HIGH
    assert read_commit(dressed("[COMMIT-SUCCESS: 1ef5bb3]")).commit == "1ef5bb3"
    assert read_commit(dressed("[NO-CHANGES-TO-COMMIT]")).commit is None


@pytest.mark.parametrize("sentence", [*SENTENCES, *NOT_CLOSING])
def test_a_marker_that_does_not_close_the_reply_is_no_verdict(sentence: str) -> None:
    assert read_tech_spec_decisions(sentence.format("[TECH-SPEC-DECISION: SKIP]"), 1) == [True]
    for reader, marker in (
        ("review", "[CRITICAL-ISSUES-FOUND: NO]"),
        ("review", "HIGHEST SEVERITY: LOW"),
        ("dev-story", "[DEV-STORY-COMPLETE: YES]"),
        ("code-review", "HIGHEST SEVERITY: ZERO ISSUES"),
        ("code-review", "Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW"),
        ("commit", "[COMMIT-SUCCESS: 1ef5bb3]"),
        ("commit", "[NO-CHANGES-TO-COMMIT]"),
    ):
        with pytest.raises(Unreadable):
            READERS[reader](sentence.format(marker))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "text", ["", "\n", "\r\n\r\n", "   ", "Done.", "ok\n" * 50, "[]", "HIGHEST SEVERITY:", "[: YES]"]
)
def test_without_a_marker_it_is_unreadable(reader: str, text: str) -> None:
    """Pitfall: a crashed reviewer (no output) after two CRITICAL counts as done."""
    with pytest.raises(Unreadable, match="the reply has"):
        READERS[reader](text)


# -- create-story --------------------------------------------------------------------------------------------------

SKIP, NEED = "[TECH-SPEC-DECISION: SKIP]", "[TECH-SPEC-DECISION: REQUIRED]"
DECISIONS = [
    ([], 1, [True]),
    ([], 2, [True, True]),
    ([SKIP], 1, [False]),
    ([SKIP], 2, [False, True]),
    ([NEED], 2, [True, True]),
    ([SKIP, NEED], 2, [False, True]),
    ([NEED, SKIP], 2, [True, False]),
    ([SKIP, SKIP], 2, [False, False]),
    ([NEED, SKIP, NEED], 2, [False, True]),
    ([NEED, SKIP], 1, [False]),
    ([SKIP, "[TECH-SPEC-DECISION: MAYBE]"], 2, [True, True]),
]


@pytest.mark.parametrize(("markers", "count", "decisions"), DECISIONS)
def test_decisions_are_by_position_and_a_missing_one_is_required(
    markers: list[str], count: int, decisions: list[bool]
) -> None:
    assert read_tech_spec_decisions("\nbecause of this\n".join(markers), count) == decisions


# -- story-review and tech-spec-review -----------------------------------------------------------------------------

YES, NO = "[CRITICAL-ISSUES-FOUND: YES]", "[CRITICAL-ISSUES-FOUND: NO]"
REVIEWS = [
    (YES, True),
    (NO, False),
    (f"{YES}\n{NO}", True),
    (f"{NO}\n{YES}", True),
    ("[CRITICAL-ISSUES-FOUND:YES]", True),
    ("[ CRITICAL-ISSUES-FOUND : NO ]", None),
    ("[CRITICAL-ISSUES-FOUND : NO ]", False),
    ("[CRITICAL-ISSUES-FOUND: NONE]", None),
    ("CRITICAL-ISSUES-FOUND: NO", None),
    ("HIGHEST SEVERITY: CRITICAL", True),
    ("HIGHEST SEVERITY: HIGH", False),
    ("HIGHEST SEVERITY: ZERO ISSUES", False),
    (f"{NO}\nHIGHEST SEVERITY: CRITICAL", False),
    (f"{YES}\nI have fixed it and look again.\n{NO}", False),
    (f"{NO}\n\n## Findings\n- [LOW] 1-1-a: a word\n  on two lines\n", False),
    (f"{NO}\n\n## Findings\n- [LOW] 1-1-a: a word\n\nAnd now I begin.\n", None),
    (f"HIGHEST SEVERITY: LOW\n{YES}", True),
]


@pytest.mark.parametrize(("text", "critical"), REVIEWS)
def test_a_review_is_critical_or_not(text: str, critical: bool | None) -> None:
    if critical is None:
        with pytest.raises(Unreadable):
            read_review(text)
    else:
        assert read_review(text).critical is critical


# -- dev-story -----------------------------------------------------------------------------------------------------

DEVELOPED = [
    ("[DEV-STORY-COMPLETE: YES]", (True, False, "")),
    ("[DEV-STORY-COMPLETE: NO]", (False, False, "")),
    ("[DEV-STORY-COMPLETE: NO]\n[DEV-STORY-COMPLETE: YES]", (False, False, "")),
    ("[DEV-STORY-COMPLETE: NO]\nI went on.\n[DEV-STORY-COMPLETE: YES]", (True, False, "")),
    ("[DEV-STORY-COMPLETE: YES]\n[DEV-STORY-COMPLETE: NO]", (False, False, "")),
    ("[DEV-STORY-BLOCKED: YES] the key is missing", (False, True, "the key is missing")),
    ("[DEV-STORY-BLOCKED: YES] — the key is missing", (False, True, "the key is missing")),
    ("[DEV-STORY-BLOCKED: YES]: the key is missing.", (False, True, "the key is missing")),
    ("**[DEV-STORY-BLOCKED: YES]** - the key is missing", (False, True, "the key is missing")),
    ("[DEV-STORY-BLOCKED: YES - the key is missing]", (False, True, "the key is missing")),
    ("[DEV-STORY-BLOCKED: YES]\r\nThe key\r\nis missing\r\n", None),
    ("I tried.\n\nThe key is\nmissing\n\n[DEV-STORY-BLOCKED: YES]", (False, True, "The key is missing")),
    ("[DEV-STORY-BLOCKED: YES]", (False, True, "the agent gave no reason")),
    ("[DEV-STORY-COMPLETE: YES]\n[DEV-STORY-BLOCKED: YES] no", (False, True, "no")),
    ("[DEV-STORY-COMPLETE: NO]\n[DEV-STORY-BLOCKED: YES] no", (False, True, "no")),
    ("[DEV-STORY-BLOCKED: YES] no\n[DEV-STORY-COMPLETE: YES]", (False, True, "no")),
    # not blocked is no verdict of its own: the other marker counts
    ("[DEV-STORY-COMPLETE: YES]\n[DEV-STORY-BLOCKED: NO]", (True, False, "")),
    ("[DEV-STORY-BLOCKED: NO]", None),
    ("[DEV-STORY-BLOCKED: YESTERDAY]", None),
    ("[DEV-STORY-COMPLETE: PARTLY]", None),
]


@pytest.mark.parametrize(("text", "verdict"), DEVELOPED)
def test_a_development_is_complete_or_blocked_or_neither(text: str, verdict: tuple[bool, bool, str] | None) -> None:
    if verdict is None:
        with pytest.raises(Unreadable):
            read_dev_story(text)
    else:
        read = read_dev_story(text)
        assert (read.complete, read.blocked, read.reason) == verdict


def test_a_reason_is_bounded() -> None:
    assert len(read_dev_story("[DEV-STORY-BLOCKED: YES] " + "why " * 1000).reason) == REASON_MAX


# -- commit --------------------------------------------------------------------------------------------------------

COMMITS = [
    ("[COMMIT-SUCCESS: 1ef5bb3]", ("1ef5bb3", "")),
    ("[COMMIT-SUCCESS: 1EF5BB3]", ("1ef5bb3", "")),
    ("[COMMIT-SUCCESS: `1ef5bb3`]", ("1ef5bb3", "")),
    (f"[COMMIT-SUCCESS: {'a' * 40}]", ("a" * 40, "")),
    (f"[COMMIT-SUCCESS: {'a' * 64}]", ("a" * 64, "")),
    ("[NO-CHANGES-TO-COMMIT]", (None, "")),
    ("[COMMIT-FAILED: a hook refused it]", (None, "a hook refused it")),
    ("[COMMIT-FAILED: expected ] or ,]", (None, "expected ] or ,")),
    ("[COMMIT-FAILED: ]", (None, "the agent gave no reason")),
    ("[COMMIT-FAILED: no]\n[COMMIT-SUCCESS: 1ef5bb3]", (None, "no")),
    ("[COMMIT-FAILED: no]\nOnce more.\n[COMMIT-SUCCESS: 1ef5bb3]", ("1ef5bb3", "")),
    ("[COMMIT-SUCCESS: 1ef5bb3]\n[COMMIT-FAILED: no]", (None, "no")),
]


@pytest.mark.parametrize(("text", "verdict"), COMMITS)
def test_a_commit_has_a_hash_or_says_why_not(text: str, verdict: tuple[str | None, str]) -> None:
    read = read_commit(text)
    assert (read.commit, read.failure) == verdict


@pytest.mark.parametrize("other", ["[NO-CHANGES-TO-COMMIT]", "[COMMIT-SUCCESS: 2ef5bb3]"])
def test_markers_of_a_commit_that_contradict_each_other_are_unreadable(other: str) -> None:
    with pytest.raises(Unreadable, match="contradict"):
        read_commit(f"[COMMIT-SUCCESS: 1ef5bb3]\r\n{other}\r\n")


NO_HASH = ["<hash>", "abc", "HEAD", "main", "1ef5bb3 main", "--all", "1ef5bb3; rm", "g" * 7, "a" * 65, ""]


@pytest.mark.parametrize("hash", NO_HASH)
def test_what_is_no_hash_is_unreadable(hash: str) -> None:
    """Pitfall: agent output in shell strings, paths, branch names."""
    with pytest.raises(Unreadable):
        read_commit(f"[COMMIT-SUCCESS: {hash}]")


def test_a_failure_is_bounded() -> None:
    assert len(read_commit(f"[COMMIT-FAILED: {'why ' * 1000}]").failure) == REASON_MAX


# -- words for people, and any text at all -------------------------------------------------------------------------

WORDS = [
    (lambda: read_review(YES), "critical"),
    (lambda: read_review(NO), "clean"),
    (lambda: read_dev_story("[DEV-STORY-COMPLETE: YES]"), "complete"),
    (lambda: read_dev_story("[DEV-STORY-COMPLETE: NO]"), "unfinished"),
    (lambda: read_dev_story("[DEV-STORY-BLOCKED: YES]"), "blocked"),
    (lambda: read_code_review("HIGHEST SEVERITY: HIGH"), "HIGH"),
    (lambda: read_code_review("HIGHEST SEVERITY: ZERO ISSUES"), "ZERO ISSUES"),
    (lambda: read_commit(f"[COMMIT-SUCCESS: {'ab' * 20}]"), "ababababab"),
    (lambda: read_commit("[NO-CHANGES-TO-COMMIT]"), "nothing to commit"),
    (lambda: read_commit("[COMMIT-FAILED: a hook]"), "a hook"),
]


@pytest.mark.parametrize(("verdict", "word"), WORDS)
def test_a_verdict_in_a_word(verdict: Callable[[], Any], word: str) -> None:
    assert verdict().word == word


PIECES = st.sampled_from(
    [
        *(
            "HIGHEST SEVERITY:",
            "ZERO ISSUES",
            "HIGH",
            "did not reach ",
            "Issues:",
            "0 CRITICAL,",
            "1 HIGH,",
            "0 MEDIUM,",
        ),
        *("2 LOW", "[DEV-STORY-", "COMPLETE:", "BLOCKED:", "YES", "]", "[COMMIT-", "FAILED:", "SUCCESS:", "## ", "- "),
        *("Findings", "**", "`", "\n", "\r\n", " ", "é", "\u2028", "9" * 5000),
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_read_or_unreadable(text: str) -> None:
    assert len(read_tech_spec_decisions(text, 2)) == 2
    for read in READERS.values():
        with suppress(Unreadable):
            assert read(text).word


@pytest.mark.parametrize("filler", [".", " ", "*", "- ", "\t", "|", "`", "#", "1. ", "_ ", "line 1 "])
def test_long_lines_cost_no_more_than_their_length(filler: str) -> None:
    """A reply of an agent is read on the loop: a progress bar of dots must not hold it for minutes."""
    line = filler * 50_000
    text = f"## Findings\n- {line}\n{line}x\n- {line}x\n[COMMIT-FAILED: {line}x\n[DEV-STORY-BLOCKED: NO {line}"
    started = time.process_time()
    for read in READERS.values():
        with pytest.raises(Unreadable):
            read(text)
    closed = "" if filler != "`" else f"\n{line}"  # a line of such marks opens a fence
    read_code_review(f"{text}{closed}\nHIGHEST SEVERITY: LOW")
    assert time.process_time() - started < 2.0
