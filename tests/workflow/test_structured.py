"""Verdicts as JSON: they make the same values as the markers, and what cannot be read is no verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workflow import (
    CODE_REVIEW_FORM,
    COMMIT_FORM,
    DEVELOPMENT_FORM,
    REVIEW_FORM,
    CodeReviewVerdict,
    CommitVerdict,
    DevVerdict,
    ReviewVerdict,
    Severity,
    Unreadable,
    VerdictForm,
    decisions_form,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)

HASH = "0123456789abcdef0123456789abcdef01234567"
COUNTS = {"critical": 0, "high": 1, "medium": 0, "low": 0}
FORMS = (DEVELOPMENT_FORM, REVIEW_FORM, CODE_REVIEW_FORM, COMMIT_FORM, decisions_form(2))


def read(form: VerdictForm, **said: Any) -> Any:
    return form.read(json.dumps(said))


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_requires_what_it_names_and_allows_nothing_else(form: VerdictForm) -> None:
    schema = json.loads(form.schema)
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert set(schema["required"]) <= set(schema["properties"])
    assert all(value.get("description") or value.get("enum") for value in schema["properties"].values())


@pytest.mark.parametrize(
    ("said", "marker"),
    [
        ({"complete": True, "blocked": False}, "[DEV-STORY-COMPLETE: YES]"),
        ({"complete": False, "blocked": False, "reason": "half done"}, "[DEV-STORY-COMPLETE: NO]"),
        ({"complete": True, "blocked": True, "reason": " Which\ncolour? "}, "[DEV-STORY-BLOCKED: YES] Which colour?"),
        ({"complete": False, "blocked": True}, "[DEV-STORY-BLOCKED: YES]"),
    ],
)
def test_developments(said: dict[str, Any], marker: str) -> None:
    assert read(DEVELOPMENT_FORM, **said) == read_dev_story(marker)


def test_reviews_of_documents() -> None:
    text = "## Findings\n- [CRITICAL] one\n- none\n\n[CRITICAL-ISSUES-FOUND: YES]"
    verdict = read(REVIEW_FORM, critical=True, findings=["[CRITICAL] one", "none"])
    assert verdict == read_review(text) == ReviewVerdict(critical=True)
    assert verdict.said == read_review(text).said == ("[CRITICAL] one",)


def test_code_reviews() -> None:
    text = (
        "## Findings\n- [HIGH] a.py:7: wrong\n\nIssues: 0 CRITICAL, 1 HIGH, 0 MEDIUM, 0 LOW\n\nHIGHEST SEVERITY: HIGH"
    )
    verdict = read(CODE_REVIEW_FORM, highest_severity="HIGH", **COUNTS, findings=["[HIGH] a.py:7: wrong"])
    assert verdict == read_code_review(text)
    assert (verdict.said, verdict.counts) == (read_code_review(text).said, (0, 1, 0, 0))


@pytest.mark.parametrize(
    ("stated", "counts", "worst"),
    [
        ("ZERO ISSUES", COUNTS, Severity.HIGH),
        ("CRITICAL", COUNTS, Severity.CRITICAL),
        ("ZERO ISSUES", {}, Severity.ZERO),
    ],
)
def test_of_severity_and_counts_the_worse_one_counts(stated: str, counts: dict[str, int], worst: Severity) -> None:
    verdict: CodeReviewVerdict = read(CODE_REVIEW_FORM, highest_severity=stated, **counts)
    assert verdict.severity is worst


def test_decisions_are_by_position_and_a_missing_one_is_required() -> None:
    form = decisions_form(3)
    assert read(form, tech_specs_required=[False, True, False]) == [False, True, False]
    assert read(form, tech_specs_required=[False]) == [False, True, True]
    assert read(form, tech_specs_required=[False] * 9) == [False] * 3
    skipped = "[TECH-SPEC-DECISION: SKIP]\n[TECH-SPEC-DECISION: REQUIRED]"
    assert read(decisions_form(2), tech_specs_required=[False, True]) == read_tech_spec_decisions(skipped, 2)


@pytest.mark.parametrize(
    ("said", "marker"),
    [
        ({"result": "committed", "commit": HASH}, f"[COMMIT-SUCCESS: {HASH}]"),
        ({"result": "nothing to commit", "commit": HASH}, "[NO-CHANGES-TO-COMMIT]"),
        ({"result": "failed", "reason": "a hook refused"}, "[COMMIT-FAILED: a hook refused]"),
        ({"result": "failed"}, "[COMMIT-FAILED: ]"),
    ],
)
def test_commits(said: dict[str, Any], marker: str) -> None:
    assert read(COMMIT_FORM, **said) == read_commit(marker)
    assert isinstance(read(COMMIT_FORM, **said), CommitVerdict)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"complete": "yes"}', "\ud800", "[" * 100_000])
def test_what_has_another_form_is_unreadable(form: VerdictForm, text: str) -> None:
    with pytest.raises(Unreadable):
        form.read(text)


def test_a_hash_that_is_none_and_counts_below_zero_are_unreadable() -> None:
    with pytest.raises(Unreadable, match="no commit hash but 'HEAD; rm'"):
        read(COMMIT_FORM, result="committed", commit="HEAD; rm")
    with pytest.raises(Unreadable, match="fewer than no issues"):
        read(CODE_REVIEW_FORM, highest_severity="LOW", **{**COUNTS, "low": -1})


def test_long_reasons_and_many_findings_are_bounded() -> None:
    verdict: DevVerdict = read(DEVELOPMENT_FORM, complete=False, blocked=True, reason="x" * 10_000)
    assert len(verdict.reason) == 500
    assert len(read(REVIEW_FORM, critical=False, findings=["y" * 9_000] * 1_000).said) == 100
