"""What an agent said of its own work, read from its text.

A marker counts only as a line of its own; case and the Markdown around it do not matter, the last one wins. A verdict
that cannot be read raises `Unreadable`: the attempt has failed, and nothing is ever done because of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

REASON_MAX: Final = 500  # characters of a reason that are kept
FINDING_MAX: Final = 500  # characters of one finding as the reviewer wrote it
SAID_MAX: Final = 100  # findings of one review that are kept for people to read


class Unreadable(ValueError):
    """The reply holds no marker that could be read; the message says which one was expected."""


class Severity(IntEnum):
    """How bad the worst finding of a code review is; a higher value is worse."""

    ZERO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def words(self) -> str:
        return "ZERO ISSUES" if self is Severity.ZERO else self.name


@dataclass(frozen=True, slots=True)
class ReviewVerdict:
    """A review of a story or a tech-spec; `said` are its findings as the reviewer wrote them."""

    critical: bool
    said: tuple[str, ...] = field(default=(), compare=False)

    @property
    def word(self) -> str:
        return "critical" if self.critical else "clean"


@dataclass(frozen=True, slots=True)
class DevVerdict:
    """The end of a dev-story: complete, or blocked with the reason; neither means unfinished."""

    complete: bool
    blocked: bool = False
    reason: str = ""

    @property
    def word(self) -> str:
        return "complete" if self.complete else "blocked" if self.blocked else "unfinished"


@dataclass(frozen=True, slots=True)
class CodeReviewVerdict:
    """A code review: the worst severity, and the findings as normalised texts so that rounds can be compared.

    For people: `said` are the findings as they were written, `counts` how many are critical, high, medium and low.
    """

    severity: Severity
    findings: tuple[str, ...] = ()
    said: tuple[str, ...] = field(default=(), compare=False)
    counts: tuple[int, int, int, int] | None = field(default=None, compare=False)

    @property
    def word(self) -> str:
        return self.severity.words


@dataclass(frozen=True, slots=True)
class CommitVerdict:
    """The end of a commit: its hash, or that there was nothing to commit, or why it failed."""

    commit: str | None = None
    failure: str = ""

    @property
    def word(self) -> str:
        return self.commit[:10] if self.commit else self.failure or "nothing to commit"


_SIGNS: Final = "✅❌⚠\ufe0f🔴🟠🟡🟢"
_BEFORE: Final = re.compile(rf"[\s>#*_`~\-+•|{_SIGNS}]*(?:\d+[.)]\s+)?[\s*_`~{_SIGNS}]*")
_AFTER: Final = f" \t\r\f\v\u00a0*_`~|.!{_SIGNS}"
_SEVERITY: Final = re.compile(r"HIGHEST\s+SEVERITY\s*:\s*(CRITICAL|HIGH|MEDIUM|LOW|ZERO\s+ISSUES)", re.IGNORECASE)
_COUNT: Final = r"([0-9]{1,9})"
_ISSUES: Final = re.compile(
    rf"Issues\s*:\s*{_COUNT}\s*CRITICAL\s*,\s*{_COUNT}\s*HIGH\s*,\s*{_COUNT}\s*MEDIUM\s*,\s*{_COUNT}\s*LOW",
    re.IGNORECASE,
)
_COMPLETE: Final = re.compile(r"\[DEV-STORY-COMPLETE\s*:\s*(YES|NO)\s*\]", re.IGNORECASE)
_BLOCKED: Final = re.compile(r"\[DEV-STORY-BLOCKED\s*:\s*YES\b(.*)", re.IGNORECASE)  # its reason may follow
_COMMIT: Final = re.compile(r"\[(COMMIT-SUCCESS|COMMIT-FAILED)\s*:(.*)\]|\[(NO-CHANGES-TO-COMMIT)\]", re.IGNORECASE)
_SPEC_STATUS: Final = re.compile(r"^status\s*:\s*[\"']?([\w-]+)", re.IGNORECASE | re.MULTILINE)
_CONDITION: Final = re.compile(r"^[\s*_-]*Blocking condition[\s*_]*:[\s*_]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_BULLET: Final = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+(?:\[[ xX]\]\s*)?(.+)")
_TAGGED: Final = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+([*\[]{0,6}(?:CRITICAL|HIGH|MEDIUM|LOW)\b.+)", re.IGNORECASE)
_HEADING: Final = re.compile(r"\s*(?:(#{1,6})\s|\*\*)")
_FINDINGS: Final = re.compile(r"\b(?:findings|issues)\b", re.IGNORECASE)
_BOLD_LEVEL: Final = 7  # of a bold line used as a heading: below all those with number signs


def read_tech_spec_decisions(text: str, count: int) -> list[bool]:
    """Whether each of the cycle's stories needs a tech-spec, by position; a missing decision counts as required."""
    found = [match[1].upper() == "REQUIRED" for match in _bracketed(text, "TECH-SPEC-DECISION", "REQUIRED|SKIP")]
    return (found[-count:] + [True] * count)[:count]


