"""The verdict of an agent on its own work, parsed from the closing lines of its reply.

A marker is a separate line; case and Markdown emphasis around it are ignored. Of two contradicting markers of one kind
the worse one counts. An unreadable verdict raises `Unreadable`: the attempt has failed, and no status changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from base.plausible import commit_hash
from workflow.closing import closing_markers, spoken_lines
from workflow.comments import CommentAnswer
from workflow.findings import findings_as_written, is_findings_heading, listed_findings, normalised

REASON_MAX: Final = 500  # characters of a reason that are kept


class Unreadable(ValueError):
    """The reply has no readable marker; the message names the expected one."""


class Severity(IntEnum):
    """The severity of the worst finding of a code review; a higher value is worse."""

    ZERO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        return "ZERO ISSUES" if self is Severity.ZERO else self.name


@dataclass(frozen=True, slots=True)
class ReviewVerdict:
    """A review of a story or a tech-spec; `said` are the findings as written by the reviewer, `answers` what it says
    of the operator's comments."""

    critical: bool
    said: tuple[str, ...] = field(default=(), compare=False)
    answers: tuple[CommentAnswer, ...] = field(default=(), compare=False)

    @property
    def word(self) -> str:
        return "critical" if self.critical else "clean"


@dataclass(frozen=True, slots=True)
class DevVerdict:
    """The result of a dev-story: complete, or blocked with a reason; neither means unfinished.

    `unread`: a build has ended and its result cannot be read; the operator decides.
    """

    complete: bool
    blocked: bool = False
    reason: str = ""
    unread: bool = False

    @property
    def word(self) -> str:
        if self.unread:
            return "unread"
        return "complete" if self.complete else "blocked" if self.blocked else "unfinished"


@dataclass(frozen=True, slots=True)
class CodeReviewVerdict:
    """A code review: the worst severity, and the findings as normalised texts so that rounds can be compared.

    For display: `said` are the findings as written, `counts` the numbers of critical, high, medium and low ones.
    `answers` are what it says of the operator's comments.
    """

    severity: Severity
    findings: tuple[str, ...] = ()
    said: tuple[str, ...] = field(default=(), compare=False)
    counts: tuple[int, int, int, int] | None = field(default=None, compare=False)
    answers: tuple[CommentAnswer, ...] = field(default=(), compare=False)

    @property
    def word(self) -> str:
        return self.severity.label


@dataclass(frozen=True, slots=True)
class CommitVerdict:
    """The result of a commit command: the hash, or the reason of the failure, or neither for nothing to commit."""

    commit: str | None = None
    failure: str = ""

    @property
    def word(self) -> str:
        return self.commit[:10] if self.commit else self.failure or "nothing to commit"


