"""The closing lines of a reply, the only ones that can be a verdict.

A marker counts only among the marker lines at the end of the main agent's last reply. Inside a code fence or a
quotation, or with prose after it, it is an example, a plan or a quotation of the prompt, and never a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ANNOUNCEMENT: Final = re.compile(r"\s*[`*]*::task\s+[\w-]{1,64}\s+(?:start|end)\b", re.IGNORECASE)
_BULLET: Final = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s")
_INDENTED: Final = re.compile(r"[ \t]+\S")  # the continuation of a list item

IsMarker = Callable[[str], bool]


def spoken_lines(text: str) -> list[str]:
    """Return the lines of a reply that the agent wrote as its own text.

    Omitted are lines inside code fences, quotations, and announcements of tasks, which are signals to the runner and
    not part of the reply. An unclosed fence reaches to the end of the text, as in CommonMark.
    """
    return [line for line in _outside_fences(text.split("\n")) if not _ANNOUNCEMENT.match(line)]


def _outside_fences(lines: list[str]) -> Iterator[str]:
    """Yield lines outside of fences and quotations; OMITTED replaces each of these, so that it ends a closing."""
    fence: str | None = None
    for line in lines:
        found = _FENCE.match(line)
        if fence is not None:
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = None
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            fence = found[1]
            yield OMITTED
        else:
            yield OMITTED if line.lstrip().startswith(">") else line


OMITTED: Final = "\0"  # replaces a fence or a quotation: neither blank nor a marker


def closing_markers(text: str, is_marker: IsMarker, is_findings: IsMarker | None = None) -> list[str]:
    """Return the marker lines at the end of a reply, first to last; empty if it ends with something else.

    `is_findings` recognises the heading of a findings block, which may follow the markers or be between them; None
    if the prompt requests no such block.
    """
    lines = spoken_lines(text)
    last = next((number for number in reversed(range(len(lines))) if is_marker(lines[number])), None)
    if last is None or not _is_closing(lines[last + 1 :], is_findings):
        return []
    markers: list[str] = []
    for line in reversed(lines[: last + 1]):
        if is_marker(line):
            markers.append(line)
        elif line.strip() and not (is_findings is not None and (_in_block(line) or is_findings(line))):
            break
    return markers[::-1]


def _is_closing(after: list[str], is_findings: IsMarker | None) -> bool:
    """Whether only blank lines, or one findings block, follow the last marker."""
    rest = [line for line in after if line.strip()]
    if not rest:
        return True
    return is_findings is not None and is_findings(rest[0]) and all(_in_block(line) for line in rest[1:])


def _in_block(line: str) -> bool:
    """Whether a line can belong to a findings block: a list item, its continuation, or a sub-heading."""
    return bool(_BULLET.match(line) or _INDENTED.match(line) or line.lstrip().startswith(("#", "**")))
