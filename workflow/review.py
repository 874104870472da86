"""The decision after a code review: done, blocked, or another round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflow.verdicts import CodeReviewVerdict, Severity

SETTLED_FROM: Final = 3  # the first round in which minor findings may be accepted or count as repeated
SAME_TIMES: Final = 3  # the same findings in so many consecutive rounds: the agent cannot fix them


class Next(StrEnum):
    DONE = "done"
    BLOCKED = "blocked"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step, and its reason in one sentence."""

    next: Next
    reason: str


def after_code_review(verdicts: Sequence[CodeReviewVerdict], limit: int) -> Decision:
    """Decide after the last of the story's readable verdicts, given in order; `limit` is the maximum of rounds."""
    attempt, last = len(verdicts), verdicts[-1]
    if last.severity is Severity.ZERO:
        return Decision(Next.DONE, f"code review {attempt} found zero issues")
    if attempt >= SETTLED_FROM and _repeated(verdicts):
        return Decision(Next.BLOCKED, f"code review {attempt} found the same issues {SAME_TIMES} times in a row")
    if attempt >= SETTLED_FROM and last.severity is not Severity.CRITICAL:
        return Decision(Next.DONE, f"code review {attempt} found nothing critical (highest: {last.severity.label})")
    if attempt >= limit:
        return Decision(Next.BLOCKED, f"still {last.severity.label} after {attempt} code reviews, the limit")
    return Decision(Next.AGAIN, f"code review {attempt} found issues up to {last.severity.label}")


def _repeated(verdicts: Sequence[CodeReviewVerdict]) -> bool:
    last = [verdict.findings for verdict in verdicts[-SAME_TIMES:]]
    return len(last) == SAME_TIMES and bool(last[0]) and all(findings == last[0] for findings in last)