_SIGNS: Final = "✅❌⚠\ufe0f🔴🟠🟡🟢"
_BEFORE: Final = re.compile(rf"[\s#*_`~\-+•|{_SIGNS}]*(?:\d+[.)]\s+)?[\s*_`~{_SIGNS}]*")
_AFTER: Final = f" \t\r\f\v\u00a0*_`~|.!{_SIGNS}"
_SEVERITY: Final = re.compile(r"HIGHEST\s+SEVERITY\s*:\s*(CRITICAL|HIGH|MEDIUM|LOW|ZERO\s+ISSUES)", re.IGNORECASE)
_COUNT: Final = r"([0-9]{1,9})"
_ISSUES: Final = re.compile(
    rf"Issues\s*:\s*{_COUNT}\s*CRITICAL\s*,\s*{_COUNT}\s*HIGH\s*,\s*{_COUNT}\s*MEDIUM\s*,\s*{_COUNT}\s*LOW",
    re.IGNORECASE,
)
_COMPLETE: Final = re.compile(r"\[DEV-STORY-COMPLETE\s*:\s*(YES|NO)\s*\]", re.IGNORECASE)
_BLOCKED: Final = re.compile(r"\[DEV-STORY-BLOCKED\s*:\s*YES\b(.*)", re.IGNORECASE)  # its reason may follow
_NOT_BLOCKED: Final = re.compile(r"\[DEV-STORY-BLOCKED\s*:\s*NO\s*\]", re.IGNORECASE)  # alone it is no verdict
_COMMIT: Final = re.compile(r"\[(COMMIT-SUCCESS|COMMIT-FAILED)\s*:(.*)\]|\[(NO-CHANGES-TO-COMMIT)\]", re.IGNORECASE)
_SPEC_STATUS: Final = re.compile(r"^status\s*:\s*[\"']?([\w-]+)", re.IGNORECASE | re.MULTILINE)
_CONDITION: Final = re.compile(r"^[\s*_-]*Blocking condition[\s*_]*:[\s*_]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_AT_END: Final = "among the lines that close it"


def read_tech_spec_decisions(text: str, count: int) -> list[bool]:
    """Whether each of the cycle's stories needs a tech-spec, by position; a missing decision counts as required.

    The prompt requests a line of explanation for each story, which may be between the decisions; so all decisions of
    the reply count, provided that the last one is a closing line.
    """
    pattern = _bracketed("TECH-SPEC-DECISION", "REQUIRED|SKIP")
    if not closing_markers(text, lambda line: pattern.fullmatch(_bare(line)) is not None):
        # An unneeded spec costs one command, a missing one the story.
        return [True] * count
    found = [match[1].upper() == "REQUIRED" for match in _matches(pattern, spoken_lines(text))]
    return (found[-count:] + [True] * count)[:count]


def read_review(text: str) -> ReviewVerdict:
    """`[CRITICAL-ISSUES-FOUND: YES|NO]`, else the highest severity. Raises `Unreadable`."""
    pattern = _bracketed("CRITICAL-ISSUES-FOUND", "YES|NO")
    closing = closing_markers(
        text, lambda line: bool(pattern.fullmatch(_bare(line))) or _is_marker(line), is_findings_heading
    )
    marks = _matches(pattern, closing)
    if marks:
        return ReviewVerdict(
            critical=any(mark[1].upper() == "YES" for mark in marks), said=findings_as_written(text, _is_marker)
        )
    severity = _severity(closing)
    if severity is None:
        raise Unreadable(f"the reply has neither [CRITICAL-ISSUES-FOUND: YES|NO] nor a HIGHEST SEVERITY line {_AT_END}")
    return ReviewVerdict(critical=severity is Severity.CRITICAL, said=findings_as_written(text, _is_marker))


def read_dev_story(text: str) -> DevVerdict:
    """`[DEV-STORY-COMPLETE: YES|NO]` or `[DEV-STORY-BLOCKED: YES]` + reason, the worse one. Raises `Unreadable`."""
    closing = closing_markers(text, _is_development)
    for line in reversed(closing):
        if (match := _BLOCKED.fullmatch(_bare(line))) is not None:
            return DevVerdict(complete=False, blocked=True, reason=_reason(text, line, match[1]))
    marks = _matches(_COMPLETE, closing)
    if not marks:
        raise Unreadable(f"the reply has neither [DEV-STORY-COMPLETE: YES|NO] nor [DEV-STORY-BLOCKED: YES] {_AT_END}")
    return DevVerdict(complete=all(mark[1].upper() == "YES" for mark in marks))


def _is_development(line: str) -> bool:
    bare = _bare(line)
    return any(pattern.fullmatch(bare) for pattern in (_COMPLETE, _BLOCKED, _NOT_BLOCKED))


def read_spec(text: str, name: str) -> DevVerdict:
    """Return the verdict in the frontmatter of the file of BMAD's unattended build. Raises `Unreadable`.

    `done` (6.x) and `built` (7) are complete, `blocked` has its condition as reason; any other status is unfinished.
    """
    head, _, body = text.removeprefix("\ufeff").removeprefix("---").partition("\n---")
    found = _SPEC_STATUS.search(head) if text.lstrip("\ufeff").startswith("---") else None
    if found is None:
        raise Unreadable(f"{name} has no status")
    status = found[1].lower()
    if status == "blocked":
        condition = _CONDITION.search(body)
        reason = condition[1].strip(" *`") if condition is not None else f"{name} is blocked without a reason"
        return DevVerdict(complete=False, blocked=True, reason=reason[:REASON_MAX])
    if status not in ("done", "built"):
        raise Unreadable(f"the status in {name} is {status!r}, not done")
    return DevVerdict(complete=True)


def read_code_review(text: str) -> CodeReviewVerdict:
    """Read the highest severity and the counts of issues, and use the worse one. Raises `Unreadable`."""
    closing = closing_markers(text, _is_marker, is_findings_heading)
    stated, counts = _severity(closing), _counts(closing)
    known = [severity for severity in (stated, None if counts is None else worst(counts)) if severity is not None]
    if not known:
        raise Unreadable(f"the reply has no line HIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW|ZERO ISSUES {_AT_END}")
    findings = tuple(sorted(map(normalised, listed_findings(text, _is_marker))))
    return CodeReviewVerdict(max(known), findings, findings_as_written(text, _is_marker), counts)


def read_commit(text: str) -> CommitVerdict:
    """`[COMMIT-SUCCESS: <hash>]`, `[NO-CHANGES-TO-COMMIT]` or `[COMMIT-FAILED: reason]`. Raises `Unreadable`.

    A failure is worse than the others; a hash together with `[NO-CHANGES-TO-COMMIT]` is unreadable.
    """
    marks = _matches(_COMMIT, closing_markers(text, lambda line: _COMMIT.fullmatch(_bare(line)) is not None))
    if not marks:
        raise Unreadable(
            "the reply has none of [COMMIT-SUCCESS: hash], [NO-CHANGES-TO-COMMIT], [COMMIT-FAILED: reason] " + _AT_END
        )
    failed = [mark for mark in marks if (mark[1] or "").upper() == "COMMIT-FAILED"]
    if failed:
        return CommitVerdict(failure=failed[-1][2].strip()[:REASON_MAX] or "the agent gave no reason")
    hashes = {_hash(mark[2]) for mark in marks if not mark[3]}
    if len(hashes) > 1 or (hashes and any(mark[3] for mark in marks)):
        raise Unreadable("the reply ends with several markers of a commit that contradict each other")
    return CommitVerdict(commit=hashes.pop() if hashes else None)


def _hash(text: str) -> str:
    commit = commit_hash(text)
    if commit is None:
        raise Unreadable(f"[COMMIT-SUCCESS: …] names no commit hash but {text.strip()[:60]!r}")
    return commit


def _bare(line: str) -> str:
    """Return a line without the Markdown and ornaments around it."""
    begin = _BEFORE.match(line)
    return line[begin.end() if begin else 0 :].rstrip(_AFTER)


def _words(line: str) -> str:
    """Return a line without any Markdown, for markers that may have some between their words."""
    return _bare(re.sub(r"[*`~]", "", line).replace("_", " "))


def _bracketed(name: str, values: str) -> re.Pattern[str]:
    """Return the pattern of a marker `[NAME: VALUE]`, with the value as group 1."""
    return re.compile(rf"\[{name}\s*:\s*({values})\s*\]", re.IGNORECASE)


def _matches(pattern: re.Pattern[str], lines: Sequence[str]) -> list[re.Match[str]]:
    """Return the matches of lines that are the marker and nothing else."""
    return [match for line in lines if (match := pattern.fullmatch(_bare(line))) is not None]


def _severity(lines: Sequence[str]) -> Severity | None:
    """Return the worst severity of the lines that are `HIGHEST SEVERITY: X` and nothing else."""
    marks = [match for line in lines if (match := _SEVERITY.fullmatch(_words(line))) is not None]
    return max((Severity[mark[1].split()[0].upper()] for mark in marks), default=None)


def _counts(lines: Sequence[str]) -> tuple[int, int, int, int] | None:
    """Return the worst counts of the lines `Issues: a CRITICAL, b HIGH, c MEDIUM, d LOW`."""
    marks = [match for line in lines if (match := _ISSUES.fullmatch(_words(line))) is not None]
    if not marks:
        return None
    # Tuples are compared from the left, so the most severe count decides.
    critical, high, medium, low = max(tuple(int(number) for number in mark.groups()) for mark in marks)
    return critical, high, medium, low


def worst(counts: tuple[int, int, int, int]) -> Severity:
    """Return the worst severity of which there is an issue."""
    severities = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    return next((severity for severity, n in zip(severities, counts, strict=True) if n), Severity.ZERO)


def _is_marker(line: str) -> bool:
    return bool(_SEVERITY.fullmatch(_words(line)) or _ISSUES.fullmatch(_words(line)))


def _reason(text: str, line: str, own: str) -> str:
    """Return the text after the marker on its line, otherwise the paragraph before it."""
    before = text.rpartition(line)[0]
    for words in (own, before.strip().split("\n\n")[-1]):
        reason = " ".join(words.strip(" -—:,]*`\n").split())
        if reason:
            return reason[:REASON_MAX]
    return "the agent gave no reason"
