"""Tests of the decision after a code review: the five rules, in their order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import CodeReviewVerdict, Next, Severity, after_code_review
from workflow.review import SAME_TIMES, SETTLED_FROM

A, B, C = ("a.py: wrong",), ("b.py: wrong",), ("a.py: wrong", "b.py: wrong")
LETTERS = {"Z": Severity.ZERO, "L": Severity.LOW, "M": Severity.MEDIUM, "H": Severity.HIGH, "C": Severity.CRITICAL}
LIMIT = 10


def rounds(severities: str, findings: list[tuple[str, ...]] | None = None) -> list[CodeReviewVerdict]:
    """Verdicts by the first letter of their severity; each with findings of its own where none are given."""
    own = findings or [(f"finding {number}",) for number in range(len(severities))]
    return [CodeReviewVerdict(LETTERS[letter], found) for letter, found in zip(severities, own, strict=True)]


BY_SEVERITY = [
    # 1: zero issues, at any attempt, whatever was before
    ("Z", Next.DONE),
    ("CZ", Next.DONE),
    ("HHZ", Next.DONE),
    ("C" * 9 + "Z", Next.DONE),
    # 5: before the third attempt everything else is reviewed again
    ("L", Next.AGAIN),
    ("M", Next.AGAIN),
    ("H", Next.AGAIN),
    ("C", Next.AGAIN),
    ("LL", Next.AGAIN),
    ("CH", Next.AGAIN),
    ("HC", Next.AGAIN),
    # 3: from the third attempt without CRITICAL it is done
    ("CCL", Next.DONE),
    ("CCM", Next.DONE),
    ("CCH", Next.DONE),
    ("LLL", Next.DONE),
    ("CCCH", Next.DONE),
    ("C" * 9 + "H", Next.DONE),
    # 5: with CRITICAL it continues
    ("CCC", Next.AGAIN),
    ("LLC", Next.AGAIN),
    ("C" * 9, Next.AGAIN),
    # 4: until the limit
    ("C" * 10, Next.BLOCKED),
]


@pytest.mark.parametrize(("severities", "then"), BY_SEVERITY)
def test_what_follows_by_severity(severities: str, then: Next) -> None:
    assert after_code_review(rounds(severities), LIMIT).next is then


BY_FINDINGS = [
    # 2: the same findings three times in a row, at the third attempt or later
    ("HHH", [A, A, A], Next.BLOCKED),
    ("CCC", [A, A, A], Next.BLOCKED),
    ("LLL", [C, C, C], Next.BLOCKED),
    ("CHHH", [B, A, A, A], Next.BLOCKED),
    # not the severity word decides
    ("CHM", [A, A, A], Next.BLOCKED),
    # 1 comes before 2
    ("HHZ", [A, A, A], Next.DONE),
    # twice is not three times, and not in a row is not in a row
    ("HH", [A, A], Next.AGAIN),
    ("CCC", [A, A, B], Next.AGAIN),
    ("CCC", [B, A, A], Next.AGAIN),
    ("HHH", [A, B, A], Next.DONE),
    ("CCCC", [A, A, B, A], Next.AGAIN),
    ("CCC", [A, C, A], Next.AGAIN),
    # findings that could not be read are not the same findings
    ("HHH", [(), (), ()], Next.DONE),
    ("CCC", [(), (), ()], Next.AGAIN),
]


@pytest.mark.parametrize(("severities", "findings", "then"), BY_FINDINGS)
def test_what_follows_by_findings(severities: str, findings: list[tuple[str, ...]], then: Next) -> None:
    assert after_code_review(rounds(severities, findings), LIMIT).next is then


LIMITS = [
    ("C", 1, Next.BLOCKED),
    ("H", 1, Next.BLOCKED),
    ("HH", 2, Next.BLOCKED),
    ("Z", 1, Next.DONE),
    ("HHH", 3, Next.DONE),
    ("CCC", 3, Next.BLOCKED),
    ("CCC", 4, Next.AGAIN),
]


@pytest.mark.parametrize(("severities", "limit", "then"), LIMITS)
def test_the_limit_may_be_set(severities: str, limit: int, then: Next) -> None:
    assert after_code_review(rounds(severities), limit).next is then


REASONS = [
    ("Z", LIMIT, "code review 1 found zero issues"),
    ("HC", LIMIT, "code review 2 found issues up to CRITICAL"),
    ("CCH", LIMIT, "code review 3 found nothing critical (highest: HIGH)"),
    ("C" * 10, LIMIT, "still CRITICAL after 10 code reviews, the limit"),
    ("HM", 2, "still MEDIUM after 2 code reviews, the limit"),
]


@pytest.mark.parametrize(("severities", "limit", "reason"), REASONS)
def test_a_decision_says_why(severities: str, limit: int, reason: str) -> None:
    assert after_code_review(rounds(severities), limit).reason == reason


def test_repeated_findings_are_said() -> None:
    assert after_code_review(rounds("HHH", [A] * 3), LIMIT).reason == (
        "code review 3 found the same issues 3 times in a row"
    )


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("ZLMHC"), st.sampled_from([A, B, ()])), min_size=1, max_size=LIMIT))
def test_the_rules_hold_for_any_course_of_reviews(course: list[tuple[str, tuple[str, ...]]]) -> None:
    verdicts = rounds("".join(letter for letter, _ in course), [found for _, found in course])
    attempt, last = len(verdicts), verdicts[-1].severity
    same = attempt >= SAME_TIMES and course[-1][1] != () and len({found for _, found in course[-SAME_TIMES:]}) == 1
    expected = (
        Next.DONE if last is Severity.ZERO
        else Next.BLOCKED if attempt >= SETTLED_FROM and same
        else Next.DONE if attempt >= SETTLED_FROM and last is not Severity.CRITICAL
        else Next.BLOCKED if attempt == LIMIT
        else Next.AGAIN
    )  # fmt: skip
    assert after_code_review(verdicts, LIMIT).next is expected
