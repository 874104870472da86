"""The status in a story file: in its frontmatter, a line, bold text, a heading, a table, a list or a quotation.

63 % of real files have a `Status:` line, the rest is spread over the other spellings. The first
place counts, in that order; where two places disagree the file says so in its problems.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sprint.markdown import Line, Markdown
from sprint.model import Problem
from sprint.status import Status, canonical

_LINE = re.compile(r"[ \t]*(?:>[ \t]*|[-*+][ \t]+)*(?:\*\*|__)?Status(?:\*\*|__)?[ \t]*:[ \t]*(.*)", re.IGNORECASE)
_BOLD = re.compile(r"(?:\*\*|__)Status:?(?:\*\*|__)[ \t]*:?[ \t]*([^|*\n]+)", re.IGNORECASE)
_ROW = re.compile(r"[ \t]*\|[ \t]*(?:\*\*)?Status:?(?:\*\*)?[ \t]*\|[ \t]*([^|]+)", re.IGNORECASE)
_HEADING = re.compile(r"(?:story\s+)?status[ \t]*(?::[ \t]*(.*))?$", re.IGNORECASE)
# "Ready for dev - all questions answered": what follows the first words is prose.
_STATUS_WORDS = 4


@dataclass(frozen=True, slots=True)
class FileStatus:
    """The status in a story file; status None and raw "" if it has none."""

    status: Status | None = None
    raw: str = ""
    line: int | None = None
    problems: tuple[Problem, ...] = ()


def find_status(page: Markdown) -> FileStatus:
    """The status of a story file and whether it contradicts itself."""
    front = page.front.get("status")
    places: list[tuple[int | None, str]] = [(None, front)] if front else []
    places += _header(page)
    if not places:
        return FileStatus()
    line, raw = places[0]
    status = file_status(raw)
    others = [(place, text) for place, text in places[1:] if file_status(text) is not status]
    problems = tuple(
        Problem(place, f"The file says both {raw!r} and {text!r} about its status.") for place, text in others[:1]
    )
    return FileStatus(status, raw, line, problems)


def file_status(raw: str) -> Status:
    """The meaning of a file's status, which is often followed by a sentence."""
    words = raw.split()
    for count in range(min(len(words), _STATUS_WORDS), 0, -1):
        status = canonical(" ".join(words[:count]).rstrip(" ,;:-|"))
        if status is not Status.UNKNOWN:
            return status
    return canonical(raw)


def _header(page: Markdown) -> Iterator[tuple[int | None, str]]:
    """Statuses above the first section, and a section that is the status."""
    headings = {heading.at: heading for heading in page.headings}
    above = True
    for index, line in enumerate(page.lines):
        heading = headings.get(index)
        if heading is None:
            if above and not line.code and (raw := _in_line(line.text)):
                yield line.number, raw
        elif heading.level > 1:
            found = _HEADING.match(heading.title)
            if found and (raw := _clean(found[1] or "") or _next_text(page.body(heading, whole=False))):
                yield line.number, raw
            above = above and found is not None


def _in_line(text: str) -> str:
    for pattern in (_ROW, _BOLD, _LINE):
        found = pattern.match(text) if pattern is not _BOLD else pattern.search(text)
        if found:
            return _clean(found[1])
    return ""


def _next_text(lines: list[Line]) -> str:
    text = next((line.text for line in lines if line.text.strip()), "")
    return _in_line(text) or _clean(text)


def _clean(text: str) -> str:
    return text.strip().strip("*_`'\"").strip()