def read_review(text: str) -> ReviewVerdict:
    """`[CRITICAL-ISSUES-FOUND: YES|NO]`, else the highest severity. Raises `Unreadable`."""
    marks = _bracketed(text, "CRITICAL-ISSUES-FOUND", "YES|NO")
    if marks:
        return ReviewVerdict(critical=marks[-1][1].upper() == "YES", said=_said(text))
    severity = _severity(text)
    if severity is None:
        raise Unreadable("the reply has neither [CRITICAL-ISSUES-FOUND: YES|NO] nor a HIGHEST SEVERITY line")
    return ReviewVerdict(critical=severity is Severity.CRITICAL, said=_said(text))


def read_dev_story(text: str) -> DevVerdict:
    """`[DEV-STORY-COMPLETE: YES|NO]` or `[DEV-STORY-BLOCKED: YES]` + reason, the later one. Raises `Unreadable`."""
    for line in reversed(text.split("\n")):
        if (match := _COMPLETE.fullmatch(_bare(line))) is not None:
            return DevVerdict(complete=match[1].upper() == "YES")
        if (match := _BLOCKED.fullmatch(_bare(line))) is not None:
            return DevVerdict(complete=False, blocked=True, reason=_reason(text, line, match[1]))
    raise Unreadable("the reply has neither [DEV-STORY-COMPLETE: YES|NO] nor [DEV-STORY-BLOCKED: YES]")


def read_spec(text: str, name: str) -> DevVerdict:
    """What a spec file of BMAD's unattended build says of its work, by its frontmatter. Raises `Unreadable`.

    `done` is complete, `blocked` comes with its condition; any other status is work that was not finished.
    """
    head, _, body = text.removeprefix("\ufeff").removeprefix("---").partition("\n---")
    found = _SPEC_STATUS.search(head) if text.lstrip("\ufeff").startswith("---") else None
    if found is None:
        raise Unreadable(f"{name} has no status")
    status = found[1].lower()
    if status == "blocked":
        condition = _CONDITION.search(body)
        reason = condition[1].strip(" *`") if condition is not None else f"{name} says blocked, and not why"
        return DevVerdict(complete=False, blocked=True, reason=reason[:REASON_MAX])
    if status != "done":
        raise Unreadable(f"{name} says {status!r}, not done")
    return DevVerdict(complete=True)


def read_code_review(text: str) -> CodeReviewVerdict:
    """Highest severity and counts of issues; if they disagree the worse one counts. Raises `Unreadable`."""
    said, counts = _severity(text), _counts(text)
    known = [severity for severity in (said, _worst(counts)) if severity is not None]
    if not known:
        raise Unreadable("the reply has no line HIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW|ZERO ISSUES")
    findings = tuple(sorted(map(normalised, _listed(text))))
    return CodeReviewVerdict(max(known), findings, _said(text), counts)


def read_commit(text: str) -> CommitVerdict:
    """`[COMMIT-SUCCESS: <hash>]`, `[NO-CHANGES-TO-COMMIT]` or `[COMMIT-FAILED: reason]`. Raises `Unreadable`."""
    marks = [match for line in text.split("\n") if (match := _COMMIT.fullmatch(_bare(line))) is not None]
    if not marks:
        raise Unreadable(
            "the reply has none of [COMMIT-SUCCESS: hash], [NO-CHANGES-TO-COMMIT], [COMMIT-FAILED: reason]"
        )
    last = marks[-1]
    if last[3]:
        return CommitVerdict()
    if last[1].upper() == "COMMIT-FAILED":
        return CommitVerdict(failure=last[2].strip()[:REASON_MAX] or "the agent gave no reason")
    commit = last[2].strip("`'\" ").lower()
    if not re.fullmatch(r"[0-9a-f]{4,64}", commit):
        raise Unreadable(f"[COMMIT-SUCCESS: …] names no commit hash but {commit[:60]!r}")
    return CommitVerdict(commit=commit)


