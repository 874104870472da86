"""Reading a code review: the worst severity, and findings that can be compared between rounds."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import CodeReviewVerdict, ReviewVerdict, Severity, Unreadable, read_code_review, read_review
from workflow.findings import FINDING_MAX

SAID = [
    ("HIGHEST SEVERITY: CRITICAL", Severity.CRITICAL),
    ("HIGHEST SEVERITY: HIGH", Severity.HIGH),
    ("HIGHEST SEVERITY: MEDIUM", Severity.MEDIUM),
    ("HIGHEST SEVERITY: LOW", Severity.LOW),
    ("HIGHEST SEVERITY: ZERO ISSUES", Severity.ZERO),
    ("**HIGHEST SEVERITY:** HIGH", Severity.HIGH),
    ("**HIGHEST SEVERITY**: **HIGH**", Severity.HIGH),
    ("HIGHEST SEVERITY: `HIGH`", Severity.HIGH),
    ("`HIGHEST SEVERITY:` HIGH", Severity.HIGH),
    ("HIGHEST_SEVERITY: ZERO_ISSUES", Severity.ZERO),
    ("Highest Severity : Zero  Issues", Severity.ZERO),
    ("HIGHEST SEVERITY: LOW\nHIGHEST SEVERITY: HIGH", Severity.HIGH),
    ("HIGHEST SEVERITY: HIGH\nall fixed\nHIGHEST SEVERITY: ZERO ISSUES", Severity.ZERO),
    ("Issues: 1 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW", Severity.CRITICAL),
    ("**Issues:** 0 CRITICAL, 0 HIGH, 3 MEDIUM, 9 LOW", Severity.MEDIUM),
    ("issues:0 critical,0 high,0 medium,1 low", Severity.LOW),
    ("Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW", Severity.ZERO),
    ("Issues: `0` CRITICAL, `12` HIGH, `0` MEDIUM, `0` LOW", Severity.HIGH),
    # the worse one counts
    ("Issues: 1 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\nHIGHEST SEVERITY: ZERO ISSUES", Severity.CRITICAL),
    ("Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\nHIGHEST SEVERITY: HIGH", Severity.HIGH),
    ("HIGHEST SEVERITY: LOW\nIssues: 0 CRITICAL, 0 HIGH, 2 MEDIUM, 0 LOW", Severity.MEDIUM),
    ("HIGHEST SEVERITY: MEDIUM\nIssues: 0 CRITICAL, 0 HIGH, 2 MEDIUM, 0 LOW", Severity.MEDIUM),
    # what only looks like a verdict
    ("I did not reach ZERO ISSUES", None),
    ("The review did not reach HIGHEST SEVERITY: ZERO ISSUES", None),
    ("ZERO ISSUES", None),
    ("HIGHEST SEVERITY: NONE", None),
    ("HIGHEST SEVERITY: HIGH or LOW", None),
    ("HIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW|ZERO ISSUES", None),
    ("HIGHEST SEVERITY: HIGHER", None),
    ("HIGHEST SEVERITY:\nHIGH", None),
    ("Issues: 1 CRITICAL", None),
    ("Issues: a CRITICAL, b HIGH, c MEDIUM, d LOW", None),
    ("Issues: -1 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW", None),
    (f"Issues: {'9' * 5000} CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW", None),
    # and does not count beside a real one
    ("I did not reach ZERO ISSUES\nHIGHEST SEVERITY: HIGH", Severity.HIGH),
    ("Only HIGHEST SEVERITY: ZERO ISSUES would do.\n\nHIGHEST SEVERITY: HIGH", Severity.HIGH),
    ("HIGHEST SEVERITY: HIGH\nI did not reach ZERO ISSUES", None),
    # the findings block may follow the verdict, or between its lines
    ("HIGHEST SEVERITY: HIGH\n\n## Findings\n- [HIGH] src/a.py: wrong\n", Severity.HIGH),
    ("Issues: 0 CRITICAL, 1 HIGH, 0 MEDIUM, 0 LOW\n## Findings\n- a\n\nHIGHEST SEVERITY: LOW", Severity.HIGH),
]


@pytest.mark.parametrize(("text", "severity"), SAID, ids=[f"{n}" for n in range(len(SAID))])
def test_how_bad_the_worst_finding_is(text: str, severity: Severity | None) -> None:
    if severity is None:
        with pytest.raises(Unreadable):
            read_code_review(text)
    else:
        assert read_code_review(text).severity is severity


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(Severity)), st.tuples(*[st.integers(0, 3)] * 4))
def test_the_worse_one_counts(said: Severity, counts: tuple[int, int, int, int]) -> None:
    worst = max((severity for severity, n in zip(reversed(Severity), counts, strict=False) if n), default=Severity.ZERO)
    line = "Issues: {} CRITICAL, {} HIGH, {} MEDIUM, {} LOW".format(*counts)
    text = f"{line}\nHIGHEST SEVERITY: {said.label}"
    assert read_code_review(text).severity is max(said, worst)


END = "\nIssues: 0 CRITICAL, 1 HIGH, 0 MEDIUM, 1 LOW\n\nHIGHEST SEVERITY: HIGH"
TWO = ("src/a.py : wrong at noon", "src/b.py : slow")
FINDINGS = [
    ("## Findings\n- [HIGH] src/a.py: wrong at noon\n- [LOW] src/b.py: slow\n", TWO),
    ("## Findings\n- [LOW] src/b.py: slow\n- [HIGH] src/a.py: wrong at noon\n", TWO),
    ("### Code review findings\n* HIGH: src/a.py : wrong at noon\n* low - src/b.py : slow\n", TWO),
    ("**Issues:**\n1. **[CRITICAL]** `src/a.py`: wrong at noon\n2) [LOW] src/b.py: Slow\n", TWO),
    ("Findings:\n- [x] [HIGH] src/a.py:12: wrong at noon\n- [ ] [LOW] src/b.py:3-9: slow\n", TWO),
    ("Findings:\r\n- [HIGH] src/a.py:99: wrong at noon\r\n- [LOW] src/b.py:7:2: slow\r\n", TWO),
    ("## Findings\n### HIGH\n- src/a.py: wrong at noon\n### LOW\n- src/b.py: slow\n", TWO),
    ("## Findings\n### High issues\n- src/a.py: wrong at noon\n### Low issues\n- src/b.py: slow\n", TWO),
    ("## Findings\n**HIGH**\n- src/a.py: wrong at noon\n**LOW**\n- src/b.py: slow\n", TWO),
    ("## Findings\n- old\n## Findings of this round\n- src/a.py: wrong at noon\n- src/b.py: slow\n", TWO),
    ("## Findings\n- src/a.py: wrong at noon\n- src/b.py: slow\n## Files\n- src/c.py\n", TWO),
    ("## Findings\n- src/a.py: wrong at noon\n- src/b.py: slow\n# Summary\n- all is well\n", TWO),
    ("## Findings\n- src/a.py: wrong\n  at noon\n", ("src/a.py : wrong",)),
    ("## Findings\n- src/a.py: wrong in line 12, lines 3-5 and lines 7 - 9\n", ("src/a.py : wrong in , and",)),
    ("## Findings\n- none\n", ("none",)),
    ("## Findings\n\nAll is well.\n", ()),
    ("## Summary\n- src/a.py: wrong at noon\n", ()),
    ("- src/a.py: wrong at noon\n", ()),
]


@pytest.mark.parametrize(("text", "findings"), FINDINGS)
def test_findings_are_compared_by_what_they_say(text: str, findings: tuple[str, ...]) -> None:
    for end in (END, END.replace("Issues:", "**Issues:**"), f"\n**{END.strip().splitlines()[-1]}**"):
        assert [" ".join(each.replace(":", " : ").split()) for each in read_code_review(text + end).findings] == [
            " ".join(each.split()) for each in findings
        ]


def test_the_same_findings_in_other_places_and_of_other_severity_are_the_same() -> None:
    one = read_code_review("## Findings\n- [HIGH] src/a.py:12: wrong\n\nHIGHEST SEVERITY: HIGH")
    other = read_code_review("## Findings\n- [LOW] `src/a.py:40`: Wrong\n\n**Highest severity:** LOW")
    assert one.findings == other.findings == CodeReviewVerdict(Severity.LOW, other.findings).findings


WRITTEN = [
    ("## Findings\n- [HIGH] `src/a.py:12`: Wrong\n- [LOW] a word\n", ("[HIGH] `src/a.py:12`: Wrong", "[LOW] a word")),
    ("## Findings\n- none\n", ()),
    ("- None.\n", ()),
    (
        "I looked:\n- read the story\n- **[CRITICAL]** AC 3 cannot be tested\n",
        ("**[CRITICAL]** AC 3 cannot be tested",),
    ),
    ("- **High**: slow\n- highly praised\n", ("**High**: slow",)),
    ("## Issues\n- " + "x" * 2000 + "\n", ("x" * FINDING_MAX,)),
]


@pytest.mark.parametrize(("text", "said"), WRITTEN)
def test_findings_are_kept_for_people_as_they_were_written(text: str, said: tuple[str, ...]) -> None:
    assert read_code_review(text + END).said == said
    assert read_review(text + "\n[CRITICAL-ISSUES-FOUND: NO]").said == said


def test_the_counts_are_kept_where_they_were_said() -> None:
    assert read_code_review("Issues: 0 CRITICAL, 1 HIGH, 20 MEDIUM, 3 LOW").counts == (0, 1, 20, 3)
    assert read_code_review("HIGHEST SEVERITY: HIGH").counts is None


def test_verdicts_that_were_stored_before_can_be_read() -> None:
    old = msgspec.json.decode(b'{"severity":3,"findings":["a"]}', type=CodeReviewVerdict)
    assert old == CodeReviewVerdict(Severity.HIGH, ("a",))
    assert msgspec.json.decode(b'{"critical":true}', type=ReviewVerdict) == ReviewVerdict(critical=True)
