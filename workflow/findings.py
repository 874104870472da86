"""The findings in a reviewer's reply: the list items below a heading of findings or issues."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from workflow.closing import IsMarker

FINDING_MAX: Final = 500  # characters of one finding as the reviewer wrote it
FINDINGS_MAX: Final = 100  # findings of one review that are stored for display

_BULLET: Final = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+(?:\[[ xX]\]\s*)?(.+)")
_TAGGED: Final = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+([*\[]{0,6}(?:CRITICAL|HIGH|MEDIUM|LOW)\b.+)", re.IGNORECASE)
_HEADING: Final = re.compile(r"\s*(?:(#{1,6})\s|\*\*)")
_FINDINGS: Final = re.compile(r"\b(?:findings|issues)\b", re.IGNORECASE)
_BOLD_LEVEL: Final = 7  # of a bold line used as a heading: below all those with number signs


def listed_findings(text: str, is_marker: IsMarker) -> list[str]:
    """Return the list items under the last heading of findings or issues, as written."""
    found: list[str] = []
    inside = 0  # the level of that heading; those below it, such as one for each severity, belong to it
    for line in (line.rstrip() for line in text.split("\n") if not is_marker(line)):
        level = _level(line)
        if level and (not inside or level <= inside):
            inside = level if _FINDINGS.search(line) else 0
            # The last list counts: a reviewer often lists findings first and what is left after the repairs at the end.
            found = [] if inside else found
        elif inside and (match := _BULLET.match(line)) is not None:
            found.append(match[1])
    return found


def findings_as_written(text: str, is_marker: IsMarker) -> tuple[str, ...]:
    """Return the findings for display: those under a heading, otherwise the list items that begin with a severity."""
    lines = text.split("\n")
    return shown(
        listed_findings(text, is_marker) or [match[1] for line in lines if (match := _TAGGED.match(line)) is not None]
    )


def shown(found: Sequence[str]) -> tuple[str, ...]:
    """Return findings for display, bounded in number and length; "none" is no finding."""
    return tuple(item[:FINDING_MAX] for item in found if normalised(item).rstrip(".") != "none")[:FINDINGS_MAX]


def is_findings_heading(line: str) -> bool:
    """Whether a line is the heading of a findings block."""
    return bool(_level(line)) and _FINDINGS.search(line) is not None


def _level(line: str) -> int:
    """Return the level of a heading, from 1; 0 for other lines. `Findings:` is a heading as well."""
    if (match := _HEADING.match(line)) is not None:
        return len(match[1] or "*" * _BOLD_LEVEL)
    return _BOLD_LEVEL if line.rstrip("* ").endswith(":") and _FINDINGS.search(line) else 0


def normalised(finding: str) -> str:
    """Return a finding without line numbers, Markdown, case and severity.

    An edit elsewhere in the file, or another severity, does not make it a new one.
    """
    text = re.sub(r":\d+(?:[-:]\d+)*|\blines? \d+(?:\s?-\s?\d+)?\b|[*_`\[\]()]", " ", finding.lower())
    return " ".join(re.sub(r"\b(critical|high|medium|low)\b[\s:—-]*", "", text, count=1).split())