def _bare(line: str) -> str:
    """A line without the Markdown and ornaments around it."""
    begin = _BEFORE.match(line)
    return line[begin.end() if begin else 0 :].rstrip(_AFTER)


def _words(line: str) -> str:
    """A line without any Markdown, for markers in which it may stand between the words."""
    return _bare(re.sub(r"[*`~]", "", line).replace("_", " "))


def _bracketed(text: str, name: str, values: str) -> list[re.Match[str]]:
    """The markers `[NAME: VALUE]` that are lines of their own, as matches whose group 1 is the value."""
    pattern = re.compile(rf"\[{name}\s*:\s*({values})\s*\]", re.IGNORECASE)
    return [match for line in text.split("\n") if (match := pattern.fullmatch(_bare(line))) is not None]


def _severity(text: str) -> Severity | None:
    """The last line that is `HIGHEST SEVERITY: X` and nothing else."""
    marks = [match for line in text.split("\n") if (match := _SEVERITY.fullmatch(_words(line))) is not None]
    return Severity[marks[-1][1].split()[0].upper()] if marks else None


def _counts(text: str) -> tuple[int, int, int, int] | None:
    """What the last `Issues: a CRITICAL, b HIGH, c MEDIUM, d LOW` line counts."""
    marks = [match for line in text.split("\n") if (match := _ISSUES.fullmatch(_words(line))) is not None]
    if not marks:
        return None
    critical, high, medium, low = (int(number) for number in marks[-1].groups())
    return critical, high, medium, low


def _worst(counts: tuple[int, int, int, int] | None) -> Severity | None:
    if counts is None:
        return None
    order = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    return next((severity for severity, n in zip(order, counts, strict=True) if n), Severity.ZERO)


def _listed(text: str) -> list[str]:
    """The list items under the last heading that speaks of findings or issues, as they were written."""
    found: list[str] = []
    inside = 0  # the level of that heading; those below it, such as one for each severity, belong to it
    for line in (line.rstrip() for line in text.split("\n") if not _is_marker(line)):
        level = _level(line)
        if level and (not inside or level <= inside):
            inside = level if _FINDINGS.search(line) else 0
            found = [] if inside else found
        elif inside and (match := _BULLET.match(line)) is not None:
            found.append(match[1])
    return found


def _said(text: str) -> tuple[str, ...]:
    """The findings for people: those listed under a heading, else the list items that begin with a severity."""
    found = _listed(text) or [match[1] for line in text.split("\n") if (match := _TAGGED.match(line)) is not None]
    return tuple(item[:FINDING_MAX] for item in found if normalised(item).rstrip(".") != "none")[:SAID_MAX]


def _is_marker(line: str) -> bool:
    return bool(_SEVERITY.fullmatch(_words(line)) or _ISSUES.fullmatch(_words(line)))


def _level(line: str) -> int:
    """How deep a heading is, from 1; 0 for other lines. `Findings:` is a heading as well."""
    if (match := _HEADING.match(line)) is not None:
        return len(match[1] or "*" * _BOLD_LEVEL)
    return _BOLD_LEVEL if line.rstrip("* ").endswith(":") and _FINDINGS.search(line) else 0


def normalised(finding: str) -> str:
    """A finding without line numbers, Markdown, case and the severity word: an edit elsewhere in the file, or another
    opinion of how bad it is, does not make it a new one."""
    text = re.sub(r":\d+(?:[-:]\d+)*|\blines? \d+(?:\s?-\s?\d+)?\b|[*_`\[\]()]", " ", finding.lower())
    return " ".join(re.sub(r"\b(critical|high|medium|low)\b[\s:—-]*", "", text, count=1).split())


def _reason(text: str, line: str, own: str) -> str:
    """What stands behind the marker on its line, else the lines that follow it, else the paragraph before it."""
    before, _, after = text.rpartition(line)
    for words in (own, after, before.strip().split("\n\n")[-1]):
        reason = " ".join(words.strip(" -—:,]*`\n").split())
        if reason:
            return reason[:REASON_MAX]
    return "the agent gave no reason"
